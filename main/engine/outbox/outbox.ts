/**
 * The outbox: sends what the user wrote, in order, one sender for each room. Opened by session; the send command
 * writes here, the timeline step settles.
 *   send → row on disk → sender: encrypted where the room is, which is kept → PUT with the row's txnId, the same
 *   on every try → answer stored
 *   → the sync brings the event → timeline step deletes the row and stores the event in one transaction
 * Invariant: a row goes only with its remote echo or by its user's word. What the server refuses for good is
 * wedged: kept with the reason, out of the way of those behind it.
 * spec: client-server, "Transaction identifiers". Synapse forgets them after 24 h, hence UNCERTAIN_AFTER_MS.
 */
import type { EventId, RoomId, TxnId } from "../../../preload/contract/ids.ts";
import { backoffMs, EngineError, retryPlan, toErrorData } from "../base/errors.ts";
import { sleep, type Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { JsonObject } from "../matrix/json.ts";
import type { AccountStore } from "../store/account-store.ts";
import type { PendingEvent } from "../store/tables/outbox.ts";

/** A send that was first tried longer ago may be on the server under a txnId that it has forgotten. */
const UNCERTAIN_AFTER_MS = 23 * 3_600_000;

/**
 * Redactions are the server's to carry out. A reaction is all relation, which stays in the clear beside a ciphertext
 * anyway: other clients send it so, and some read no other. Its key is thus known to the server.
 * spec: e2ee, "m.room.encrypted", `m.relates_to`.
 */
const SENT_IN_CLEAR: ReadonlySet<string> = new Set(["m.reaction", "m.room.redaction"]);

export type OutboxDeps = {
  store: AccountStore;
  send: (
    roomId: RoomId,
    type: string,
    txnId: TxnId,
    content: JsonObject,
    options: { signal: AbortSignal },
  ) => Promise<EventId>;
  /** The encrypted form of an event for a room that is encrypted. */
  encrypt: (roomId: RoomId, type: string, content: JsonObject) => Promise<{ type: string; content: JsonObject }>;
  /** The content as the server is to get it: what it refers to on this device is uploaded first. */
  prepareContent: (content: JsonObject, options: { isEncrypted: boolean }) => Promise<JsonObject>;
  /** Forgets what the content of a discarded event refers to on this device. */
  discardUploads: (content: JsonObject) => void;
  clock: Clock;
  log: Logger;
  /** The room's timeline, or its draft, is another now. */
  changed: (roomId: RoomId) => void;
  signal: AbortSignal;
};

export function openOutbox(deps: OutboxDeps) {
  const { store, clock, log, signal } = deps;
  type NewEvent = Pick<PendingEvent, "txnId" | "roomId" | "type" | "content">;
  type Sender = { wake: AbortController; retryAtMs: number | undefined };
  const senders = new Map<RoomId, Sender>();

  /** Queues what was written in the room's composer: it is no draft any more. The event is on disk when this returns. */
  const send = (roomId: RoomId, txnId: TxnId, type: string, content: JsonObject): void =>
    enqueue({ txnId, roomId, type, content }, { takesDraft: true });

  /** Queues an event that the user made otherwise. */
  const add = (roomId: RoomId, txnId: TxnId, type: string, content: JsonObject): void =>
    enqueue({ txnId, roomId, type, content }, { takesDraft: false });

  function enqueue(event: NewEvent, { takesDraft }: { takesDraft: boolean }): void {
    const { roomId } = event;
    const room = store.rooms.read(roomId);
    if (room?.membership !== "join") {
      throw new EngineError("forbidden", "You are not in this room, so nothing can be sent to it.");
    }
    store.write(
      (tx) => {
        // Who never heard that it was taken may ask again when it is sent and settled.
        if (!store.events.hasTxnId(roomId, event.txnId)) store.outbox.add(tx, { ...event, createdAtMs: clock.now() });
        // Both change together, so that neither is ever lost or doubled.
        if (takesDraft) store.drafts.put(tx, roomId, "");
      },
      { isDurable: true },
    );
    deps.changed(roomId);
    startSender(roomId);
  }

  /** Takes a wedged event back into the queue. */
  function retry(txnId: TxnId): void {
    const pending = store.outbox.read(txnId);
    if (!pending) return;
    store.write((tx) => store.outbox.requeue(tx, txnId), { isDurable: true });
    deps.changed(pending.roomId);
    startSender(pending.roomId);
  }

  /** Drops an event that is not on the server. One that the server has already taken cannot be discarded. */
  function discard(txnId: TxnId): void {
    const pending = store.outbox.read(txnId);
    if (!pending) return;
    if (pending.eventId) throw new EngineError("rejected", "This message is already sent.");
    store.write((tx) => store.outbox.settle(tx, txnId), { isDurable: true });
    deps.discardUploads(pending.content);
    deps.changed(pending.roomId);
  }

  /** Goes on with everything that waits: at start, when the network is back, after signing in again. */
  function wakeAll(): void {
    for (const sender of senders.values()) sender.wake.abort();
    for (const roomId of store.outbox.readWaitingRooms()) startSender(roomId);
  }

  function startSender(roomId: RoomId): void {
    if (senders.has(roomId) || signal.aborted) return;
    const sender: Sender = { wake: new AbortController(), retryAtMs: undefined };
    senders.set(roomId, sender);
    void runSender(roomId, sender)
      .catch((error: unknown) => log.error("sender ended", error))
      .finally(() => senders.delete(roomId));
  }

  /** Returns when nothing waits any more, or when only signing in again can help; both in the tick of the last look. */
  async function runSender(roomId: RoomId, sender: Sender): Promise<void> {
    let attempt = 0;
    while (!signal.aborted) {
      const pending = store.outbox.readHead(roomId);
      if (!pending) return;
      const { txnId } = pending;
      try {
        if (pending.firstTriedAtMs !== undefined && clock.now() - pending.firstTriedAtMs > UNCERTAIN_AFTER_MS) {
          throw new EngineError(
            "rejected",
            "It is uncertain whether this was sent a day ago. Look for it in the room before sending it again.",
          );
        }
        // One after the other: the order of a room is the order in which it was written.
        const { content, encrypted } = await toWire(pending);
        if (pending.firstTriedAtMs === undefined || pending.wire !== encrypted) {
          store.write(
            (tx) => {
              store.outbox.setTried(tx, txnId, clock.now());
              store.outbox.setWire(tx, txnId, encrypted);
            },
            { isDurable: true },
          );
        }
        const wire = encrypted ?? { type: pending.type, content };
        const eventId = await deps.send(roomId, wire.type, txnId, wire.content, { signal });
        storeAnswer(roomId, txnId, eventId);
        attempt = 0;
        sender.retryAtMs = undefined;
        deps.changed(roomId);
      } catch (error) {
        if (signal.aborted) return;
        const plan = retryPlan(error, attempt);
        if (error instanceof EngineError && error.code === "signed-out") return;
        if (plan.when === "never") {
          log.error("send refused", error);
          if (!wedge(txnId, error)) return;
          attempt = 0;
          deps.changed(roomId);
          continue;
        }
        const delayMs = plan.when === "after" ? plan.delayMs : backoffMs(attempt);
        attempt += 1;
        sender.retryAtMs = clock.now() + delayMs;
        deps.changed(roomId);
        await sleep(clock, delayMs, AbortSignal.any([signal, sender.wake.signal])).catch(() => undefined);
        sender.wake = sender.wake.signal.aborted ? new AbortController() : sender.wake;
        sender.retryAtMs = undefined;
      }
    }
  }

  /**
   * What goes over the wire. Of an encrypted room it is ciphertext, which stays with the row, so that a repeated
   * send is the same event byte for byte. Never in the clear where people were promised encryption.
   */
  async function toWire(pending: PendingEvent): Promise<{ content: JsonObject; encrypted: PendingEvent["wire"] }> {
    if (pending.wire) return { content: {}, encrypted: pending.wire };
    const isEncrypted = isToBeEncrypted(pending);
    const content = await deps.prepareContent(pending.content, { isEncrypted });
    if (isEncrypted) return { content, encrypted: await deps.encrypt(pending.roomId, pending.type, content) };
    // An upload takes its time, in which the room may have been encrypted.
    return isToBeEncrypted(pending) ? toWire(pending) : { content, encrypted: undefined };
  }

  const isToBeEncrypted = ({ roomId, type }: PendingEvent): boolean =>
    !SENT_IN_CLEAR.has(type) && (store.rooms.read(roomId)?.isEncrypted ?? false);

  /** Takes back into the queue what only waited for this device, or for someone's identity, to be in order. */
  function retryHeld(): void {
    for (const txnId of store.outbox.readWedgedBy(["encryption-not-ready", "identity-changed"])) retry(txnId);
  }

  /** False where not even the reason could be stored: the sender ends, and the next wake tries again. */
  function wedge(txnId: TxnId, error: unknown): boolean {
    try {
      store.write((tx) => store.outbox.setWedge(tx, txnId, toErrorData(error)), { isDurable: true });
      return true;
    } catch (storeError) {
      log.error("wedge could not be stored", storeError);
      return false;
    }
  }

  function storeAnswer(roomId: RoomId, txnId: TxnId, eventId: EventId): void {
    store.write(
      (tx) => {
        if (store.events.read(roomId, eventId)) {
          // The echo overtook the answer, and did not name the txnId.
          store.outbox.settle(tx, txnId);
          store.events.setTxnId(tx, roomId, eventId, txnId);
        } else {
          store.outbox.setSent(tx, txnId, eventId);
        }
      },
      { isDurable: true },
    );
  }

  return {
    send,
    add,
    retry,
    discard,
    wakeAll,
    retryHeld,
    /** When the room's sender tries again; undefined while it does not wait. */
    retryAtOf: (roomId: RoomId): number | undefined => senders.get(roomId)?.retryAtMs,
  };
}
export type Outbox = ReturnType<typeof openOutbox>;
