/**
 * callTile: what the timeline shows of one call, derived from its events alone. Called by the timeline view.
 * Pure. Invariant: redacted, malformed and foreign events are as good as absent, and never make it throw.
 * spec: client-server, "Voice over IP".
 */
import type { UserId } from "../../../preload/contract/ids.ts";
import type { TimelineItem } from "../../../preload/contract/views.ts";
import { parseCallEvent, type CallEvent, type CallEventOf, type CallEventSource } from "./call-events.ts";

export type CallTile = Pick<Extract<TimelineItem, { kind: "call" }>, "media" | "outcome" | "durationMs">;

export type CallTileOptions = {
  /** True while the call service knows the call as one that rings or runs. */
  isLive?: boolean;
  /** Our party in this call, where it rang or was placed here: tells our answer from that of another device. */
  ownPartyId?: string | undefined;
};

/** The tile of the call that `events` belong to, in the order of the room. */
export function callTile(
  events: readonly CallEventSource[],
  ownUserId: UserId,
  options: CallTileOptions = {},
): CallTile {
  const parsed = events.flatMap((event) => parseCallEvent(event) ?? []);
  const invite = parsed.find((event) => event.kind === "invite");
  if (!invite) return { media: "voice", outcome: "failed" };
  const { media } = invite;
  const later = parsed.filter((event) => event.callId === invite.callId);
  const answer = later.find(
    (event): event is CallEventOf<"answer"> => event.kind === "answer" && mayAnswer(invite, event),
  );
  if (answer) return { media, ...answeredOutcome(later, { invite, answer, ownUserId }, options) };
  return { media, outcome: unansweredOutcome(later, invite, ownUserId, options) };
}

const isBy = (a: CallEvent, b: CallEvent): boolean =>
  a.party.userId === b.party.userId && a.party.partyId === b.party.partyId;

const mayAnswer = (invite: CallEventOf<"invite">, event: CallEvent): boolean =>
  !isBy(event, invite) &&
  (invite.invitee === undefined ? event.party.userId !== invite.party.userId : event.party.userId === invite.invitee);

function answeredOutcome(
  later: readonly CallEvent[],
  { invite, answer, ownUserId }: { invite: CallEvent; answer: CallEvent; ownUserId: UserId },
  { isLive, ownPartyId }: CallTileOptions,
): Pick<CallTile, "outcome" | "durationMs"> {
  const isElsewhere =
    answer.party.userId === ownUserId && ownPartyId !== undefined && answer.party.partyId !== ownPartyId;
  if (isElsewhere) return { outcome: "elsewhere" };
  const hangup = later.find(
    (event): event is CallEventOf<"hangup"> => event.kind === "hangup" && (isBy(event, invite) || isBy(event, answer)),
  );
  if (!hangup) return { outcome: isLive ? "running" : "ended" };
  if (hangup.reason === "ice_failed" || hangup.reason === "user_media_failed") return { outcome: "failed" };
  const durationMs = hangup.originServerTs - answer.originServerTs;
  // Two servers may disagree about the time: no duration is better than a wrong one.
  return { outcome: "ended", ...(durationMs >= 0 ? { durationMs } : {}) };
}

function unansweredOutcome(
  later: readonly CallEvent[],
  invite: CallEventOf<"invite">,
  ownUserId: UserId,
  { isLive }: CallTileOptions,
): CallTile["outcome"] {
  const isOwn = invite.party.userId === ownUserId;
  for (const event of later) {
    if (event.kind === "reject" && mayAnswer(invite, event)) return "declined";
    if (event.kind !== "hangup") continue;
    // In the old protocol a call is declined by hanging up.
    if (mayAnswer(invite, event) && event.version === 0) return "declined";
    if (!isBy(event, invite)) continue;
    if (event.reason === "user_media_failed" || event.reason === "ice_failed" || event.reason === "unknown_error")
      return isOwn ? "failed" : "missed";
    return isOwn && event.reason !== "invite_timeout" ? "cancelled" : "missed";
  }
  if (isLive) return "ringing";
  return "missed";
}
