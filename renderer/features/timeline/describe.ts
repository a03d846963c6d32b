/**
 * Words for what happened: state changes, calls, errors. Pure functions of an item and the catalogue; used by
 * the rows. Invariant: every name that a user chose is isolated, so that its direction cannot turn the sentence.
 */
import type { EngineErrorData } from "../../../preload/contract/errors.ts";
import type { Person, Replied } from "../../../preload/contract/views.ts";
import type { Text } from "../../text/text.ts";
import type { CallItem, StateItem } from "./group-items.ts";

const FIRST_STRONG_ISOLATE = "\u2068";
const POP_ISOLATE = "\u2069";

/** Wraps a name so that its direction stays its own. */
export function isolate(name: string): string {
  return `${FIRST_STRONG_ISOLATE}${name}${POP_ISOLATE}`;
}

const nameOf = (person: Person) => isolate(person.displayName);

/** What a state event did, as one sentence without a full stop. */
export function describeChange(item: StateItem, t: Text): string {
  const { change } = item;
  const sender = nameOf(item.sender);
  switch (change.change) {
    case "membership":
      return t(`timeline.${change.verb}`, { sender, subject: nameOf(change.subject) });
    case "display-name":
      if (change.to === "") return t("timeline.nameRemoved", { from: isolate(change.from) });
      if (change.from === "") return t("timeline.nameSet", { sender, to: isolate(change.to) });
      return t("timeline.nameChanged", { from: isolate(change.from), to: isolate(change.to) });
    case "avatar":
      return t("timeline.avatarChanged", { sender });
    case "room-name":
      return change.name === ""
        ? t("timeline.roomNameRemoved", { sender })
        : t("timeline.roomNamed", { sender, name: isolate(change.name) });
    case "room-topic":
      return t("timeline.roomTopicChanged", { sender });
    case "room-avatar":
      return t("timeline.roomAvatarChanged", { sender });
    case "room-created":
      return t("timeline.roomCreated", { sender });
    case "encryption-on":
      return t("timeline.encryptionOn", { sender });
    case "other":
      return t("timeline.otherChange", { sender });
  }
}

const REPLIED_KINDS = {
  image: "timeline.kindImage",
  video: "timeline.kindVideo",
  audio: "timeline.kindAudio",
  file: "timeline.kindFile",
  call: "timeline.callVoice",
  "missed-call": "timeline.callMissed",
  undecryptable: "timeline.undecryptable",
  redacted: "timeline.redacted",
} as const;

/** What the answered message said, in one line. */
export function describeReplied({ kind, text }: Replied, t: Text): string {
  if (text !== "") return text;
  return kind === undefined || kind === "text" || kind === "state"
    ? t("timeline.repliedElsewhere")
    : t(REPLIED_KINDS[kind]);
}

/** A length of time in words: "1 h 4 min", "12 min 40 s", "8 s". */
export function describeDuration(durationMs: number, t: Text): string {
  const totalSeconds = Math.max(0, Math.round(Number.isFinite(durationMs) ? durationMs / 1_000 : 0));
  const hours = Math.floor(totalSeconds / 3_600);
  const minutes = Math.floor((totalSeconds % 3_600) / 60);
  const seconds = totalSeconds % 60;
  const parts: string[] = [];
  if (hours > 0) parts.push(t("timeline.hours", { count: hours }));
  if (minutes > 0) parts.push(t("timeline.minutes", { count: minutes }));
  if (hours === 0 && (seconds > 0 || minutes === 0)) parts.push(t("timeline.seconds", { count: seconds }));
  return parts.join(" ");
}

/** How a call came out, as seen from our side. */
export function describeOutcome(item: CallItem, t: Text): string {
  switch (item.outcome) {
    case "ringing":
      return t("timeline.callRinging");
    case "running":
      return t("timeline.callRunning");
    case "ended":
      return item.durationMs === undefined ? t("timeline.callEnded") : describeDuration(item.durationMs, t);
    case "missed":
      return item.isOwn ? t("timeline.callNoAnswer") : t("timeline.callMissed");
    case "declined":
      return t("timeline.callDeclined");
    case "cancelled":
      return t("timeline.callCancelled");
    case "failed":
      return t("timeline.callFailed");
    case "elsewhere":
      return t("timeline.callElsewhere");
  }
}

/** What the engine says about an error; its own words know more than the code does. */
export function describeError(error: EngineErrorData, t: Text): string {
  return error.message === "" ? t(`errors.${error.code}`) : error.message;
}
