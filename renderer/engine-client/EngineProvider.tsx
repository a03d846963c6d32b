/**
 * Puts the engine client and what is known of the host into React's context. Mounted once by main.tsx; the
 * hooks of this folder read it, and so do the gallery and tests, with a client of their own.
 * Invariant: one client for the life of the page.
 */
import { createContext, useContext, useMemo, useSyncExternalStore } from "react";
import type { ReactNode } from "react";
import * as v from "valibot";
import { engineStatusSchema } from "../../preload/contract/shell-contract.ts";
import type { HostInfo, LatticeHost } from "../../preload/contract/shell-contract.ts";
import { openEngineClient } from "./engine-client.ts";
import type { EngineClient, EngineConnection } from "./engine-client.ts";
import { requestFramePort } from "./port.ts";

type EngineContextValue = { client: EngineClient; hostInfo: HostInfo };
const EngineContext = createContext<EngineContextValue | undefined>(undefined);

/** Opens a client on the host's port and keeps it informed of the engine's state. */
export function connectToHost(host: LatticeHost): EngineClient {
  const client = openEngineClient({ connect: (signal) => requestFramePort(host, signal) });
  host.onEngineStatus((status: unknown) => {
    const parsed = v.safeParse(engineStatusSchema, status);
    if (parsed.success) client.hostStatus(parsed.output);
  });
  return client;
}

/** Gives the client to everything below. */
export function EngineProvider({ client, hostInfo, children }: EngineContextValue & { children: ReactNode }) {
  const value = useMemo(() => ({ client, hostInfo }), [client, hostInfo]);
  return <EngineContext value={value}>{children}</EngineContext>;
}

function useEngineContext(): EngineContextValue {
  const value = useContext(EngineContext);
  if (!value) throw new Error("this component needs an EngineProvider above it");
  return value;
}

/** The engine client of this page. */
export function useEngineClient(): EngineClient {
  return useEngineContext().client;
}

/** What the host is: runtime, version, platform, media base. */
export function useHostInfo(): HostInfo {
  return useEngineContext().hostInfo;
}

/** How window and engine stand to each other, live. */
export function useEngineConnection(): EngineConnection {
  const client = useEngineClient();
  return useSyncExternalStore(client.onConnection, client.connection);
}
