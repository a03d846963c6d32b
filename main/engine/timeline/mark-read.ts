/**
 * Mark as read: our receipt and fully-read marker. Called by the timeline.markRead command.
 * Invariant: the room shows as read at once, before the server has answered; a failed request is repeated.
 * spec: client-server, POST /rooms/{roomId}/read_markers.
 */
import type { EventId, RoomId, UserId } from "../../../preload/contract/ids.ts";
import { backoffMs, retryPlan } from "../base/errors.ts";
import { sleep, type Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { HomeserverClient } from "../net/homeserver-client.ts";
import type { AccountStore } from "../store/account-store.ts";

const MAX_ATTEMPTS = 6;

export function openMarkRead(deps: {
  store: AccountStore;
  client: Pick<HomeserverClient, "setReadMarkers">;
  ownUserId: UserId;
  clock: Clock;
  log: Logger;
  changed: (roomId: RoomId) => void;
  signal: AbortSignal;
}) {
  const { store, ownUserId, clock } = deps;
  /** The newest marker wanted for each room: an older one that is still being sent is given up. */
  const wanted = new Map<RoomId, EventId>();

  function markRead(roomId: RoomId, eventId: EventId): void {
    const event = store.events.read(roomId, eventId);
    const own = store.receipts.readOwn(roomId, ownUserId);
    if (!event || own?.eventId === eventId) return;
    const isBehind =
      own?.place &&
      (own.place.chunk > event.chunk || (own.place.chunk === event.chunk && own.place.position >= event.position));
    if (isBehind) return;
    store.write((tx) => {
      store.receipts.put(tx, roomId, {
        userId: ownUserId,
        kind: "m.read",
        threadId: "",
        eventId,
        receivedTs: clock.now(),
      });
      const left = store.events.countPushAfter(roomId, event);
      store.rooms.setCounts(tx, roomId, left.notificationCount, left.highlightCount);
    });
    deps.changed(roomId);
    wanted.set(roomId, eventId);
    void send(roomId, eventId);
  }

  async function send(roomId: RoomId, eventId: EventId): Promise<void> {
    for (
      let attempt = 0;
      attempt < MAX_ATTEMPTS && wanted.get(roomId) === eventId && !deps.signal.aborted;
      attempt += 1
    ) {
      try {
        await deps.client.setReadMarkers(roomId, { fullyRead: eventId, read: eventId }, { signal: deps.signal });
        if (wanted.get(roomId) === eventId) wanted.delete(roomId);
        return;
      } catch (error) {
        const plan = retryPlan(error, attempt);
        if (plan.when === "never") {
          deps.log.warn("read marker refused");
          return;
        }
        await sleep(clock, plan.when === "after" ? plan.delayMs : backoffMs(attempt), deps.signal).catch(
          () => undefined,
        );
      }
    }
  }

  return { markRead };
}
