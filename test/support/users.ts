/**
 * Users for tests on the run's shared homeserver: each call makes one nobody else has, so tests cannot meet by chance.
 * Called by `*.hs.test.ts` files only: it needs what global-setup.ts provides.
 */
import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import { registerUser, type HomeserverAddress, type RegisteredUser } from "./register-user.ts";

/** The homeserver of this test run. */
export function sharedHomeserver(): HomeserverAddress {
  return inject("homeserver");
}

/** A new user whose name begins with `name`, with one signed-in device; the display name is `name` itself. */
export function newUser(name = "user", options: { admin?: boolean } = {}): Promise<RegisteredUser> {
  const localpart = `${name.toLowerCase()}-${randomBytes(5).toString("hex")}`;
  return registerUser(sharedHomeserver(), localpart, randomBytes(9).toString("base64url"), {
    ...options,
    displayName: name,
  });
}
