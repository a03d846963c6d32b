/**
 * Registers users on a Synapse through its shared-secret API: no captcha, no e-mail, no rate limit.
 * Called by homeserver.ts and users.ts. Invariant: the answer is a signed-in device, its password known.
 */
import { createHmac } from "node:crypto";

/** Where the server listens, and the secret that lets us make users on it. */
export type HomeserverAddress = { baseUrl: string; serverName: string; sharedSecret: string };

/** A user with one signed-in device. */
export type RegisteredUser = {
  userId: string;
  localpart: string;
  password: string;
  accessToken: string;
  deviceId: string;
};

/** Makes a user and signs one device in; throws with the server's answer where it refuses. */
export async function registerUser(
  homeserver: HomeserverAddress,
  localpart: string,
  password: string,
  options: { admin?: boolean; displayName?: string } = {},
): Promise<RegisteredUser> {
  const url = `${homeserver.baseUrl}/_synapse/admin/v1/register`;
  const nonce = stringField(await answer(await fetch(url)), "nonce");
  const admin = options.admin ?? false;
  const mac = createHmac("sha1", homeserver.sharedSecret)
    .update([nonce, localpart, password, admin ? "admin" : "notadmin"].join("\0"))
    .digest("hex");
  const body = { nonce, username: localpart, password, admin, mac, displayname: options.displayName ?? localpart };
  const reply = await answer(
    await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  );
  return {
    userId: stringField(reply, "user_id"),
    localpart,
    password,
    accessToken: stringField(reply, "access_token"),
    deviceId: stringField(reply, "device_id"),
  };
}

async function answer(response: Response): Promise<unknown> {
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text);
}

function stringField(body: unknown, name: string): string {
  const value: unknown = typeof body === "object" && body !== null ? Reflect.get(body, name) : undefined;
  if (typeof value !== "string") throw new Error(`the homeserver's answer has no ${name}`);
  return value;
}
