/**
 * A room that the server shows before it is complete: of the events that make a room, a sync may bring the first ones
 * only, and the one that encrypts it later. What its maker writes meanwhile must not go out in the clear. (E7)
 */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Seat } from "../support/seat.ts";

type EventJson = { type: string };
type RoomJson = { timeline: { events: EventJson[] } };
type SyncJson = { rooms?: { join?: Record<string, RoomJson> } };

/** Of a new room only its creation and its maker's joining come through, until `release`; then the rest with what is next. */
function holdNewRooms() {
  const held = new Map<string, EventJson[]>();
  const hasHeld = Promise.withResolvers<void>();
  let isHolding = true;
  const rewrite = (body: unknown): unknown => {
    const sync = body as SyncJson;
    const joined = { ...sync.rooms?.join };
    for (const [roomId, { timeline }] of Object.entries(joined)) {
      if (!held.has(roomId) && timeline.events[0]?.type !== "m.room.create") continue;
      const rest = [...(held.get(roomId) ?? []), ...timeline.events.splice(held.has(roomId) ? 0 : 2)];
      held.set(roomId, rest);
      if (rest.some(({ type }) => type === "m.room.encryption")) hasHeld.resolve();
    }
    if (!isHolding) {
      for (const [roomId, rest] of held) joined[roomId] = { timeline: { events: rest.splice(0) } };
    }
    return { ...sync, rooms: { ...sync.rooms, join: joined } };
  };
  return { rewrite, hasHeld: hasHeld.promise, release: () => void (isHolding = false) };
}

test("a message written into a room that is not complete yet goes out encrypted", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  const { rewrite, hasHeld, release } = holdNewRooms();
  await alice.faultOnSync({ rewrite });
  const created = alice.engine.client.call("rooms.createDirect", { ...alice.inAccount, userId: bob.userId });
  const completed = hasHeld.then(async () => {
    await sleep(500);
    release();
    // The server has nothing more to say by itself: this makes it answer again.
    await alice.bare.call("PUT", `/user/${alice.userId}/account_data/org.example.wake`, {});
  });
  const { roomId } = await created;
  const txnId = await alice.engine.sendText(roomId, "for Bob only");
  await completed;
  await alice.untilSent(roomId, txnId);
  const said = await alice.saidOnServer(roomId);
  expect(said.map(({ type }) => type)).toEqual(["m.room.encrypted"]);
});
