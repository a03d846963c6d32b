/**
 * What the timeline puts into a room's row of the list: the last thing said, and what is unread of an encrypted
 * room. Called by the timeline step, and by healing when an event can be read at last.
 * Invariant: both are worked out from stored events, in the transaction that changed them.
 */
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import type { AccountStore } from "../store/account-store.ts";
import type { WriteTx } from "../store/driver.ts";
import { rememberPeople, type People } from "../store/people.ts";
import type { Place } from "../store/tables/event.ts";
import { asItReads, readEdits } from "./edits.ts";
import { previewOf } from "./preview.ts";

/** Before the first event of every room. */
const START: Place = { chunk: 0, position: 0 };
/** So many of the newest lines are looked through for one worth a preview. */
const PREVIEW_REACH = 20;

export function writePreview(
  store: AccountStore,
  deps: { people: People; ownUserId: UserId },
  roomId: RoomId,
  tx: WriteTx,
): void {
  const personOf = rememberPeople(deps.people, roomId);
  const events = store.events.readNewestShown(roomId, PREVIEW_REACH);
  const edits = readEdits(store, roomId, events);
  const found = previewOf(
    events.map((event) => asItReads(event, edits)),
    { ...deps, personOf },
  );
  const activityTs =
    found?.originServerTs ?? store.rooms.read(roomId)?.activityTs ?? store.events.readNewest(roomId)?.originServerTs;
  store.rooms.setPreview(tx, roomId, found?.preview, activityTs);
}

/**
 * The server cannot read an encrypted room, so it counts every event and no mention: our own push marks count
 * instead. Behind a gap they would miss what was never fetched; there the server's count stands, with our
 * highlights. spec: client-server, "Push notifications", "Receiving notifications".
 */
export function writeEncryptedCounts(store: AccountStore, ownUserId: UserId, roomId: RoomId, tx: WriteTx): void {
  const room = store.rooms.read(roomId);
  if (!room?.isEncrypted) return;
  const receipt = store.receipts.readOwn(roomId, ownUserId)?.place;
  // Whoever writes, or has just come in, has seen what stood there before.
  const place = store.events.placeOfNewestBy(roomId, ownUserId, receipt ?? START) ?? receipt;
  if (!place) return;
  const own = store.events.countPushAfter(roomId, place);
  const hasGap = store.events.readChunks(roomId).some(({ chunk, prevBatch }) => chunk > place.chunk && prevBatch);
  store.rooms.setCounts(
    tx,
    roomId,
    hasGap ? Math.max(room.notificationCount, own.notificationCount) : own.notificationCount,
    own.highlightCount,
  );
}
