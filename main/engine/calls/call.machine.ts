/**
 * The machine of one call: (state, input, now) → {state, effects}. Driven by call-service.ts, which performs
 * the effects in their order. Pure: no clock, no randomness, no input/output.
 * Invariants: an ended call sends nothing, sets no timer and never leaves that state; every other state has a
 * timer that ends it, or media that flows; only the chosen opponent can change a call that has one.
 * spec: client-server, "Voice over IP"; MSC2746; W3C WebRTC "Perfect negotiation example".
 */
import { assertNever } from "../base/assert.ts";
import type { CallFact } from "../../../preload/contract/engine-contract.ts";
import type { CallId, RoomId, UserId } from "../../../preload/contract/ids.ts";
import type {
  CallEndReason,
  Candidate,
  Description,
  DesiredMedia,
  StreamMetadata,
} from "../../../preload/contract/views.ts";
import {
  callEventBuilders as build,
  type CallEvent,
  type CallEventOf,
  type CallMedia,
  type OutgoingCallEvent,
  type OwnCallEventKind,
  type Party,
} from "./call-events.ts";

/** How long our invites may be answered. spec: voip, at least 90 s are recommended. */
export const INVITE_LIFETIME_MS = 90_000;
/** How long our offers within a running call may be answered. */
const NEGOTIATION_LIFETIME_MS = 30_000;
/** From the answer until media must flow. */
const CONNECT_TIMEOUT_MS = 30_000;
/** How long a call may be without a path: the window restarts the connection several times meanwhile. */
const RECONNECT_TIMEOUT_MS = 30_000;
/** spec: voip: candidates found after the invite, or the answer, are gathered for so long before they are sent. */
const CANDIDATES_AFTER_INVITE_MS = 2_000;
const CANDIDATES_AFTER_ANSWER_MS = 500;
const CANDIDATES_LATER_MS = 500;
/** A batch that has grown to this size goes out without waiting. */
const MAX_BATCH = 50;
/** No opponent makes us hold more than this. */
const MAX_REMOTE_ENTRIES = 400;
const MAX_EARLY_CANDIDATES = 500;

export type CallTimer = "lifetime" | "candidates" | "connect" | "reconnect" | "negotiation";
const ALL_TIMERS: readonly CallTimer[] = ["lifetime", "candidates", "connect", "reconnect", "negotiation"];

type RemoteEntry = DesiredMedia["remote"][number];

/** The party that we talk to, once there is only one. */
export type Opponent = Party & {
  version: 0 | 1;
  canTakeTones: boolean;
  /** Whom it says that it has connected us with. MSC3086. */
  assertedName: string | undefined;
};

/** What we said of our own side, and what waits to be said. */
type LocalSide = {
  /** The SDP that we sent last: candidates inside it are not sent again. */
  sdp: string;
  streams: StreamMetadata;
  waiting: readonly Candidate[];
  isBatchTimed: boolean;
  /** No batch goes out before this, unless it is the last. */
  firstBatchAtMs: number;
  /** An offer of ours within the running call waits for its answer. */
  hasPendingOffer: boolean;
};

/** What the other side said, as the window applies it. */
type RemoteSide = { log: readonly RemoteEntry[]; streams?: StreamMetadata };

type Common = {
  callId: CallId;
  roomId: RoomId;
  ownUserId: UserId;
  ownPartyId: string;
  media: CallMedia;
  startedAtMs: number;
};

/** Ours: local media is being opened and the offer made; nothing was sent. */
export type PreparingCall = Common & {
  phase: "preparing";
  direction: "outgoing";
  invitee: UserId | undefined;
  local: LocalSide;
};
/** Ours: the invite is out, nobody has answered; whatever may become the opponent's is kept in `early`. */
export type InvitingCall = Common & {
  phase: "inviting";
  direction: "outgoing";
  invitee: UserId | undefined;
  local: LocalSide;
  early: readonly { party: Party; candidates: readonly Candidate[] }[];
};
/** Theirs: it waits for our user. */
export type RingingCall = Common & { phase: "ringing"; direction: "incoming"; opponent: Opponent; remote: RemoteSide };
/**
 * Answered, media does not flow yet. `answer` is how far our own answer has come; an outgoing call enters with
 * "accepted". `isInviteOver`: the invite's lifetime ended meanwhile, so there is no way back to ringing.
 */
export type ConnectingCall = Common & {
  phase: "connecting";
  direction: "incoming" | "outgoing";
  /** What we send: a video call may be answered by voice alone. */
  ownMedia: CallMedia;
  opponent: Opponent;
  local: LocalSide;
  remote: RemoteSide;
  answer: "awaited" | "sending" | "accepted";
  isInviteOver: boolean;
};
/** Media flows, or did a moment ago. */
export type ConnectedCall = Common & {
  phase: "connected";
  direction: "incoming" | "outgoing";
  ownMedia: CallMedia;
  opponent: Opponent;
  local: LocalSide;
  remote: RemoteSide;
  connectedAtMs: number;
  isPathLost: boolean;
  /** By us. */
  isOnHold: boolean;
};
/** Over for good. */
export type EndedCall = Common & {
  phase: "ended";
  direction: "incoming" | "outgoing";
  endReason: CallEndReason;
  endedAtMs: number;
  connectedAtMs: number | undefined;
};

export type CallState = PreparingCall | InvitingCall | RingingCall | ConnectingCall | ConnectedCall | EndedCall;
type RunningCall = ConnectingCall | ConnectedCall;

export type CallInput =
  | { input: "answer"; media: CallMedia }
  | { input: "reject" }
  /** Stops ringing here alone: nothing is sent, other devices ring on. */
  | { input: "ignore" }
  | { input: "hang-up"; reason: CallEndReason }
  /** Sets the directions of the media; the window negotiates them with the other side. */
  | { input: "hold"; isOnHold: boolean }
  /** Our outgoing call yields to the one that its callee made to us. */
  | { input: "replace" }
  | { input: "fact"; fact: CallFact }
  | { input: "remote"; event: CallEvent; ageMs: number }
  | { input: "timer"; timer: CallTimer }
  /** The server accepted, or will never accept, an event of ours. */
  | { input: "sent"; kind: OwnCallEventKind; isOffer?: boolean | undefined }
  | { input: "send-failed"; kind: OwnCallEventKind }
  | { input: "opponent-left" };

export type CallEffect =
  | { effect: "send"; event: OutgoingCallEvent }
  | { effect: "set-timer"; timer: CallTimer; delayMs: number }
  | { effect: "clear-timer"; timer: CallTimer }
  /** What the user sees of the call is different now. */
  | { effect: "changed" }
  | { effect: "log"; message: string };

export type CallStep = { state: CallState; effects: CallEffect[] };

/** The first step of a call that our user places. */
export function placeCall(call: Common & { invitee: UserId | undefined }): CallStep {
  return {
    state: { ...call, phase: "preparing", direction: "outgoing", local: newLocalSide() },
    // A window that never comes up with an offer must not hold the call for ever.
    effects: [setTimer("lifetime", INVITE_LIFETIME_MS), { effect: "changed" }],
  };
}

/** The first step of a call from elsewhere. `ageMs` is how much of the invite's lifetime is over. */
export function receiveInvite(call: Common, invite: CallEventOf<"invite">, ageMs: number): CallStep {
  return {
    state: {
      ...call,
      phase: "ringing",
      direction: "incoming",
      opponent: toOpponent(invite),
      remote: appendDescription({ log: [] }, invite.offer, invite.streams),
    },
    effects: [setTimer("lifetime", Math.max(0, invite.lifetimeMs - ageMs)), { effect: "changed" }],
  };
}

/** Every later step. Inputs that make no sense in the state change nothing. */
export function stepCall(state: CallState, input: CallInput, nowMs: number): CallStep {
  if (state.phase === "ended") return stay(state);
  const step = takeInput(state, input, nowMs);
  return isVisibleChange(state, step.state) ? { ...step, effects: [...step.effects, { effect: "changed" }] } : step;
}

type LiveCall = Exclude<CallState, EndedCall>;

function takeInput(state: LiveCall, input: CallInput, nowMs: number): CallStep {
  switch (input.input) {
    case "answer":
      return state.phase === "ringing" ? answerCall(state, input.media) : stay(state);
    case "reject":
      return state.phase === "ringing" ? end(state, "declined", nowMs, refuse(state)) : stay(state);
    case "ignore":
      return state.phase === "ringing" ? end(state, "missed", nowMs) : stay(state);
    case "hang-up":
      return end(state, input.reason, nowMs, farewell(state, input.reason));
    case "hold":
      if (!canHold(state)) return stay(state);
      return { state: { ...state, isOnHold: input.isOnHold }, effects: [] };
    case "replace":
      if (state.phase === "preparing") return end(state, "user-hangup", nowMs);
      // Not of the specification's list, but what other clients say in this case.
      return state.phase === "inviting"
        ? end(state, "user-hangup", nowMs, send(build.hangup(state, "replaced")))
        : stay(state);
    case "fact":
      return takeFact(state, input.fact, nowMs);
    case "remote":
      return takeRemote(state, input.event, input.ageMs, nowMs);
    case "timer":
      return takeTimer(state, input.timer, nowMs);
    case "sent":
      if (input.isOffer) return startNegotiationTimer(state);
      if (state.phase !== "connecting" || input.kind !== "answer") return stay(state);
      return { state: { ...state, answer: "accepted" }, effects: [clearTimer("lifetime")] };
    case "send-failed":
      return takeSendFailure(state, input.kind, nowMs);
    case "opponent-left":
      // Those who still ring must learn that nobody waits any more.
      return end(state, "remote-left", nowMs, state.phase === "inviting" ? farewell(state, "user-hangup") : []);
    default:
      return assertNever(input);
  }
}

// --- our own side -----------------------------------------------------------------------------------------

function answerCall(state: RingingCall, ownMedia: CallMedia): CallStep {
  return {
    state: { ...state, phase: "connecting", ownMedia, local: newLocalSide(), answer: "awaited", isInviteOver: false },
    effects: [],
  };
}

function takeFact(state: LiveCall, fact: CallFact, nowMs: number): CallStep {
  if (state.phase === "ringing") return stay(state);
  switch (fact.fact) {
    case "description":
      return takeOwnDescription(state, fact.description, fact.streams, nowMs);
    case "candidate":
      return takeOwnCandidate(state, fact.candidate, nowMs);
    case "connection":
      return takeConnection(state, fact.state, nowMs);
    case "streams":
      return takeOwnStreams(state, fact.streams);
    case "media-failed":
      return end(
        state,
        "user-media-failed",
        nowMs,
        state.phase === "preparing" ? [] : send(build.hangup(state, "user_media_failed")),
      );
    default:
      return assertNever(fact);
  }
}

type CallWithMedia = Exclude<LiveCall, RingingCall>;

function takeOwnDescription(
  state: CallWithMedia,
  description: Description,
  streams: StreamMetadata,
  nowMs: number,
): CallStep {
  switch (state.phase) {
    case "preparing":
      if (description.type !== "offer")
        return stay(state, `a first description of type ${description.type} is no offer`);
      return flushIfLast(
        {
          ...state,
          phase: "inviting",
          early: [],
          local: describe(state.local, description, streams, nowMs + CANDIDATES_AFTER_INVITE_MS),
        },
        [
          ...send(
            build.invite(state, {
              offer: description,
              lifetimeMs: INVITE_LIFETIME_MS,
              invitee: state.invitee,
              streams,
            }),
          ),
          setTimer("lifetime", INVITE_LIFETIME_MS),
        ],
        nowMs,
      );
    case "inviting":
      return stay(state, "an offer is out already");
    case "connecting":
      if (state.answer !== "awaited") return negotiate(state, description, streams, nowMs);
      if (description.type !== "answer")
        return stay(state, `a first description of type ${description.type} is no answer`);
      return flushIfLast(
        {
          ...state,
          answer: "sending",
          local: describe(state.local, description, streams, nowMs + CANDIDATES_AFTER_ANSWER_MS),
        },
        [...send(build.answer(state, { answer: description, streams })), setTimer("connect", CONNECT_TIMEOUT_MS)],
        nowMs,
      );
    case "connected":
      return negotiate(state, description, streams, nowMs);
    default:
      return assertNever(state);
  }
}

function negotiate(state: RunningCall, description: Description, streams: StreamMetadata, nowMs: number): CallStep {
  if (state.opponent.version !== 1) return stay(state, "the other side cannot negotiate");
  if (description.type === "rollback") return stay(state);
  const isOffer = description.type === "offer";
  // An end that still waits is not that of the candidates to come.
  const { state: told, effects } = isEndAlone(state.local) ? flush(state, []) : { state, effects: [] };
  const local = describe(told.local, description, streams, nowMs + CANDIDATES_AFTER_ANSWER_MS);
  return flushIfLast(
    // Who answers has no offer out any more: it was rolled back for theirs, and will be made again.
    { ...told, local: { ...local, hasPendingOffer: isOffer } },
    [
      ...effects,
      ...send(build.negotiate(state, { description, lifetimeMs: NEGOTIATION_LIFETIME_MS, streams })),
      clearTimer("negotiation"),
    ],
    nowMs,
  );
}

/**
 * An offer within the call is on the server: from now on it may expire. One that still waits to be sent may not, or
 * it would go out after it was rolled back, and its answer would fit nothing.
 */
function startNegotiationTimer(state: LiveCall): CallStep {
  const isRunning = state.phase === "connecting" || state.phase === "connected";
  if (!isRunning || !state.local.hasPendingOffer) return stay(state);
  return { state, effects: [setTimer("negotiation", NEGOTIATION_LIFETIME_MS)] };
}

/** Takes the description as what the other side knows of us from now on. */
function describe(
  local: LocalSide,
  description: Description,
  streams: StreamMetadata,
  firstBatchAtMs: number,
): LocalSide {
  const waiting = local.waiting.filter((candidate) => !holdsCandidate(description.sdp, candidate));
  return { ...local, sdp: description.sdp, streams, waiting, firstBatchAtMs };
}

/** The text of an event carries more parameters than the line in the SDP. */
function holdsCandidate(sdp: string, { candidate }: Candidate): boolean {
  const [essence = ""] = candidate.split(" generation ");
  return essence !== "" && sdp.includes(`a=${essence}`);
}

/** True once the other side has, or is about to have, a description that candidates belong to. */
const isDescribed = (state: CallWithMedia): boolean =>
  state.phase === "inviting" ||
  state.phase === "connected" ||
  (state.phase === "connecting" && state.answer !== "awaited");

function takeOwnCandidate(state: CallWithMedia, candidate: Candidate, nowMs: number): CallStep {
  if (holdsCandidate(state.local.sdp, candidate)) return stay(state);
  return flushIfLast({ ...state, local: { ...state.local, waiting: [...state.local.waiting, candidate] } }, [], nowMs);
}

/**
 * Nothing waits but the word that nothing more comes. B30 has it sent at once; but it helps nobody to connect, and
 * would keep servers and both devices from what does: it goes with the next batch.
 */
const isEndAlone = ({ waiting }: LocalSide): boolean => waiting.length === 1 && waiting[0]?.candidate === "";

/** Sends what waits when nothing more comes or the batch is full; else sees to it that a timer will. */
function flushIfLast(state: CallWithMedia, effects: CallEffect[], nowMs: number): CallStep {
  const { waiting, isBatchTimed, firstBatchAtMs } = state.local;
  if (!isDescribed(state) || waiting.length === 0) return { state, effects };
  const isLast = waiting.at(-1)?.candidate === "" && !isEndAlone(state.local);
  if (waiting.length >= MAX_BATCH || isLast) return flush(state, effects);
  if (isBatchTimed) return { state, effects };
  const delayMs = Math.min(Math.max(CANDIDATES_LATER_MS, firstBatchAtMs - nowMs), CANDIDATES_AFTER_INVITE_MS);
  return {
    state: { ...state, local: { ...state.local, isBatchTimed: true } },
    effects: [...effects, setTimer("candidates", delayMs)],
  };
}

function flush<S extends CallWithMedia>(state: S, effects: CallEffect[]): { state: S; effects: CallEffect[] } {
  const { waiting } = state.local;
  return {
    state: { ...state, local: { ...state.local, waiting: [], isBatchTimed: false } },
    effects: [
      ...effects,
      clearTimer("candidates"),
      ...(waiting.length > 0 ? send(build.candidates(state, waiting)) : []),
    ],
  };
}

function takeOwnStreams(state: CallWithMedia, streams: StreamMetadata): CallStep {
  const next = { ...state, local: { ...state.local, streams } };
  const canTell =
    isDescribed(state) && (state.phase === "inviting" || ("remote" in state && state.remote.streams !== undefined));
  const isNew = JSON.stringify(streams) !== JSON.stringify(state.local.streams);
  return { state: next, effects: canTell && isNew ? send(build.streams(state, streams)) : [] };
}

function takeConnection(
  state: CallWithMedia,
  connection: "connecting" | "connected" | "disconnected" | "failed",
  nowMs: number,
): CallStep {
  switch (state.phase) {
    case "preparing":
    case "inviting":
      return connection === "failed" ? end(state, "ice-failed", nowMs, farewell(state, "ice-failed")) : stay(state);
    case "connecting": {
      if (connection === "failed" && state.answer === "awaited")
        return end(state, "ice-failed", nowMs, farewell(state, "ice-failed"));
      // Later failures may still be mended by a restart: the timer "connect" decides.
      if (connection !== "connected" || state.answer === "awaited") return stay(state);
      const { answer: _answer, isInviteOver: _isInviteOver, ...rest } = state;
      return {
        state: { ...rest, phase: "connected", connectedAtMs: nowMs, isPathLost: false, isOnHold: false },
        effects: [clearTimer("connect"), clearTimer("lifetime")],
      };
    }
    case "connected":
      if (connection === "connected")
        return { state: { ...state, isPathLost: false }, effects: [clearTimer("reconnect")] };
      if (connection === "connecting" || state.isPathLost) return stay(state);
      return { state: { ...state, isPathLost: true }, effects: [setTimer("reconnect", RECONNECT_TIMEOUT_MS)] };
    default:
      return assertNever(state);
  }
}

// --- the other side ---------------------------------------------------------------------------------------

const isSameParty = (a: Party, b: Party): boolean => a.userId === b.userId && a.partyId === b.partyId;

function takeRemote(state: LiveCall, event: CallEvent, ageMs: number, nowMs: number): CallStep {
  // Our own echo: by party, because another device of our user is a party of its own.
  if (isSameParty(event.party, { userId: state.ownUserId, partyId: state.ownPartyId })) return stay(state);
  switch (state.phase) {
    case "preparing":
      return stay(state);
    case "inviting":
      return takeWhileInviting(state, event, nowMs);
    case "ringing":
      return takeWhileRinging(state, event, nowMs);
    case "connecting":
    case "connected":
      return takeWhileRunning(state, event, ageMs, nowMs);
    default:
      return assertNever(state);
  }
}

function takeWhileInviting(state: InvitingCall, event: CallEvent, nowMs: number): CallStep {
  const { userId, partyId } = event.party;
  const mayAnswer = state.invitee === undefined ? userId !== state.ownUserId : userId === state.invitee;
  if (!mayAnswer) return stay(state);
  switch (event.kind) {
    case "answer": {
      const early = state.early.find(({ party }) => isSameParty(party, event.party))?.candidates ?? [];
      const remote = appendCandidates(appendDescription({ log: [] }, event.answer, event.streams), early);
      const { early: _early, invitee: _invitee, ...rest } = state;
      const connecting: ConnectingCall = {
        ...rest,
        phase: "connecting",
        ownMedia: state.media,
        opponent: toOpponent(event),
        remote,
        answer: "accepted",
        isInviteOver: true,
      };
      // From now on somebody waits for our candidates.
      const next = { ...connecting, local: { ...connecting.local, firstBatchAtMs: nowMs } };
      const effects = [
        clearTimer("lifetime"),
        setTimer("connect", CONNECT_TIMEOUT_MS),
        ...send(build.selectAnswer(state, partyId)),
      ];
      return isEndAlone(state.local) ? { state: next, effects } : flush(next, effects);
    }
    case "reject":
      return end(state, "remote-declined", nowMs, send(build.selectAnswer(state, partyId)));
    case "hangup":
      // Only the old protocol rejects by hanging up; else it is one of many devices that gave up for itself.
      return event.version === 0 ? end(state, "remote-declined", nowMs) : stay(state);
    case "candidates":
      return { state: { ...state, early: keepEarly(state.early, event.party, event.candidates) }, effects: [] };
    default:
      return stay(state);
  }
}

function keepEarly(
  early: InvitingCall["early"],
  party: Party,
  candidates: readonly Candidate[],
): InvitingCall["early"] {
  const held = early.reduce((sum, entry) => sum + entry.candidates.length, 0);
  if (held + candidates.length > MAX_EARLY_CANDIDATES) return early;
  const before = early.find((entry) => isSameParty(entry.party, party));
  const others = early.filter((entry) => entry !== before);
  return [...others, { party, candidates: [...(before?.candidates ?? []), ...candidates] }];
}

function takeWhileRinging(state: RingingCall, event: CallEvent, nowMs: number): CallStep {
  if (isSameParty(event.party, state.opponent)) {
    switch (event.kind) {
      case "candidates":
        return { state: { ...state, remote: appendCandidates(state.remote, event.candidates) }, effects: [] };
      case "streams":
        return { state: { ...state, remote: { ...state.remote, streams: event.streams } }, effects: [] };
      case "hangup":
        return end(state, "missed", nowMs);
      case "select-answer":
        return event.selectedPartyId === state.ownPartyId ? stay(state) : end(state, "answered-elsewhere", nowMs);
      default:
        return stay(state);
    }
  }
  return takeFromOtherDevice(state, event, nowMs);
}

/** Another device of our user was faster. */
function takeFromOtherDevice(state: RingingCall | ConnectingCall, event: CallEvent, nowMs: number): CallStep {
  if (event.party.userId !== state.ownUserId) return stay(state);
  if (event.kind === "answer") return end(state, "answered-elsewhere", nowMs);
  const isReject = event.kind === "reject" || (event.kind === "hangup" && state.opponent.version === 0);
  return isReject ? end(state, "declined-elsewhere", nowMs) : stay(state);
}

function takeWhileRunning(state: RunningCall, event: CallEvent, ageMs: number, nowMs: number): CallStep {
  const isAnswerAwaited = state.phase === "connecting" && state.answer === "awaited";
  if (!isSameParty(event.party, state.opponent))
    return isAnswerAwaited ? takeFromOtherDevice(state, event, nowMs) : stay(state);
  switch (event.kind) {
    case "candidates":
      return { state: { ...state, remote: appendCandidates(state.remote, event.candidates) }, effects: [] };
    case "streams":
      return { state: { ...state, remote: { ...state.remote, streams: event.streams } }, effects: [] };
    case "hangup":
      return end(state, isAnswerAwaited ? "missed" : remoteEndReason(event.reason), nowMs);
    case "select-answer":
      if (state.direction === "outgoing" || event.selectedPartyId === state.ownPartyId) return stay(state);
      return end(state, "answered-elsewhere", nowMs);
    case "negotiate":
      return isAnswerAwaited ? stay(state) : takeNegotiation(state, event, ageMs);
    case "asserted-identity":
      return { state: { ...state, opponent: { ...state.opponent, assertedName: event.name } }, effects: [] };
    default:
      return stay(state);
  }
}

function takeNegotiation(state: RunningCall, event: CallEventOf<"negotiate">, ageMs: number): CallStep {
  if (state.opponent.version !== 1) return stay(state);
  const remote = appendDescription(state.remote, event.description, event.streams);
  if (event.description.type !== "offer") {
    if (!state.local.hasPendingOffer) return stay(state, "an answer to no offer");
    const isFinal = event.description.type === "answer";
    return {
      state: { ...state, remote, local: { ...state.local, hasPendingOffer: !isFinal } },
      effects: isFinal ? [clearTimer("negotiation")] : [],
    };
  }
  if (ageMs > event.lifetimeMs) return stay(state, "an offer came too late");
  // Whether it collides with an offer of ours only the window knows; it yields where `isPolite` says so.
  const yields = isPolite(state) && state.local.hasPendingOffer;
  return {
    state: { ...state, remote, local: { ...state.local, hasPendingOffer: state.local.hasPendingOffer && !yields } },
    effects: yields ? [clearTimer("negotiation")] : [],
  };
}

const toOpponent = ({ party, version, canTakeTones }: CallEventOf<"invite" | "answer">): Opponent => ({
  ...party,
  version,
  canTakeTones,
  assertedName: undefined,
});

/** True for a call whose media can be held, or changed in any other way. spec: voip: the old protocol has no words for it. */
export const canHold = (state: CallState): state is ConnectedCall =>
  state.phase === "connected" && state.opponent.version === 1;

/** The callee yields when two offers cross. */
export const isPolite = (state: CallState): boolean => state.direction === "incoming";

function appendDescription(
  remote: RemoteSide,
  description: Description,
  streams: StreamMetadata | undefined,
): RemoteSide {
  if (remote.log.length >= MAX_REMOTE_ENTRIES) return remote;
  const log = [...remote.log, { kind: "description" as const, seq: remote.log.length, description }];
  return { ...remote, log, ...(streams ? { streams } : {}) };
}

function appendCandidates(remote: RemoteSide, candidates: readonly Candidate[]): RemoteSide {
  if (candidates.length === 0 || remote.log.length >= MAX_REMOTE_ENTRIES) return remote;
  return {
    ...remote,
    log: [...remote.log, { kind: "candidates", seq: remote.log.length, candidates: [...candidates] }],
  };
}

// --- time and failures ------------------------------------------------------------------------------------

function takeTimer(state: LiveCall, timer: CallTimer, nowMs: number): CallStep {
  switch (timer) {
    case "lifetime":
      return takeLifetimeEnd(state, nowMs);
    case "candidates":
      return state.phase === "ringing" || !isDescribed(state) ? stay(state) : flush(state, []);
    case "connect":
      return state.phase === "connecting"
        ? end(state, "ice-failed", nowMs, farewell(state, "ice-failed"))
        : stay(state);
    case "reconnect":
      return state.phase === "connected" && state.isPathLost
        ? end(state, "ice-timeout", nowMs, farewell(state, "ice-timeout"))
        : stay(state);
    case "negotiation":
      return state.phase === "connecting" || state.phase === "connected" ? rollBack(state) : stay(state);
    default:
      return assertNever(timer);
  }
}

function takeLifetimeEnd(state: LiveCall, nowMs: number): CallStep {
  switch (state.phase) {
    case "preparing":
      return end(state, "user-media-failed", nowMs);
    case "inviting":
      return end(state, "invite-timeout", nowMs, farewell(state, "invite-timeout"));
    case "ringing":
      return end(state, "missed", nowMs);
    case "connecting":
      if (state.answer === "awaited") return end(state, "missed", nowMs);
      return { state: { ...state, isInviteOver: true }, effects: [] };
    case "connected":
      return stay(state);
    default:
      return assertNever(state);
  }
}

/** Nobody answered our offer: the window takes it back, and the call goes on as it was. */
function rollBack(state: RunningCall): CallStep {
  if (!state.local.hasPendingOffer) return stay(state);
  const remote = appendDescription(state.remote, { type: "rollback", sdp: "" }, undefined);
  return {
    state: { ...state, remote, local: { ...state.local, hasPendingOffer: false } },
    effects: [clearTimer("negotiation"), { effect: "log", message: "nobody answered an offer: rolled back" }],
  };
}

function takeSendFailure(state: LiveCall, kind: OwnCallEventKind, nowMs: number): CallStep {
  if (state.phase === "connecting" && state.answer === "sending" && kind === "answer") {
    if (state.isInviteOver) return end(state, "unknown-error", nowMs);
    const { answer: _answer, isInviteOver: _isInviteOver, local: _local, ownMedia: _ownMedia, ...rest } = state;
    return {
      state: { ...rest, phase: "ringing", direction: "incoming" },
      effects: [
        clearTimer("connect"),
        clearTimer("candidates"),
        { effect: "log", message: "the answer could not be sent: ringing again" },
      ],
    };
  }
  // Where media flows the call is worth more than the event.
  if (state.phase === "connected")
    return kind === "negotiate" ? rollBack(state) : stay(state, `an event could not be sent: ${kind}`);
  if (kind === "streams" || state.phase === "ringing") return stay(state, `an event could not be sent: ${kind}`);
  return end(state, "unknown-error", nowMs, farewell(state, "unknown-error"));
}

// --- the end ----------------------------------------------------------------------------------------------

/** What the other side is told when we end the call in this state. */
function farewell(state: LiveCall, reason: CallEndReason): CallEffect[] {
  switch (state.phase) {
    case "preparing":
      return [];
    case "ringing":
      return refuse(state);
    case "connecting":
      // The caller has not seen an answer of ours, so that a hangup of ours would mean nothing to him.
      return state.answer === "awaited" ? refuse(state) : send(build.hangup(state, hangupReason(reason)));
    case "inviting":
    case "connected":
      return send(build.hangup(state, hangupReason(reason)));
    default:
      return assertNever(state);
  }
}

const refuse = (state: RingingCall | ConnectingCall): CallEffect[] =>
  send(state.opponent.version === 0 ? build.hangup(state, "user_hangup") : build.reject(state));

function hangupReason(reason: CallEndReason): string {
  switch (reason) {
    case "invite-timeout":
    case "ice-failed":
    case "ice-timeout":
    case "user-media-failed":
    case "user-busy":
    case "unknown-error":
      return reason.replaceAll("-", "_");
    default:
      return "user_hangup";
  }
}

function remoteEndReason(reason: string): CallEndReason {
  switch (reason) {
    case "ice_failed":
      return "ice-failed";
    case "ice_timeout":
      return "ice-timeout";
    case "user_busy":
      return "user-busy";
    case "unknown_error":
      return "unknown-error";
    default:
      return "remote-hangup";
  }
}

function end(state: LiveCall, endReason: CallEndReason, nowMs: number, lastWords: CallEffect[] = []): CallStep {
  const { callId, roomId, ownUserId, ownPartyId, media, startedAtMs, direction } = state;
  const connectedAtMs = state.phase === "connected" ? state.connectedAtMs : undefined;
  return {
    state: {
      phase: "ended",
      callId,
      roomId,
      ownUserId,
      ownPartyId,
      media,
      startedAtMs,
      direction,
      endReason,
      endedAtMs: nowMs,
      connectedAtMs,
    },
    effects: [...ALL_TIMERS.map(clearTimer), ...lastWords],
  };
}

// --- small things -----------------------------------------------------------------------------------------

const send = (event: OutgoingCallEvent): CallEffect[] => [{ effect: "send", event }];
const setTimer = (timer: CallTimer, delayMs: number): CallEffect => ({ effect: "set-timer", timer, delayMs });
const clearTimer = (timer: CallTimer): CallEffect => ({ effect: "clear-timer", timer });
const stay = (state: CallState, message?: string): CallStep => ({
  state,
  effects: message === undefined ? [] : [{ effect: "log", message }],
});

const newLocalSide = (): LocalSide => ({
  sdp: "",
  streams: {},
  waiting: [],
  isBatchTimed: false,
  firstBatchAtMs: 0,
  hasPendingOffer: false,
});

function isVisibleChange(before: CallState, after: CallState): boolean {
  const remoteOf = (state: CallState) => ("remote" in state ? state.remote : undefined);
  const opponentOf = (state: CallState) => ("opponent" in state ? state.opponent : undefined);
  const isOnHold = (state: CallState) => state.phase === "connected" && state.isOnHold;
  return (
    before.phase !== after.phase ||
    remoteOf(before) !== remoteOf(after) ||
    opponentOf(before) !== opponentOf(after) ||
    isOnHold(before) !== isOnHold(after)
  );
}
