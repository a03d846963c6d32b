/**
 * What the tests of engine/calls share: a clock that stands still until it is moved, SDP as short as it can
 * be, events of the wire, and a call service whose room, push rules and homeserver are plain variables.
 */
import type { CallId, EventId, RoomId, UserId } from "../../../preload/contract/ids.ts";
import type { CallSettings, CallView, Person, StreamMetadata } from "../../../preload/contract/views.ts";
import {
  openCallService,
  type CallRoomInfo,
  type CallService,
  type CallSyncEntry,
} from "../../../main/engine/calls/call-service.ts";
import type { TurnServer } from "../../../main/engine/calls/turn-credentials.ts";
import type { Clock } from "../../../main/engine/base/clock.ts";
import { Logger, silentSink } from "../../../main/engine/base/logger.ts";
import type { RoomEvent } from "../../../main/engine/matrix/events.ts";
import type { JsonObject } from "../../../main/engine/matrix/json.ts";
import type { CallRow } from "../../../main/engine/store/tables/call.ts";

export const ROOM = "!room:test" as RoomId;
export const ALICE = "@alice:test" as UserId;
export const BOB = "@bob:test" as UserId;
export const CALL = "their-call" as CallId;

export const VOICE_SDP = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=sendrecv\r\n";
export const VIDEO_SDP = `${VOICE_SDP}m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=sendrecv\r\n`;
export const STREAMS: StreamMetadata = { stream: { purpose: "m.usermedia", audioMuted: false, videoMuted: false } };
export const WIRE_STREAMS = { stream: { purpose: "m.usermedia", audio_muted: false, video_muted: false } };

export const offer = (sdp = VIDEO_SDP) => ({ type: "offer" as const, sdp });
export const answer = (sdp = VIDEO_SDP) => ({ type: "answer" as const, sdp });
export const candidate = (name: string) => ({
  candidate: `candidate:${name} 1 udp 1 10.0.0.1 9 typ host generation 0`,
  sdpMid: "0",
});

/** Lets everything run that waits for nothing but promises. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    await Promise.resolve();
  }
}

export class FakeClock implements Clock {
  #nowMs = 1_000_000;
  #count = 0;
  readonly #timers = new Map<number, { atMs: number; run: () => void }>();
  /** How far the system clock is from the monotonic one. */
  skewMs = 0;

  now(): number {
    return this.#nowMs + this.skewMs;
  }
  monotonic(): number {
    return this.#nowMs;
  }
  setTimer(delayMs: number, run: () => void): () => void {
    const id = (this.#count += 1);
    this.#timers.set(id, { atMs: this.#nowMs + Math.max(0, delayMs), run });
    return () => this.#timers.delete(id);
  }
  get pendingTimers(): number {
    return this.#timers.size;
  }
  /** Moves time, running what falls due in its order. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    await settle();
    for (;;) {
      const [next] = [...this.#timers].toSorted(([idA, a], [idB, b]) => a.atMs - b.atMs || idA - idB);
      if (!next || next[1].atMs > untilMs) break;
      this.#timers.delete(next[0]);
      this.#nowMs = Math.max(this.#nowMs, next[1].atMs);
      next[1].run();
      await settle();
    }
    this.#nowMs = untilMs;
  }
}

let eventCount = 0;

export function roomEvent(type: string, sender: UserId, content: JsonObject, originServerTs = 0): RoomEvent {
  eventCount += 1;
  return {
    eventId: `$event${eventCount}` as EventId,
    type,
    sender,
    originServerTs,
    stateKey: undefined,
    content,
    redacts: undefined,
    unsigned: { ageMs: undefined, transactionId: undefined, prevContent: undefined, isRedacted: false },
  };
}

/** The envelope of the other side's events. */
export const envelope = (callId: string = CALL, partyId = "PARTYB"): JsonObject => ({
  call_id: callId,
  party_id: partyId,
  version: "1",
});

export const inviteContent = (more: JsonObject = {}): JsonObject => ({
  ...envelope(),
  offer: offer(),
  lifetime: 90_000,
  invitee: ALICE,
  sdp_stream_metadata: WIRE_STREAMS,
  ...more,
});

export type SentEvent = { type: string; content: JsonObject; txnId: string; atMs: number; eventId: EventId };

export type TestService = {
  service: CallService;
  clock: FakeClock;
  sent: SentEvent[];
  rows: Map<string, CallRow>;
  room: CallRoomInfo;
  ignored: Set<UserId>;
  settings: CallSettings;
  ring: { ring: boolean; sound: boolean };
  turn: { server: TurnServer | undefined; error: unknown; count: number };
  /** The state of the one call at every change, without repetitions. */
  seen: string[];
  /** What the homeserver does with the next sends; `undefined` accepts. */
  failSend: (event: { type: string; attempt: number }) => unknown;
  onSent: ((event: SentEvent) => void) | undefined;
  sentTypes(): string[];
  lastSent(type: string): JsonObject | undefined;
  view(portId?: number): CallView | undefined;
  views(portId?: number): CallView[];
  /** One sync response with these events. */
  sync(...events: (RoomEvent | (Partial<CallSyncEntry> & { event: RoomEvent }))[]): void;
  from(sender: UserId, type: string, content: JsonObject, ageMs?: number): void;
};

export const PORT = 1;

export function openTestService(
  options: { ownUserId?: UserId; peer?: UserId; clock?: FakeClock; rows?: Map<string, CallRow> } = {},
): TestService {
  const clock = options.clock ?? new FakeClock();
  const rows = options.rows ?? new Map<string, CallRow>();
  const peer: Person = { userId: options.peer ?? BOB, displayName: "Bob" };
  const sent: SentEvent[] = [];
  const seen: string[] = [];
  const attempts = new Map<string, number>();
  const test: TestService = {
    clock,
    rows,
    sent,
    seen,
    room: { name: "Bob", isEncrypted: false, isPublic: false, isDirect: true, joinedOthers: [peer] },
    ignored: new Set(),
    settings: { key: "callSettings", isRelayOnly: false, publicStun: "unasked", ringsInRooms: false },
    ring: { ring: true, sound: true },
    turn: { server: undefined, error: undefined, count: 0 },
    failSend: () => undefined,
    onSent: undefined,
    sentTypes: () => sent.map(({ type }) => type.replace("m.call.", "")),
    lastSent: (type) => sent.findLast((event) => event.type === `m.call.${type}`)?.content,
    view: (portId = PORT) => test.service.views(portId).at(-1),
    views: (portId = PORT) => test.service.views(portId),
    sync: (...events) =>
      test.service.handleSync(
        events.map((entry) => {
          const { event, ageMs = 0, isLive = true } = "event" in entry ? entry : { event: entry };
          return { roomId: ROOM, event, ageMs, isLive };
        }),
      ),
    from: (sender, type, content, ageMs = 0) =>
      test.sync({ event: roomEvent(`m.call.${type}`, sender, content), ageMs }),
    service: openCallService({
      ownUserId: options.ownUserId ?? ALICE,
      clock,
      log: new Logger(silentSink),
      async sendEvent(_roomId, type, txnId, content) {
        const attempt = attempts.get(txnId) ?? 0;
        attempts.set(txnId, attempt + 1);
        await Promise.resolve();
        const failure = test.failSend({ type, attempt });
        if (failure !== undefined) throw failure;
        eventCount += 1;
        const event = { type, content, txnId, atMs: clock.monotonic(), eventId: `$sent${eventCount}` as EventId };
        sent.push(event);
        test.onSent?.(event);
        return event.eventId;
      },
      async turnServer() {
        test.turn.count += 1;
        await Promise.resolve();
        if (test.turn.error) throw test.turn.error;
        return test.turn.server;
      },
      rows: {
        put: (row) => void rows.set(`${row.roomId} ${row.callId}`, row),
        read: (roomId, callId) => rows.get(`${roomId} ${callId}`),
        readLive: () => [...rows.values()].filter((row) => row.state !== "ended"),
      },
      roomInfo: (roomId) => (roomId === ROOM ? test.room : undefined),
      settings: {
        read: () => test.settings,
        iceServersFrom: (servers) =>
          test.settings.publicStun === "allowed" ? [{ urls: ["stun:public"] }] : [...servers],
      },
      isIgnored: (userId) => test.ignored.has(userId),
      pushAllowsRing: () => test.ring,
      changed() {
        const state = test.view()?.state ?? "none";
        if (seen.at(-1) !== state) seen.push(state);
      },
    }),
  };
  return test;
}

/** A call that Alice placed, with its invite on the server. */
export async function placed(
  options: Parameters<typeof openTestService>[0] = {},
): Promise<TestService & { callId: CallId }> {
  const test = openTestService(options);
  const callId = test.service.place(ROOM, "video", PORT);
  test.service.report(callId, { fact: "description", description: offer(), streams: STREAMS }, PORT);
  await settle();
  return { ...test, callId };
}

/** A call that rings at Alice's. */
export function ringing(more: JsonObject = {}): TestService {
  const test = openTestService();
  test.from(BOB, "invite", inviteContent(more));
  return test;
}

/** A call from Bob that Alice answered; media flows where `isConnected`. */
export async function answered(isConnected = true, more: JsonObject = {}): Promise<TestService> {
  const test = ringing(more);
  test.service.answer(CALL, "video", PORT);
  test.service.report(CALL, { fact: "description", description: answer(), streams: STREAMS }, PORT);
  await settle();
  if (isConnected) test.service.report(CALL, { fact: "connection", state: "connected" }, PORT);
  return test;
}

/** A call that Alice placed and Bob answered. */
export async function accepted(more: JsonObject = {}): Promise<TestService & { callId: CallId }> {
  const test = await placed();
  test.from(BOB, "answer", { ...envelope(test.callId), answer: answer(), sdp_stream_metadata: WIRE_STREAMS, ...more });
  await settle();
  return test;
}
