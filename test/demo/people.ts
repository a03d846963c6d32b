/**
 * Alice and Bob on a homeserver, with a direct room between them: made through the server's own API, as any other
 * client of theirs might have done before. Used by demo.ts.
 * Invariant: the devices made here are signed out again; the accounts, the names and the room stay.
 */
import * as v from "valibot";
import { SetupError } from "../support/cache.ts";

/** One of the two, as the app signs in. */
export type Person = { name: string; userId: string; localpart: string; password: string };
/** An account; one that was lent to the demo has no `displayName` here, and keeps its own. */
export type Credentials = { localpart: string; password: string; displayName?: string };

type Device = { person: Person; accessToken: string };

const loginSchema = v.object({ user_id: v.string(), access_token: v.string() });
const roomSchema = v.object({ room_id: v.string() });
const nameSchema = v.object({ displayname: v.string() });
const messagesSchema = v.object({
  chunk: v.array(v.object({ type: v.string(), state_key: v.optional(v.string()), origin_server_ts: v.number() })),
});
const directSchema = v.record(v.string(), v.array(v.string()));

/** Signs both in, names them, and makes their direct room unless they have one. */
export async function preparePeople(
  baseUrl: string,
  alice: Credentials,
  bob: Credentials,
): Promise<{ alice: Person; bob: Person }> {
  const [aliceDevice, bobDevice] = await Promise.all([signIn(baseUrl, alice), signIn(baseUrl, bob)]);
  await ensureDirectRoom(baseUrl, aliceDevice, bobDevice);
  await Promise.all([aliceDevice, bobDevice].map((device) => call(baseUrl, "POST", "logout", device.accessToken, {})));
  return { alice: aliceDevice.person, bob: bobDevice.person };
}

/**
 * Looks at what the server holds of the direct room. True where all that was said and signalled since `sinceMs` is
 * encrypted, and something was; throws what lies there readable.
 */
export async function isAllEncrypted(baseUrl: string, alice: Person, bob: Person, sinceMs: number): Promise<boolean> {
  const device = await signIn(baseUrl, alice);
  try {
    const [roomId] = (await directRooms(baseUrl, device))[bob.userId] ?? [];
    if (roomId === undefined) return false;
    const path = `rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=500`;
    const { chunk } = v.parse(messagesSchema, await call(baseUrl, "GET", path, device.accessToken));
    const said = chunk.filter((event) => event.state_key === undefined && event.origin_server_ts >= sinceMs);
    const readable = said.filter((event) => event.type !== "m.room.encrypted" && event.type !== "m.room.redaction");
    if (readable.length > 0) {
      throw new SetupError(
        `The server can read events of the room: ${readable.map((event) => event.type).join(", ")}.`,
      );
    }
    return said.length > 0;
  } finally {
    await call(baseUrl, "POST", "logout", device.accessToken, {});
  }
}

/** Makes sure that a homeserver answers there. */
export async function checkHomeserver(baseUrl: string): Promise<void> {
  try {
    await call(baseUrl, "GET", "../versions");
  } catch (error) {
    const reason = error instanceof SetupError ? error.message : "Nothing answers there.";
    throw new SetupError(
      `No Matrix homeserver was found at ${baseUrl}. ${reason} Check the address; it is the one of the client API.`,
    );
  }
}

/** Makes an account by open registration. spec: client-server, "Account registration", stage m.login.dummy. */
export async function registerOpenly(baseUrl: string, who: Credentials): Promise<void> {
  const body = {
    username: who.localpart,
    password: who.password,
    auth: { type: "m.login.dummy" },
    inhibit_login: true,
  };
  try {
    await call(baseUrl, "POST", "register", undefined, body);
  } catch (error) {
    throw new SetupError(
      `${baseUrl} does not let the demo register "${who.localpart}". Name two accounts of yours with --alice user:password --bob user:password. ${error instanceof Error ? error.message : ""}`,
    );
  }
}

async function signIn(baseUrl: string, who: Credentials): Promise<Device> {
  const body = {
    type: "m.login.password",
    identifier: { type: "m.id.user", user: who.localpart },
    password: who.password,
    initial_device_display_name: "Lattice demo, set-up",
  };
  const reply = v.parse(loginSchema, await call(baseUrl, "POST", "login", undefined, body));
  const { user_id: userId, access_token: accessToken } = reply;
  const path = `profile/${encodeURIComponent(userId)}/displayname`;
  if (who.displayName !== undefined) await call(baseUrl, "PUT", path, accessToken, { displayname: who.displayName });
  const profile = v.safeParse(nameSchema, await call(baseUrl, "GET", path, accessToken).catch(() => ({})));
  const name = who.displayName ?? (profile.success ? profile.output.displayname : userId);
  return { accessToken, person: { name, userId, localpart: who.localpart, password: who.password } };
}

async function ensureDirectRoom(baseUrl: string, alice: Device, bob: Device): Promise<void> {
  const known = await directRooms(baseUrl, alice);
  if ((known[bob.person.userId] ?? []).length > 0) return;
  const created = await call(baseUrl, "POST", "createRoom", alice.accessToken, {
    preset: "trusted_private_chat",
    is_direct: true,
    invite: [bob.person.userId],
    initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
  });
  const { room_id: roomId } = v.parse(roomSchema, created);
  await call(baseUrl, "POST", `join/${encodeURIComponent(roomId)}`, bob.accessToken, {});
  for (const [device, other] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    // In order on purpose: two writes of one account's data would race.
    const content = { ...(await directRooms(baseUrl, device)), [other.person.userId]: [roomId] };
    await call(baseUrl, "PUT", directPath(device), device.accessToken, content);
  }
}

const directPath = (device: Device): string => `user/${encodeURIComponent(device.person.userId)}/account_data/m.direct`;

async function directRooms(baseUrl: string, device: Device): Promise<Record<string, string[]>> {
  const content = await call(baseUrl, "GET", directPath(device), device.accessToken).catch(() => ({}));
  const parsed = v.safeParse(directSchema, content);
  return parsed.success ? parsed.output : {};
}

async function call(
  baseUrl: string,
  method: string,
  path: string,
  accessToken?: string,
  body?: unknown,
): Promise<unknown> {
  const response = await fetch(`${baseUrl}/_matrix/client/v3/${path}`, {
    method,
    headers: {
      "content-type": "application/json",
      ...(accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  if (!response.ok)
    throw new SetupError(
      `The homeserver answered ${response.status} to ${method} ${path.split("/")[0]}: ${text.slice(0, 300)}`,
    );
  return JSON.parse(text);
}
