/**
 * The crypto step: hands to-device messages and key counts of a sync response to the machine, and decrypts the
 * response's events in place, so that every later step reads what was said. Runs first of all steps.
 * Invariants: what the machine has taken is on disk before the response's token is, and a response that comes
 * again does no harm; nothing here throws for what one event or message holds. The machine is not asked where a
 * response says nothing new for it. spec: e2ee, "Extensions to /sync".
 * Its shape is that of sync/step.ts, which stands above this layer and is not imported here.
 */
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import type { RoomEvent } from "../matrix/events.ts";
import type { JoinedRoomUpdate, SyncBody } from "../matrix/sync-body.ts";
import type { CryptoDelta } from "./context.ts";
import type { Crypto } from "./crypto.ts";

export function cryptoStep(deps: { crypto: Crypto; isEncrypted: (roomId: RoomId) => boolean }) {
  const { crypto } = deps;

  async function prepare(body: SyncBody): Promise<undefined> {
    await crypto.receiveSync(body);
    await crypto.rememberRooms(
      body.joined.flatMap((update) =>
        encryptionEvents(update).map(({ content }) => ({ roomId: update.roomId, content })),
      ),
    );
    for (const update of [...body.joined, ...body.left]) {
      update.timeline.entries = await crypto.decryptEntries(update.roomId, update.timeline.entries);
      for (const entry of update.timeline.entries) {
        if (entry.ok) crypto.receiveRoomEvent(update.roomId, entry.event);
      }
    }
  }

  function write(body: SyncBody): CryptoDelta {
    const delta: CryptoDelta = { track: new Set(), invalidate: new Set() };
    for (const update of body.joined) {
      const isEncrypted = deps.isEncrypted(update.roomId) || encryptionEvents(update).length > 0;
      if (!isEncrypted) continue;
      for (const event of memberEvents(update)) {
        const userId = event.stateKey as UserId;
        const membership = event.content["membership"];
        crypto.noteMembership(update.roomId, userId);
        if (membership === "join" || membership === "invite") delta.track.add(userId);
        // Whoever left, even if he is back by now, must not read what is sent next with the old key.
        else delta.invalidate.add(update.roomId);
      }
    }
    return delta;
  }

  return {
    name: "crypto",
    prepare,
    write,
    publish() {},
    after: (delta: CryptoDelta) => crypto.afterSync(delta),
  };
}

function* stateIn(update: JoinedRoomUpdate): Generator<RoomEvent> {
  yield* update.state;
  for (const entry of update.timeline.entries) if (entry.ok && entry.event.stateKey !== undefined) yield entry.event;
}

const encryptionEvents = (update: JoinedRoomUpdate): RoomEvent[] =>
  [...stateIn(update)].filter((event) => event.type === "m.room.encryption" && event.stateKey === "");

const memberEvents = (update: JoinedRoomUpdate): RoomEvent[] =>
  [...stateIn(update)].filter((event) => event.type === "m.room.member" && event.stateKey?.startsWith("@"));
