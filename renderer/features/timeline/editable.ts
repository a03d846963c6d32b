/** Which messages their sender can edit: words that the server has. Used by the tools and by the app. */
import type { TimelineItem } from "../../../preload/contract/views.ts";

type MessageItem = Extract<TimelineItem, { kind: "message" }>;
/** A message that can be edited, as it reads now. */
export type EditableItem = MessageItem & { eventId: NonNullable<MessageItem["eventId"]> };

/** True where this message is ours, is text, and is on the server. */
export const isEditable = (item: TimelineItem): item is EditableItem =>
  item.kind === "message" &&
  item.isOwn &&
  item.eventId !== undefined &&
  item.file === undefined &&
  (item.msgtype === "text" || item.msgtype === "emote");

/** The message that "edit the last one" means. */
export const newestEditable = (items: readonly TimelineItem[]): EditableItem | undefined => items.findLast(isEditable);
