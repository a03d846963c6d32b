/**
 * The last thing said in a room, as the one line of the list. Pure; used by the timeline step.
 */
import type { UserId } from "../../../preload/contract/ids.ts";
import type { Person, Preview } from "../../../preload/contract/views.ts";
import { readMessageContent } from "../matrix/content.ts";
import { isSenderForged } from "../matrix/events.ts";
import type { EventRecord } from "../store/tables/event.ts";

const MAX_PREVIEW_LENGTH = 200;

/** The newest event worth a preview among `events` (the oldest first), or undefined. */
export function previewOf(
  events: readonly EventRecord[],
  context: { ownUserId: UserId; personOf: (userId: UserId) => Person },
): { preview: Preview; originServerTs: number } | undefined {
  for (const event of events.toReversed()) {
    const said = whatIsSaid(event);
    if (!said) continue;
    return {
      preview: {
        senderName: context.personOf(event.sender).displayName,
        isOwn: event.sender === context.ownUserId,
        kind: said.kind,
        text: oneLine(said.text),
      },
      originServerTs: event.originServerTs,
    };
  }
  return undefined;
}

/** What an event says, or undefined where that is nothing for a preview. The text is as it came. */
export function whatIsSaid(event: EventRecord): { kind: Preview["kind"]; text: string } | undefined {
  // The row has no room for a shield: these words must not stand there under the name of who never wrote them.
  if (isSenderForged(event)) return undefined;
  if (event.isRedacted)
    return event.stateKey === undefined && event.type !== "" ? { kind: "redacted", text: "" } : undefined;
  switch (event.type) {
    case "m.room.encrypted":
      return { kind: "undecryptable", text: "" };
    case "m.call.invite":
      return { kind: "call", text: "" };
    case "m.sticker":
      return { kind: "image", text: "" };
    case "m.room.message": {
      const message = readMessageContent(event.content);
      if (!message) return undefined;
      switch (message.msgtype) {
        case "m.image":
          return { kind: "image", text: message.body };
        case "m.video":
          return { kind: "video", text: message.body };
        case "m.audio":
          return { kind: "audio", text: message.body };
        case "m.file":
          return { kind: "file", text: message.body };
        default:
          return { kind: "text", text: message.body };
      }
    }
    default:
      return undefined;
  }
}

/** The first words, on one line, cut between characters as a reader sees them. */
export function oneLine(text: string): string {
  const flat = text
    .slice(0, MAX_PREVIEW_LENGTH * 4)
    .replaceAll(/\s+/gu, " ")
    .trim();
  if (flat.length <= MAX_PREVIEW_LENGTH) return flat;
  const segments = new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(flat);
  let cut = "";
  for (const { segment } of segments) {
    if (cut.length + segment.length > MAX_PREVIEW_LENGTH - 1) break;
    cut += segment;
  }
  return `${cut}…`;
}
