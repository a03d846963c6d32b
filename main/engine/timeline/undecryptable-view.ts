/**
 * The view of topic `undecryptable`: the newest events of all rooms that cannot be read, for the health page.
 */
import type { UndecryptableRow } from "../../../preload/contract/views.ts";
import type { AccountStore } from "../store/account-store.ts";
import type { People } from "../store/people.ts";

const MAX_ROWS = 100;

export function undecryptableRows(store: AccountStore, people: People): readonly UndecryptableRow[] {
  return store.events.readNewestUndecryptable(MAX_ROWS).map(({ roomId, event }) => ({
    key: event.eventId,
    roomId,
    roomName: store.rooms.read(roomId)?.name ?? "",
    eventId: event.eventId,
    sender: people.read(roomId, event.sender),
    originServerTs: event.originServerTs,
    cause: event.encryption?.cause ?? "malformed",
  }));
}
