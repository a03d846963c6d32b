/**
 * Message latency A → B: from A's PUT to B's engine having the message on its timeline topic, beside a bare long poll
 * of the same user on the same messages. Real Synapse; both see the very same events.
 */
import { startHomeserver } from "../support/homeserver.ts";
import { TestEngine } from "../support/engine-harness.ts";
import type { RegisteredUser } from "../support/register-user.ts";
import { summarize, type Sample } from "./samples.ts";

const MESSAGES = 200;

export async function benchLatency(): Promise<Sample[]> {
  await using homeserver = await startHomeserver();
  const [alice, bob] = [await homeserver.registerUser("alice"), await homeserver.registerUser("bob")];
  await using engine = await TestEngine.signedIn(homeserver.baseUrl, bob);
  const call = (user: RegisteredUser, method: string, path: string, body?: unknown) =>
    fetch(`${homeserver.baseUrl}/_matrix/client/v3${path}`, {
      method,
      headers: { authorization: `Bearer ${user.accessToken}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).then((response) => response.json() as Promise<Record<string, never>>);
  const created = await call(alice, "POST", "/createRoom", { preset: "private_chat", invite: [bob.userId] });
  const roomId = created["room_id"] as unknown as Parameters<TestEngine["inRoom"]>[0];
  await engine.until("roomList", { accountId: engine.accountId }, (rows) => rows.length === 1);
  await engine.client.call("rooms.join", { accountId: engine.accountId, room: roomId });

  const seenByEngine = new Map<string, number>();
  const seenByPoll = new Map<string, number>();
  const stop = engine.client.subscribe("timeline", engine.inRoom(roomId), (items) => {
    const last = items.at(-1);
    if (last?.kind === "message" && !seenByEngine.has(last.body)) seenByEngine.set(last.body, performance.now());
  });
  const polling = new AbortController();
  void rawPoll(homeserver.baseUrl, bob, seenByPoll, polling.signal);

  const sentAt = new Map<string, number>();
  for (let index = 0; index < MESSAGES; index += 1) {
    const body = `message ${index}`;
    sentAt.set(body, performance.now());
    await call(alice, "PUT", `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/t${index}`, {
      msgtype: "m.text",
      body,
    });
    while (!seenByEngine.has(body) || !seenByPoll.has(body)) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  stop();
  polling.abort();
  const since = (seen: Map<string, number>) =>
    [...sentAt].slice(20).map(([body, at]) => (seen.get(body) ?? Number.NaN) - at);
  const floor = summarize("message-latency", "floor: bare long poll", since(seenByPoll));
  return [floor, summarize("message-latency", "ours", since(seenByEngine), floor)];
}

/** The floor: /sync in a loop, a look for bodies, nothing else. */
async function rawPoll(
  baseUrl: string,
  user: RegisteredUser,
  seen: Map<string, number>,
  signal: AbortSignal,
): Promise<void> {
  let since = "";
  while (!signal.aborted) {
    const body = await fetch(`${baseUrl}/_matrix/client/v3/sync?timeout=${since ? 30_000 : 0}${since}`, {
      headers: { authorization: `Bearer ${user.accessToken}` },
      signal,
    })
      .then((response) => response.json() as Promise<Record<string, unknown>>)
      .catch(() => undefined);
    if (!body) continue;
    since = `&since=${encodeURIComponent(String(body["next_batch"]))}`;
    for (const match of JSON.stringify(body).matchAll(/"body":"(message \d+)"/gu)) {
      if (match[1] && !seen.has(match[1])) seen.set(match[1], performance.now());
    }
  }
}
