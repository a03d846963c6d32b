/**
 * Vitest's global set-up for tests with a homeserver: one real Synapse for the whole run, given to every worker.
 * Called by vitest for the project "engine". Invariant: the server is gone when the run is.
 */
import type { TestProject } from "vitest/node";
import { startHomeserver } from "./homeserver.ts";
import type { HomeserverAddress } from "./register-user.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the run's homeserver is, and the secret that lets tests make users on it. */
    homeserver: HomeserverAddress;
  }
}

/** Starts the server; vitest calls what it returns at the end. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const homeserver = await startHomeserver();
  const { baseUrl, serverName, sharedSecret } = homeserver;
  project.provide("homeserver", { baseUrl, serverName, sharedSecret });
  return () => homeserver.stop();
}
