/**
 * What messages say now: the newest valid edit of each, over what it first said. Used by the timeline's view and by
 * the preview of the room list, so that both say the same. spec: client-server, "Validity of replacement events".
 */
import type { EventId, RoomId } from "../../../preload/contract/ids.ts";
import { isSenderForged } from "../matrix/events.ts";
import { readObject, type JsonObject } from "../matrix/json.ts";
import type { AccountStore } from "../store/account-store.ts";
import type { EventRecord } from "../store/tables/event.ts";

export type Edits = ReadonlyMap<EventId, EventRecord>;

/** For each of these events that has one, its newest valid edit. */
export function readEdits(store: AccountStore, roomId: RoomId, events: readonly EventRecord[]): Edits {
  const originals = new Map(events.map((event) => [event.eventId, event]));
  const edits = new Map<EventId, EventRecord>();
  for (const edit of store.events.readRelated(roomId, [...originals.keys()], "m.replace")) {
    const original = edit.relatedId && originals.get(edit.relatedId);
    if (!original || edit.type !== "m.room.message" || original.sender !== edit.sender) continue;
    // Whoever can write in the clear only must not put words into an encrypted message.
    if (original.encryption && !edit.encryption) continue;
    if (isSenderForged(edit)) continue;
    edits.set(original.eventId, edit);
  }
  return edits;
}

/** What an edit puts in place of the content. */
export const newContent = (edit: { content: JsonObject } | undefined): JsonObject | undefined =>
  edit && readObject(edit.content, "m.new_content");

/** The event with the words that it has now. */
export const asItReads = (event: EventRecord, edits: Edits): EventRecord => ({
  ...event,
  content: newContent(edits.get(event.eventId)) ?? event.content,
});
