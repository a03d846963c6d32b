/**
 * A synthetic account: the body of a first sync with many rooms, and a `fetch` that serves it. Used by benches that
 * need a full store and no server. Each room has 16 state events and 20 messages.
 */

type Json = Record<string, unknown>;

export const SYNTHETIC_USER = "@me:bench.invalid";

export function syntheticSyncBody(roomCount: number): Json {
  const join: Json = {};
  for (let index = 0; index < roomCount; index += 1) join[`!room${index}:bench.invalid`] = syntheticRoom(index);
  return { next_batch: "s1", rooms: { join }, account_data: { events: [] } };
}

function syntheticRoom(index: number): Json {
  const base = 1_700_000_000_000 + index * 60_000;
  const people = Array.from({ length: 8 }, (_, person) => `@person${(index + person) % 500}:bench.invalid`);
  const event = (name: string, type: string, sender: string, content: Json, stateKey?: string): Json => ({
    event_id: `$${index}-${name}:bench.invalid`,
    type,
    sender,
    origin_server_ts: base,
    content,
    ...(stateKey !== undefined && { state_key: stateKey }),
  });
  const owner = people[0] ?? SYNTHETIC_USER;
  const state = [
    event("create", "m.room.create", owner, { room_version: "10", creator: owner }, ""),
    event("name", "m.room.name", owner, { name: `Room number ${index}` }, ""),
    event("topic", "m.room.topic", owner, { topic: `What room ${index} is about` }, ""),
    event("levels", "m.room.power_levels", owner, { users: { [owner]: 100 } }, ""),
    event("rules", "m.room.join_rules", owner, { join_rule: "invite" }, ""),
    event("visibility", "m.room.history_visibility", owner, { history_visibility: "shared" }, ""),
    event("guests", "m.room.guest_access", owner, { guest_access: "can_join" }, ""),
    ...[SYNTHETIC_USER, ...people].map((userId, place) =>
      event(
        `member${place}`,
        "m.room.member",
        userId,
        { membership: "join", displayname: `Person ${userId.slice(1, 10)}` },
        userId,
      ),
    ),
  ];
  const timeline = Array.from({ length: 20 }, (_, place) => ({
    ...event(`message${place}`, "m.room.message", people[place % people.length] ?? owner, {
      msgtype: "m.text",
      body: `Message ${place} of room ${index}: the quick brown fox jumps over the lazy dog.`,
    }),
    origin_server_ts: base + place * 1_000,
  }));
  return {
    state: { events: state },
    timeline: { events: timeline, limited: true, prev_batch: `t${index}` },
    summary: { "m.joined_member_count": people.length + 1, "m.heroes": people.slice(0, 5) },
    unread_notifications: { notification_count: index % 7, highlight_count: index % 50 === 0 ? 1 : 0 },
    ephemeral: { events: [] },
    account_data: { events: [] },
  };
}

/** Answers sign-in and sync with the synthetic account, and keeps later long polls open. */
export function syntheticFetch(roomCount: number): typeof fetch {
  const body = JSON.stringify(syntheticSyncBody(roomCount));
  const json = (text: string) => new Response(text, { headers: { "content-type": "application/json" } });
  return (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.pathname.endsWith("/login")) {
      return Promise.resolve(
        json(JSON.stringify({ user_id: SYNTHETIC_USER, device_id: "BENCH", access_token: "bench" })),
      );
    }
    if (url.pathname.endsWith("/sync") && !url.searchParams.has("since")) return Promise.resolve(json(body));
    if (url.pathname.includes("/profile/")) return Promise.resolve(json("{}"));
    return new Promise((_resolve, reject) => {
      init?.signal?.addEventListener("abort", () => reject(init.signal?.reason as Error), { once: true });
    });
  };
}
