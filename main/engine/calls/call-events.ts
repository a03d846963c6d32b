/**
 * The m.call.* events: parsers wire → domain, and builders domain → wire. Called by the call service, the
 * call machine and the call tiles. Invariant: what does not parse is `undefined`, never a throw; nothing
 * here decides anything. Only this file knows the snake_case of calls.
 * spec: client-server, "Voice over IP"; MSC2746, MSC3077, MSC3291.
 */
import * as v from "valibot";
import { callIdSchema, userIdSchema, type CallId, type EventId, type UserId } from "../../../preload/contract/ids.ts";
import {
  candidateSchema,
  descriptionSchema,
  type Candidate,
  type Description,
  type StreamMetadata,
} from "../../../preload/contract/views.ts";
import type { RoomEvent } from "../matrix/events.ts";
import type { JsonObject } from "../matrix/json.ts";

export type CallMedia = "voice" | "video";

/** Who sent an event within a call. A party without an id is `null`. */
export type Party = { userId: UserId; partyId: string | null };

/** What every event of a call carries. `version` 0 is the protocol without parties. */
type Envelope = {
  callId: CallId;
  party: Party;
  version: 0 | 1;
  eventId: EventId;
  originServerTs: number;
};

/** One event of a call, parsed. */
export type CallEvent = Envelope &
  (
    | {
        kind: "invite";
        offer: Description;
        lifetimeMs: number;
        invitee?: UserId;
        media: CallMedia;
        streams?: StreamMetadata;
        canTakeTones: boolean;
      }
    | { kind: "answer"; answer: Description; streams?: StreamMetadata; canTakeTones: boolean }
    | { kind: "candidates"; candidates: Candidate[] }
    | { kind: "select-answer"; selectedPartyId: string | null }
    | { kind: "negotiate"; description: Description; lifetimeMs: number; streams?: StreamMetadata }
    | { kind: "streams"; streams: StreamMetadata }
    | { kind: "asserted-identity"; name: string | undefined }
    | { kind: "reject" }
    | { kind: "hangup"; reason: string }
  );
export type CallEventKind = CallEvent["kind"];
/** We assert nobody's identity. */
export type OwnCallEventKind = Exclude<CallEventKind, "asserted-identity">;
export type CallEventOf<K extends CallEventKind> = Extract<CallEvent, { kind: K }>;

/** What of a room event makes a call event. */
export type CallEventSource = Pick<
  RoomEvent,
  "eventId" | "type" | "sender" | "originServerTs" | "stateKey" | "content"
>;

/** An event of ours on its way out. */
export type OutgoingCallEvent = {
  kind: OwnCallEventKind;
  eventType: string;
  content: JsonObject;
  /** An offer within a running call: its time to be answered begins when it is sent. */
  isOffer?: boolean;
};

/** No invite rings for longer than this, whatever its sender asks for. */
const MAX_LIFETIME_MS = 120_000;
/** Of an invite that names no lifetime. */
const DEFAULT_LIFETIME_MS = 60_000;
const MAX_CANDIDATES_PER_EVENT = 200;
const MAX_STREAMS = 20;
const KNOWN_PURPOSES: ReadonlySet<string> = new Set(["m.usermedia", "m.screenshare"]);

const STREAMS_KEY = "sdp_stream_metadata";
/** As clients wrote it before MSC3077 was merged; read, never sent. */
const UNSTABLE_STREAMS_KEY = "org.matrix.msc3077.sdp_stream_metadata";

const KIND_BY_TYPE: ReadonlyMap<string, CallEventKind> = new Map([
  ["m.call.invite", "invite"],
  ["m.call.answer", "answer"],
  ["m.call.candidates", "candidates"],
  ["m.call.select_answer", "select-answer"],
  ["m.call.negotiate", "negotiate"],
  ["m.call.sdp_stream_metadata_changed", "streams"],
  ["org.matrix.call.sdp_stream_metadata_changed", "streams"],
  ["m.call.asserted_identity", "asserted-identity"],
  ["org.matrix.call.asserted_identity", "asserted-identity"],
  ["m.call.reject", "reject"],
  ["m.call.hangup", "hangup"],
]);

const TYPE_BY_KIND: Record<OwnCallEventKind, string> = {
  invite: "m.call.invite",
  answer: "m.call.answer",
  candidates: "m.call.candidates",
  "select-answer": "m.call.select_answer",
  negotiate: "m.call.negotiate",
  streams: "m.call.sdp_stream_metadata_changed",
  reject: "m.call.reject",
  hangup: "m.call.hangup",
};

const partyIdSchema = v.nullish(v.pipe(v.string(), v.minLength(1), v.maxLength(255)), null);
const envelopeSchema = v.object({ call_id: callIdSchema, party_id: partyIdSchema, version: v.optional(v.unknown()) });
const lifetimeSchema = v.optional(v.pipe(v.number(), v.finite(), v.minValue(0)), DEFAULT_LIFETIME_MS);
const inviteSchema = v.object({ offer: descriptionSchema, lifetime: lifetimeSchema, invitee: v.nullish(userIdSchema) });
const answerSchema = v.object({ answer: descriptionSchema });
const negotiateSchema = v.object({ description: descriptionSchema, lifetime: lifetimeSchema });
const candidatesSchema = v.object({ candidates: v.array(v.unknown()) });
const selectAnswerSchema = v.object({ selected_party_id: partyIdSchema });
const hangupSchema = v.object({
  reason: v.fallback(v.pipe(v.string(), v.minLength(1), v.maxLength(100)), "user_hangup"),
});
const assertedIdentitySchema = v.object({
  asserted_identity: v.nullable(
    v.object({
      id: v.nullish(v.pipe(v.string(), v.maxLength(255))),
      display_name: v.nullish(v.pipe(v.string(), v.maxLength(255))),
    }),
  ),
});
/** Whatever is not plainly there is not: a capability that was only guessed would be offered for nothing. */
const capabilitiesSchema = v.object({ capabilities: v.object({ "m.call.dtmf": v.literal(true) }) });
const streamsSchema = v.record(v.string(), v.unknown());
const streamSchema = v.object({
  purpose: v.string(),
  audio_muted: v.fallback(v.boolean(), false),
  video_muted: v.fallback(v.boolean(), false),
});

/** The event as one of a call; undefined where it is of another type, or malformed. */
export function parseCallEvent(event: CallEventSource): CallEvent | undefined {
  const kind = KIND_BY_TYPE.get(event.type);
  if (kind === undefined || event.stateKey !== undefined) return undefined;
  const envelope = read(envelopeSchema, event.content);
  if (!envelope) return undefined;
  const common: Envelope = {
    callId: envelope.call_id,
    party: { userId: event.sender, partyId: envelope.party_id },
    // spec: only the integer 0 is the old protocol; whatever else is there, or nothing, is read as 1.
    version: envelope.version === 0 ? 0 : 1,
    eventId: event.eventId,
    originServerTs: event.originServerTs,
  };
  return parseBody(kind, common, event.content);
}

function parseBody(kind: CallEventKind, common: Envelope, content: JsonObject): CallEvent | undefined {
  switch (kind) {
    case "invite": {
      const body = read(inviteSchema, content);
      if (!body || body.offer.type !== "offer") return undefined;
      return {
        ...common,
        kind,
        offer: body.offer,
        lifetimeMs: Math.min(body.lifetime, MAX_LIFETIME_MS),
        ...(body.invitee ? { invitee: body.invitee } : {}),
        media: offersVideo(body.offer.sdp) ? "video" : "voice",
        ...streamsOf(content),
        canTakeTones: canTakeTones(content),
      };
    }
    case "answer": {
      const body = read(answerSchema, content);
      return (
        body && { ...common, kind, answer: body.answer, ...streamsOf(content), canTakeTones: canTakeTones(content) }
      );
    }
    case "negotiate": {
      const body = read(negotiateSchema, content);
      if (!body) return undefined;
      return {
        ...common,
        kind,
        description: body.description,
        lifetimeMs: Math.min(body.lifetime, MAX_LIFETIME_MS),
        ...streamsOf(content),
      };
    }
    case "candidates": {
      const body = read(candidatesSchema, content);
      const candidates = body?.candidates.slice(0, MAX_CANDIDATES_PER_EVENT).flatMap(parseCandidate) ?? [];
      return candidates.length > 0 ? { ...common, kind, candidates } : undefined;
    }
    case "select-answer": {
      const body = read(selectAnswerSchema, content);
      return body && { ...common, kind, selectedPartyId: body.selected_party_id };
    }
    case "streams": {
      const { streams } = streamsOf(content);
      return streams && { ...common, kind, streams };
    }
    case "asserted-identity": {
      const body = read(assertedIdentitySchema, content);
      if (!body) return undefined;
      const { display_name: displayName, id } = body.asserted_identity ?? {};
      return { ...common, kind, name: displayName?.trim() || id || undefined };
    }
    case "hangup":
      return { ...common, kind, reason: read(hangupSchema, content)?.reason ?? "user_hangup" };
    case "reject":
      return { ...common, kind };
  }
}

function read<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> | undefined {
  const result = v.safeParse(schema, value);
  return result.success ? result.output : undefined;
}

const canTakeTones = (content: JsonObject): boolean => read(capabilitiesSchema, content) !== undefined;

/** One candidate, or none: a bad one never takes the others with it. */
function parseCandidate(value: unknown): Candidate[] {
  if (typeof value !== "object" || value === null) return [];
  const withoutNulls = Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
  const candidate = read(candidateSchema, withoutNulls);
  if (!candidate) return [];
  const hasPlace = candidate.sdpMid !== undefined || candidate.sdpMLineIndex !== undefined;
  return candidate.candidate === "" || hasPlace ? [candidate] : [];
}

function streamsOf(content: JsonObject): { streams?: StreamMetadata } {
  const entries = read(streamsSchema, content[STREAMS_KEY] ?? content[UNSTABLE_STREAMS_KEY]);
  if (!entries) return {};
  const streams: StreamMetadata = {};
  for (const [streamId, value] of Object.entries(entries).slice(0, MAX_STREAMS)) {
    const stream = read(streamSchema, value);
    // spec: streams of a purpose that we do not know are ignored, as if their metadata were missing.
    if (!stream || !KNOWN_PURPOSES.has(stream.purpose)) continue;
    streams[streamId] = { purpose: stream.purpose, audioMuted: stream.audio_muted, videoMuted: stream.video_muted };
  }
  return { streams };
}

/**
 * Whether the offer brings moving pictures. A video section that its sender only receives in does not:
 * clients offer it in voice calls to be ready for more.
 */
function offersVideo(sdp: string): boolean {
  const [session = "", ...sections] = sdp.split(/^(?=m=)/mu);
  const fallback = directionOf(session) ?? "sendrecv";
  return sections.some((section) => {
    if (!section.startsWith("m=video ") || section.startsWith("m=video 0 ")) return false;
    const direction = directionOf(section) ?? fallback;
    return direction === "sendrecv" || direction === "sendonly";
  });
}

const directionOf = (sdp: string): string | undefined =>
  /^a=(sendrecv|sendonly|recvonly|inactive)\r?$/mu.exec(sdp)?.[1];

/** Names the sender's side of a call in every event that it sends. */
export type OwnParty = { callId: CallId; ownPartyId: string };

/** spec: voip; MSC2747: calls are not moved to others from here, and nothing here listens for tones. */
const CAPABILITIES = { "m.call.transferee": false, "m.call.dtmf": false };

function build(kind: OwnCallEventKind, own: OwnParty, body: JsonObject): OutgoingCallEvent {
  return {
    kind,
    eventType: TYPE_BY_KIND[kind],
    content: { call_id: own.callId, party_id: own.ownPartyId, version: "1", ...body },
  };
}

const wireDescription = ({ type, sdp }: Description): JsonObject => ({ type, sdp });

const wireCandidate = ({ candidate, sdpMid, sdpMLineIndex }: Candidate): JsonObject => ({
  candidate,
  ...(sdpMid === undefined ? {} : { sdpMid }),
  ...(sdpMLineIndex === undefined ? {} : { sdpMLineIndex }),
});

function wireStreams(streams: StreamMetadata): JsonObject {
  return Object.fromEntries(
    Object.entries(streams).map(([streamId, { purpose, audioMuted, videoMuted }]) => [
      streamId,
      { purpose, audio_muted: audioMuted, video_muted: videoMuted },
    ]),
  );
}

/** Builders of our own events: one for each kind. */
export const callEventBuilders = {
  invite: (
    own: OwnParty,
    body: { offer: Description; lifetimeMs: number; invitee: UserId | undefined; streams: StreamMetadata },
  ) =>
    build("invite", own, {
      offer: wireDescription(body.offer),
      lifetime: body.lifetimeMs,
      ...(body.invitee ? { invitee: body.invitee } : {}),
      capabilities: CAPABILITIES,
      [STREAMS_KEY]: wireStreams(body.streams),
    }),
  answer: (own: OwnParty, body: { answer: Description; streams: StreamMetadata }) =>
    build("answer", own, {
      answer: wireDescription(body.answer),
      capabilities: CAPABILITIES,
      [STREAMS_KEY]: wireStreams(body.streams),
    }),
  candidates: (own: OwnParty, candidates: readonly Candidate[]) =>
    build("candidates", own, { candidates: candidates.map(wireCandidate) }),
  selectAnswer: (own: OwnParty, selectedPartyId: string | null) =>
    build("select-answer", own, selectedPartyId === null ? {} : { selected_party_id: selectedPartyId }),
  negotiate: (own: OwnParty, body: { description: Description; lifetimeMs: number; streams: StreamMetadata }) => {
    const event = build("negotiate", own, {
      description: wireDescription(body.description),
      lifetime: body.lifetimeMs,
      [STREAMS_KEY]: wireStreams(body.streams),
    });
    return { ...event, isOffer: body.description.type === "offer" };
  },
  streams: (own: OwnParty, streams: StreamMetadata) => build("streams", own, { [STREAMS_KEY]: wireStreams(streams) }),
  reject: (own: OwnParty) => build("reject", own, {}),
  hangup: (own: OwnParty, reason: string) => build("hangup", own, { reason }),
};
