/**
 * Healing: reads at last what could not be decrypted, when its key has come; and judges shields anew, when trust
 * has changed. Called by session with what the crypto reports. Invariant: an event keeps its id, its place and its
 * line; everything that its words decide (preview, counts, call, edits) is worked out again in one transaction.
 */
import type { EventId, RoomId, UserId } from "../../../preload/contract/ids.ts";
import type { Decryptor } from "../crypto/decryptor.ts";
import type { RoomEvent } from "../matrix/events.ts";
import type { AccountStore } from "../store/account-store.ts";
import type { People } from "../store/people.ts";
import type { EventRecord, PushMark } from "../store/tables/event.ts";
import { toEventRecord, toWireEvent } from "./event-record.ts";
import { writeEncryptedCounts, writePreview } from "./room-row.ts";

/** So many events are rewritten in one transaction; between two the engine does other things. */
const BATCH = 200;
/** A changed identity touches this many of a user's newest messages. */
const MAX_REJUDGED = 500;

export type HealingDeps = {
  store: AccountStore;
  people: People;
  ownUserId: UserId;
  decryptor: Pick<Decryptor, "decrypt" | "currentShield">;
  /** What the push rules make of an event that is read now. */
  pushMarkOf: (roomId: RoomId, event: RoomEvent) => PushMark;
  changed: (roomIds: ReadonlySet<RoomId>) => void;
  /** Events that can be read now, the oldest first: a call among them may still ring. */
  healed: (roomId: RoomId, events: readonly RoomEvent[]) => void;
  signal: AbortSignal;
};

export function openHealing(deps: HealingDeps) {
  const { store, ownUserId, decryptor, signal } = deps;

  /** Tries the undecryptable events of a room: all, or those of some sessions. Gives how many can be read now. */
  async function heal(roomId: RoomId, sessionIds?: ReadonlySet<string>): Promise<number> {
    const waiting = store.events.readUndecryptable(roomId, sessionIds && { sessionIds: [...sessionIds] });
    let healedCount = 0;
    for (let from = 0; from < waiting.length && !signal.aborted; from += BATCH) {
      // The newest first, in batches: what is on the screen heals first, and pixels are never far away.
      healedCount += await healBatch(roomId, waiting.slice(from, from + BATCH));
    }
    return healedCount;
  }

  async function healBatch(roomId: RoomId, records: readonly EventRecord[]): Promise<number> {
    const results: { record: EventRecord; event: RoomEvent }[] = [];
    for (const record of records) {
      results.push({ record, event: await decryptor.decrypt(roomId, toWireEvent(record)) });
    }
    const healed: RoomEvent[] = [];
    let isTouched = false;
    store.write((tx) => {
      for (const { record, event } of results) {
        // Redacted, or healed by another way, in the meantime.
        const now = store.events.read(roomId, record.eventId);
        if (!now?.encryption?.cause || !event.encryption) continue;
        if (event.encryption.cause) {
          if (event.encryption.cause === now.encryption.cause) continue;
          store.events.setCause(tx, roomId, record.eventId, event.encryption.cause);
        } else {
          const push = event.sender === ownUserId ? 0 : deps.pushMarkOf(roomId, event);
          store.events.setDecrypted(tx, roomId, toEventRecord(event, record, { txnId: record.txnId, push }));
          healed.push(event);
        }
        isTouched = true;
      }
      if (!isTouched) return;
      writePreview(store, deps, roomId, tx);
      writeEncryptedCounts(store, ownUserId, roomId, tx);
    });
    if (isTouched) deps.changed(new Set([roomId]));
    if (healed.length > 0) deps.healed(roomId, healed.toReversed());
    return healed.length;
  }

  /** Looks once more at what protects a user's newest messages. */
  async function rejudge(userId: UserId): Promise<void> {
    const changes: { roomId: RoomId; eventId: EventId; shield: EventRecordShield }[] = [];
    for (const { roomId, event } of store.events.readDecryptedOf(userId, MAX_REJUDGED)) {
      const shield = await decryptor.currentShield(roomId, toWireEvent(event)).catch(() => event.encryption?.shield);
      if (shield !== event.encryption?.shield) changes.push({ roomId, eventId: event.eventId, shield });
    }
    if (changes.length === 0 || signal.aborted) return;
    store.write((tx) => {
      for (const { roomId, eventId, shield } of changes) store.events.setShield(tx, roomId, eventId, shield);
      // What turns out to be forged leaves the list.
      for (const roomId of new Set(changes.map((change) => change.roomId))) writePreview(store, deps, roomId, tx);
    });
    deps.changed(new Set(changes.map(({ roomId }) => roomId)));
  }

  return { heal, rejudge };
}
export type Healing = ReturnType<typeof openHealing>;

type EventRecordShield = NonNullable<EventRecord["encryption"]>["shield"];
