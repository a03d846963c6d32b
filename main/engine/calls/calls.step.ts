/**
 * The calls step: picks the call events and departures out of a sync response, and hands them to the call
 * service after the commit, all at once and in order, so that a call which is over within the response never
 * rings. Runs last.
 */
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import { isSenderForged, type RoomEvent } from "../matrix/events.ts";
import type { SyncBody } from "../matrix/sync-body.ts";
import type { AccountStore } from "../store/account-store.ts";
import type { SyncStep } from "../sync/step.ts";
import type { CallService } from "./call-service.ts";

export type CallsDelta = {
  entries: { roomId: RoomId; event: RoomEvent; ageMs: number; isLive: boolean }[];
  left: { roomId: RoomId; userId: UserId }[];
};

export function callsStep(deps: {
  store: AccountStore;
  ownUserId: UserId;
  service: CallService;
  /** Someone calls in this room: what an answer will need is made ready now. */
  prepareToAnswer: (roomId: RoomId) => void;
}): SyncStep<undefined, CallsDelta> {
  /** In an encrypted room only what came encrypted, and from whom it says, is a call: the server could write the rest. */
  const isTrustworthy = (roomId: RoomId, event: RoomEvent): boolean =>
    (event.encryption !== undefined || !deps.store.rooms.read(roomId)?.isEncrypted) && !isSenderForged(event);

  return {
    name: "calls",
    write(body: SyncBody): CallsDelta {
      const delta: CallsDelta = { entries: [], left: [] };
      for (const update of body.joined) {
        for (const entry of update.timeline.entries) {
          if (!entry.ok) continue;
          const { event } = entry;
          if (isCallEvent(event) && isTrustworthy(update.roomId, event)) {
            // Without an age nothing says that a call is of now: such an invite never rings.
            const unknownAgeMs = event.type === "m.call.invite" ? Number.MAX_SAFE_INTEGER : 0;
            delta.entries.push({
              roomId: update.roomId,
              event,
              ageMs: event.unsigned.ageMs ?? unknownAgeMs,
              isLive: true,
            });
          }
          if (event.type === "m.room.member" && event.stateKey && event.content["membership"] !== "join") {
            delta.left.push({ roomId: update.roomId, userId: event.stateKey as UserId });
          }
        }
      }
      for (const update of body.left) delta.left.push({ roomId: update.roomId, userId: deps.ownUserId });
      return delta;
    },
    publish(delta) {
      // Also without events: what rang before a restart rings again after the first response.
      deps.service.handleSync(delta.entries);
      for (const { roomId, event } of delta.entries) {
        if (event.type === "m.call.invite" && event.sender !== deps.ownUserId) deps.prepareToAnswer(roomId);
      }
      for (const { roomId, userId } of delta.left) deps.service.memberLeft(roomId, userId);
    },
  };
}

export const isCallEvent = (event: RoomEvent): boolean =>
  event.type.startsWith("m.call.") || event.type.startsWith("org.matrix.call.");
