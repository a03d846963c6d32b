/**
 * The call service: all calls of one account. It routes events, commands and facts to the machines, decides
 * what rings, settles glare, and remembers calls across restarts. Opened by session, fed by calls.step.ts
 * after each commit, asked by the port. Invariants: an invite rings at most once, and only when the whole sync
 * response has been seen; only the port that placed or answered a call can report its media; nothing from the
 * other side makes a method throw. spec: client-server, "Voice over IP"; MSC2746.
 */
import { randomInt } from "node:crypto";
import type { CallFact, GivenAnswer } from "../../../preload/contract/engine-contract.ts";
import type { CallId, EventId, RoomId, TxnId, UserId } from "../../../preload/contract/ids.ts";
import type { CallEndReason, CallView, DesiredMedia, IceServer, Person } from "../../../preload/contract/views.ts";
import { sleep, type Clock } from "../base/clock.ts";
import { EngineError } from "../base/errors.ts";
import { log32, type Logger } from "../base/logger.ts";
import type { RoomEvent } from "../matrix/events.ts";
import type { CallRow } from "../store/tables/call.ts";
import { callEventBuilders, parseCallEvent, type CallEvent, type CallEventOf, type CallMedia } from "./call-events.ts";
import { CallSender, type SendEvent } from "./call-sender.ts";
import type { CallSettingsStore } from "./call-settings.ts";
import { desiredMedia, toCallView } from "./call-view.ts";
import { canHold, placeCall, receiveInvite, type CallState } from "./call.machine.ts";
import { LiveCall, type LiveCallFacts } from "./live-call.ts";
import { openTurnCredentials, type FetchTurnServer, type TurnCredentials } from "./turn-credentials.ts";

/** Where calls are kept beyond this run. A throw is logged; the call goes on. */
export interface CallRows {
  put(row: CallRow): void;
  read(roomId: RoomId, callId: CallId): CallRow | undefined;
  readLive(): CallRow[];
}

/** What a call needs to know of its room. */
export type CallRoomInfo = {
  name: string;
  isEncrypted: boolean;
  isPublic: boolean;
  isDirect: boolean;
  joinedOthers: readonly Person[];
};

export type CallServiceDeps = {
  ownUserId: UserId;
  clock: Clock;
  log: Logger;
  sendEvent: SendEvent;
  turnServer: FetchTurnServer;
  rows: CallRows;
  /** Undefined for rooms that we have not joined. */
  roomInfo(roomId: RoomId): CallRoomInfo | undefined;
  settings: Pick<CallSettingsStore, "read" | "iceServersFrom">;
  isIgnored(userId: UserId): boolean;
  /** What the push rules say of an invite; a call that may not ring, or not aloud, is shown in silence. */
  pushAllowsRing(roomId: RoomId, event: RoomEvent): { ring: boolean; sound: boolean };
  /** The views are different now. */
  changed(): void;
};

export type AnswerOptions = {
  otherCalls?: "end" | "hold" | undefined;
  prepared?: GivenAnswer | undefined;
};

/** One call event of a sync response, in the order of the response. */
export type CallSyncEntry = {
  roomId: RoomId;
  event: RoomEvent;
  /** Its age when the response came. */
  ageMs: number;
  /** False for events that are not news: they never ring. */
  isLive: boolean;
};

/** An invite with less time left cannot be answered any more. */
const MIN_LEFT_TO_RING_MS = 3_000;
/** How long an ended call stays in the views, so that they can say why. */
const ENDED_SHOWN_MS = 6_000;
/** From the loss of the port that holds the media to the end of the call. */
const PORT_GRACE_MS = 3_000;
/** In a glare that we won: how long we wait for clients that never answer then. */
const GLARE_PATIENCE_MS = 4_000;
const CLOSE_TIMEOUT_MS = 2_000;
/** Who is called by more at once is called by a machine. */
const MAX_RINGING = 4;
const MAX_EARLY_CALLS = 200;
const MAX_EARLY_EVENTS = 50;
const MAX_KNOWN_CALLS = 1_000;

export class CallService {
  readonly #deps: CallServiceDeps;
  readonly #log: Logger;
  readonly #turn: TurnCredentials;
  readonly #calls = new Map<CallId, LiveCall>();
  /** Gone from the views, but their last word is still under way. */
  readonly #leaving = new Set<{ idle(): Promise<void>; dispose(): void }>();
  /** Events of calls that we know nothing of: a hangup may overtake its invite. Oldest first. */
  readonly #early = new Map<string, { event: CallEvent; ageMs: number }[]>();
  /** Invites of this response that have not been judged. */
  #unjudged: LiveCall[] = [];
  /** Calls that were running when the app ended, until the first response shows that we are online. */
  #leftOver: CallRow[];
  /** Incoming calls that were judged. Oldest first. */
  readonly #known = new Set<string>();
  #isInBatch = false;
  #isDirty = false;
  #isClosed = false;

  constructor(deps: CallServiceDeps) {
    this.#deps = deps;
    this.#log = deps.log;
    this.#turn = openTurnCredentials({ clock: deps.clock, log: this.#log, fetch: deps.turnServer });
    this.#leftOver = this.#guard(() => deps.rows.readLive()) ?? [];
  }

  // --- commands -------------------------------------------------------------------------------------------

  /** Calls the one other member of the room; where that member is calling us, answers. */
  place(roomId: RoomId, media: CallMedia, portId: number): CallId {
    const info = this.#deps.roomInfo(roomId);
    if (!info) throw new EngineError("not-found", "You are not in this room. Join it first.");
    const [peer, ...more] = info.joinedOthers;
    if (!peer || more.length > 0) {
      throw new EngineError("rejected", "Calls need a room with exactly one other member who has joined.");
    }
    const ringing = this.#find(
      (call) => call.isShown && call.state.roomId === roomId && call.state.phase === "ringing",
    );
    if (ringing) {
      this.answer(ringing.state.callId, media, portId);
      return ringing.state.callId;
    }
    if (this.#find((call) => isInUse(call.state) && !isHeld(call.state))) {
      throw new EngineError("rejected", "You are in a call already. Hang it up or hold it first.");
    }
    const callId = randomText(20) as CallId;
    const call = this.#open(
      factsOf(info, peer),
      placeCall({ ...this.#commonOf(callId, roomId, media), invitee: peer.userId }),
    );
    call.isShown = true;
    this.#giveMediaTo(call, portId);
    this.#onChanged(call);
    return callId;
  }

  /**
   * Answers a call that rings, on the port that will hold its media. Other calls in use end, or are held where they
   * are to be and can. What the port has prepared goes out at once, unless another rule for our addresses holds by now.
   */
  answer(callId: CallId, media: CallMedia, portId: number, { otherCalls = "end", prepared }: AnswerOptions = {}): void {
    const call = this.#must(callId);
    if (call.state.phase !== "ringing") {
      throw new EngineError("rejected", call.isOver ? "This call is over." : "This call is answered already.");
    }
    this.#inBatch(() => {
      for (const other of this.#calls.values()) {
        if (other === call || !isInUse(other.state)) continue;
        if (otherCalls === "hold" && canHold(other.state)) other.take({ input: "hold", isOnHold: true });
        else other.take({ input: "hang-up", reason: "user-hangup" });
      }
      this.#giveMediaTo(call, portId);
      call.take({ input: "answer", media });
      if (prepared?.isRelayOnly !== call.isRelayOnly) return;
      const { description, streams, isGathered } = prepared;
      call.take({ input: "fact", fact: { fact: "description", description, streams } });
      if (isGathered) call.take({ input: "fact", fact: { fact: "candidate", candidate: { candidate: "" } } });
    });
  }

  reject(callId: CallId): void {
    this.#must(callId).take({ input: "reject" });
  }

  /** Stops the ringing on this device alone. */
  ignore(callId: CallId): void {
    this.#must(callId).take({ input: "ignore" });
  }

  hangUp(callId: CallId, reason: CallEndReason = "user-hangup"): void {
    this.#must(callId).take({ input: "hang-up", reason });
  }

  /** Holds a running call, or goes on with it and holds whatever else runs. */
  hold(callId: CallId, isOnHold: boolean): void {
    const call = this.#must(callId);
    if (!canHold(call.state))
      throw new EngineError("rejected", "This call cannot be held: the other side does not know how.");
    this.#inBatch(() => {
      for (const other of this.#calls.values())
        if (!isOnHold && other !== call) other.take({ input: "hold", isOnHold: true });
      call.take({ input: "hold", isOnHold });
    });
  }

  /**
   * What the media of a call that rings would begin with, so that a window can make its answer ready before the user
   * gives one. Undefined where it no longer rings.
   */
  async prepare(callId: CallId): Promise<DesiredMedia | undefined> {
    const call = this.#must(callId);
    const { settings } = this.#deps;
    const iceServers = settings.iceServersFrom(await this.#turn.wait());
    if (call.state.phase !== "ringing") return undefined;
    return desiredMedia(call.state, { iceServers, isRelayOnly: settings.read().isRelayOnly });
  }

  /** The servers that a call would be given now; fetched where none are at hand. Unanswered where nobody could be asked. */
  async iceServers(): Promise<{ iceServers: IceServer[]; isAnswered: boolean }> {
    await this.#turn.wait();
    const servers = this.#turn.current();
    return { iceServers: this.#deps.settings.iceServersFrom(servers ?? []), isAnswered: servers !== undefined };
  }

  /** Takes what a window saw its peer connection do. */
  report(callId: CallId, fact: CallFact, portId: number): void {
    const call = this.#must(callId);
    if (call.isOver) return;
    if (call.portId !== portId) throw new EngineError("rejected", "This call is held by another window.");
    call.clearTimer("port");
    call.take({ input: "fact", fact });
  }

  /** The calls as this port shows them, in the order in which they began. */
  views(portId: number): CallView[] {
    return [...this.#calls.values()]
      .filter((call) => call.isShown)
      .map((call) => toCallView(call.state, { ...call.facts, ...pick(call), isMediaHere: call.portId === portId }))
      .toSorted((a, b) => a.startedAtMs - b.startedAtMs);
  }

  /** The user has said something else of how calls are made: what runs may look for a path where it now may. */
  applySettings(): void {
    for (const call of this.#calls.values()) {
      if (call.iceServers) call.iceServers = this.#deps.settings.iceServersFrom(this.#turn.current() ?? []);
    }
    this.#markChanged();
  }

  /** The port is gone, and with it the media of the calls that it held. */
  portClosed(portId: number): void {
    for (const call of this.#calls.values()) {
      if (call.portId !== portId || call.isOver) continue;
      call.setTimer("port", PORT_GRACE_MS, () => call.take({ input: "hang-up", reason: "user-hangup" }));
    }
  }

  /** Hangs up whatever runs, and waits a little for the server to hear of it. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#turn.close();
    for (const call of this.#calls.values()) {
      // What rings is left as it is: other devices ring on, and so does this one if it is back in time.
      if (call.state.phase !== "ringing") call.take({ input: "hang-up", reason: "user-hangup" });
    }
    this.#isClosed = true;
    const all = [...this.#calls.values(), ...this.#leaving];
    const patience = new AbortController();
    const timeout = sleep(this.#deps.clock, CLOSE_TIMEOUT_MS, patience.signal).catch(() => {});
    await Promise.race([Promise.all(all.map((call) => call.idle())), timeout]);
    patience.abort();
    for (const call of all) call.dispose();
  }

  // --- what the sync brings -------------------------------------------------------------------------------

  /** Takes all call events of one sync response, after its commit. To be called for every response, also without any. */
  handleSync(entries: readonly CallSyncEntry[]): void {
    if (this.#isClosed) return;
    this.#inBatch(() => {
      for (const row of this.#leftOver.splice(0)) this.#guard(() => this.#takeLeftOver(row));
      for (const entry of entries) this.#guard(() => this.#takeEntry(entry));
      for (const call of this.#unjudged.splice(0)) this.#guard(() => this.#judge(call));
    });
    this.#turn.start();
  }

  /** A member left the room, or was removed: ourselves, or perhaps the other side of a call. */
  memberLeft(roomId: RoomId, userId: UserId): void {
    if (this.#isClosed) return;
    const info = this.#guard(() => this.#deps.roomInfo(roomId));
    const isOwn = userId === this.#deps.ownUserId;
    // Left and joined again within one response.
    if (isOwn ? info : info?.joinedOthers.some((person) => person.userId === userId)) return;
    this.#inBatch(() => {
      for (const call of this.#calls.values()) {
        if (call.state.roomId !== roomId) continue;
        if (isOwn || userId === call.peerUserId) call.take({ input: "opponent-left" });
      }
    });
  }

  #takeEntry({ roomId, event: roomEvent, ageMs, isLive }: CallSyncEntry): void {
    const event = parseCallEvent(roomEvent);
    if (!event) return;
    const call = this.#calls.get(event.callId);
    if (call) {
      // A call id belongs to one room; the same id elsewhere is none of this call's business.
      if (call.state.roomId !== roomId || !call.isNew(event.eventId)) return;
      if (event.kind === "answer" && call.state.phase === "inviting") call.shield = roomEvent.encryption?.shield;
      call.take({ input: "remote", event, ageMs });
      return;
    }
    if (event.kind === "invite") this.#takeInvite(roomId, roomEvent, event, { ageMs, isLive });
    else this.#keepEarly(roomId, event, ageMs);
  }

  #takeInvite(
    roomId: RoomId,
    roomEvent: RoomEvent,
    invite: CallEventOf<"invite">,
    { ageMs, isLive }: { ageMs: number; isLive: boolean },
  ): void {
    const early = this.#early.get(callKey(roomId, invite.callId)) ?? [];
    this.#early.delete(callKey(roomId, invite.callId));
    const { ownUserId } = this.#deps;
    const isForUs = invite.invitee === undefined ? invite.party.userId !== ownUserId : invite.invitee === ownUserId;
    if (!isLive || !isForUs || !this.#isFirstSight(roomId, invite.callId)) return;
    // What is long over is placed in the log by its server's word; what may ring, by our own clock.
    const startedAtMs = ageMs > invite.lifetimeMs ? invite.originServerTs : this.#deps.clock.now() - ageMs;
    const call = this.#openIncoming(roomId, roomEvent, invite, { ageMs, startedAtMs, ownPartyId: randomText(12) });
    if (!call) return;
    for (const { event, ageMs: eventAgeMs } of early) {
      if (call.isNew(event.eventId)) call.take({ input: "remote", event, ageMs: eventAgeMs });
    }
  }

  /** False for an invite that was judged before, in this run or an earlier one. */
  #isFirstSight(roomId: RoomId, callId: CallId): boolean {
    const key = callKey(roomId, callId);
    if (this.#known.has(key) || this.#guard(() => this.#deps.rows.read(roomId, callId))) return false;
    this.#known.add(key);
    trim(this.#known, MAX_KNOWN_CALLS);
    return true;
  }

  #openIncoming(
    roomId: RoomId,
    event: RoomEvent,
    invite: CallEventOf<"invite">,
    { ageMs, startedAtMs, ownPartyId }: { ageMs: number; startedAtMs: number; ownPartyId: string },
  ): LiveCall | undefined {
    const info = this.#deps.roomInfo(roomId);
    if (!info) return undefined;
    const userId = invite.party.userId;
    const peer = info.joinedOthers.find((person) => person.userId === userId) ?? { userId, displayName: userId };
    const facts: LiveCallFacts = {
      ...factsOf(info, peer),
      invite: {
        event,
        stored: { content: event.content, originServerTs: event.originServerTs },
        endsAtMonotonicMs: this.#deps.clock.monotonic() + invite.lifetimeMs - ageMs,
      },
    };
    const common = { ...this.#commonOf(invite.callId, roomId, invite.media), startedAtMs, ownPartyId };
    const call = this.#open(facts, receiveInvite(common, invite, ageMs));
    call.isNew(event.eventId);
    call.shield = event.encryption?.shield;
    this.#unjudged.push(call);
    return call;
  }

  /** Decides, when the whole response is known, what becomes of an invite. */
  #judge(call: LiveCall): void {
    if (call.isOver || !this.#hasTimeToAnswer(call)) {
      // Over before it began here; the log keeps it as missed, or as taken elsewhere.
      call.take({ input: "ignore" });
      this.#save(call);
      this.#drop(call);
      return;
    }
    if (!this.#mayRing(call) || this.#isStorm()) {
      this.#drop(call);
      return;
    }
    const own = this.#find((other) => isGlare(other.state, call));
    if (own) {
      this.#settleGlare(own, call);
      return;
    }
    // A caller who calls anew has given up what rings.
    for (const other of this.#calls.values()) {
      const isOlder =
        other !== call && other.isShown && other.state.phase === "ringing" && other.state.roomId === call.state.roomId;
      if (isOlder && other.peerUserId === call.peerUserId) other.take({ input: "ignore" });
    }
    this.#ring(call);
  }

  #hasTimeToAnswer(call: LiveCall): boolean {
    const endsAtMs = call.facts.invite?.endsAtMonotonicMs ?? 0;
    return endsAtMs - this.#deps.clock.monotonic() >= MIN_LEFT_TO_RING_MS;
  }

  #mayRing(call: LiveCall): boolean {
    const info = this.#deps.roomInfo(call.state.roomId);
    if (!info || info.isPublic || this.#deps.isIgnored(call.peerUserId)) return false;
    return info.isDirect || info.joinedOthers.length === 1 || this.#deps.settings.read().ringsInRooms;
  }

  /** More than anyone can answer: what comes beyond is in its room's timeline only. */
  #isStorm(): boolean {
    const ringing = [...this.#calls.values()].filter((call) => call.isShown && call.state.phase === "ringing");
    return ringing.length >= MAX_RINGING;
  }

  #ring(call: LiveCall): void {
    const { invite } = call.facts;
    if (invite) {
      const { ring, sound } = this.#deps.pushAllowsRing(call.state.roomId, invite.event);
      call.isAudible = ring && sound;
    }
    call.isShown = true;
    this.#onChanged(call);
  }

  #keepEarly(roomId: RoomId, event: CallEvent, ageMs: number): void {
    const key = callKey(roomId, event.callId);
    const kept = this.#early.get(key) ?? [];
    if (kept.length < MAX_EARLY_EVENTS) this.#early.set(key, [...kept, { event, ageMs }]);
    trim(this.#early, MAX_EARLY_CALLS);
  }

  // --- glare: both sides call each other in the same room -------------------------------------------------

  #settleGlare(own: LiveCall, theirs: LiveCall): void {
    const isOwnSent = own.state.phase === "inviting";
    // spec: of two invites that were sent the lesser call id wins; one that was not sent always yields.
    if (!isOwnSent || theirs.state.callId < own.state.callId) {
      this.#yieldTo(own, theirs);
      return;
    }
    theirs.heldBehind = own;
    // Some clients neither answer nor hang up in a glare: then theirs is better than none.
    theirs.setTimer("glare", GLARE_PATIENCE_MS, () => {
      if (own.state.phase === "inviting" && theirs.state.phase === "ringing")
        this.#inBatch(() => this.#yieldTo(own, theirs));
    });
  }

  /** Drops our call and answers theirs for the user, on the port and with the media of ours. */
  #yieldTo(own: LiveCall, theirs: LiveCall): void {
    theirs.heldBehind = undefined;
    theirs.clearTimer("glare");
    const { media } = own.state;
    const { portId } = own;
    own.take({ input: "replace" });
    this.#drop(own);
    theirs.isShown = true;
    if (portId !== undefined) this.#giveMediaTo(theirs, portId);
    theirs.take({ input: "answer", media });
  }

  /** Our own call was answered, or is over: what became of the invite that waited for it. */
  #releaseHeld(own: LiveCall): void {
    for (const call of this.#calls.values()) {
      if (call.heldBehind !== own) continue;
      call.heldBehind = undefined;
      call.clearTimer("glare");
      if (own.isOver && call.state.phase === "ringing" && this.#hasTimeToAnswer(call)) {
        this.#ring(call);
      } else this.#drop(call);
    }
  }

  // --- the life of a call ---------------------------------------------------------------------------------

  #commonOf(callId: CallId, roomId: RoomId, media: CallMedia) {
    const { ownUserId, clock } = this.#deps;
    return { callId, roomId, ownUserId, ownPartyId: randomText(12), media, startedAtMs: clock.now() };
  }

  #open(facts: LiveCallFacts, first: ReturnType<typeof placeCall>): LiveCall {
    const { clock, sendEvent } = this.#deps;
    const log = this.#log.child("call", { call: log32(first.state.callId) });
    const call = new LiveCall(
      { clock, log, sendEvent, onChanged: (changed) => this.#onChanged(changed) },
      facts,
      first,
    );
    this.#calls.set(first.state.callId, call);
    return call;
  }

  #onChanged(call: LiveCall): void {
    // A call that was dropped may still come to its end.
    if (this.#isClosed || this.#calls.get(call.state.callId) !== call) return;
    if (call.isShown || call.state.phase === "ended") this.#save(call);
    // Who rings again, or is over, holds no media.
    if (call.isOver || call.state.phase === "ringing") {
      call.portId = undefined;
      call.clearTimer("port");
    }
    if (call.isOver && call.isShown) {
      call.setTimer("shown", ENDED_SHOWN_MS, () => this.#inBatch(() => this.#drop(call)));
    } else if (call.isOver && !this.#unjudged.includes(call)) this.#drop(call);
    if (call.state.direction === "outgoing" && call.state.phase !== "preparing" && call.state.phase !== "inviting")
      this.#releaseHeld(call);
    this.#markChanged();
  }

  /** Takes the call out of the views; its last word is still sent. */
  #drop(call: LiveCall): void {
    call.clearTimer("shown");
    if (this.#calls.get(call.state.callId) === call) this.#calls.delete(call.state.callId);
    if (!call.isOver) call.dispose();
    this.#leaving.add(call);
    void call.idle().then(() => {
      call.dispose();
      this.#leaving.delete(call);
    });
    this.#markChanged();
  }

  #giveMediaTo(call: LiveCall, portId: number): void {
    const { settings } = this.#deps;
    call.portId = portId;
    call.isRelayOnly = settings.read().isRelayOnly;
    const servers = this.#turn.current();
    call.iceServers = servers && settings.iceServersFrom(servers);
    if (servers) return;
    void this.#turn.wait().then((late) => {
      call.iceServers = settings.iceServersFrom(late);
      this.#markChanged();
    });
  }

  #save(call: LiveCall): void {
    const { state, facts } = call;
    const row: CallRow = {
      roomId: state.roomId,
      callId: state.callId,
      direction: state.direction,
      media: state.media,
      peerUserId: call.peerUserId,
      state: state.phase,
      ownPartyId: state.ownPartyId,
      inviteEventId: call.inviteEventId,
      invite: state.phase === "ringing" ? facts.invite?.stored : undefined,
      startedAtMs: state.startedAtMs,
      connectedAtMs: state.phase === "connected" || state.phase === "ended" ? state.connectedAtMs : undefined,
      endedAtMs: state.phase === "ended" ? state.endedAtMs : undefined,
      endReason: state.phase === "ended" ? state.endReason : undefined,
    };
    this.#guard(() => this.#deps.rows.put(row));
  }

  /** A call that was running when the app ended: what rang may ring on, all else is hung up. */
  #takeLeftOver(row: CallRow): void {
    if (row.state === "ringing" && this.#ringAgain(row)) return;
    this.#guard(() => {
      const endReason: CallEndReason = row.state === "ringing" ? "missed" : "unknown-error";
      this.#deps.rows.put({ ...row, state: "ended", invite: undefined, endedAtMs: this.#deps.clock.now(), endReason });
    });
    if (row.state === "ringing" || row.state === "preparing") return;
    const { clock, sendEvent } = this.#deps;
    const sender = new CallSender({
      clock,
      log: this.#log,
      // Another txnId than any of the run before had.
      sendEvent: (roomId, eventType, txnId, content) =>
        sendEvent(roomId, eventType, `${txnId}.again` as TxnId, content),
      roomId: row.roomId,
      ownPartyId: row.ownPartyId,
      onSent() {},
      onFailed() {},
    });
    sender.push(callEventBuilders.hangup(row, "unknown_error"));
    const leaving = { idle: () => sender.idle(), dispose: () => sender.stop() };
    this.#leaving.add(leaving);
    void leaving.idle().then(() => this.#leaving.delete(leaving));
  }

  #ringAgain(row: CallRow): boolean {
    if (!row.invite || this.#calls.has(row.callId)) return false;
    const { content, originServerTs } = row.invite;
    const event: RoomEvent = {
      eventId: row.inviteEventId ?? ("$" as EventId),
      type: "m.call.invite",
      sender: row.peerUserId,
      originServerTs,
      stateKey: undefined,
      content,
      redacts: undefined,
      unsigned: { ageMs: undefined, transactionId: undefined, prevContent: undefined, isRedacted: false },
    };
    const invite = parseCallEvent(event);
    const ageMs = this.#deps.clock.now() - row.startedAtMs;
    // A clock that was set back says nothing about the age.
    if (invite?.kind !== "invite" || ageMs < 0) return false;
    return this.#openIncoming(row.roomId, event, invite, { ...row, ageMs }) !== undefined;
  }

  // --- small things ---------------------------------------------------------------------------------------

  #must(callId: CallId): LiveCall {
    const call = this.#calls.get(callId);
    if (!call?.isShown) throw new EngineError("not-found", "This call is over.");
    return call;
  }

  #find(fits: (call: LiveCall) => boolean): LiveCall | undefined {
    return [...this.#calls.values()].find(fits);
  }

  /** Runs `work`, and tells of its changes once. */
  #inBatch(work: () => void): void {
    if (this.#isInBatch) {
      work();
      return;
    }
    this.#isInBatch = true;
    try {
      work();
    } finally {
      this.#isInBatch = false;
      if (this.#isDirty) this.#markChanged();
    }
  }

  #markChanged(): void {
    this.#isDirty = this.#isInBatch;
    if (!this.#isInBatch && !this.#isClosed) this.#deps.changed();
  }

  #guard<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#log.error("the call log cannot be used", error);
      return undefined;
    }
  }
}

/** Opens the call service of one account. */
export const openCallService = (deps: CallServiceDeps): CallService => new CallService(deps);

const factsOf = ({ name, isEncrypted }: CallRoomInfo, peer: Person): LiveCallFacts => ({
  peer,
  roomName: name,
  isEncrypted,
});

const pick = ({ isAudible, iceServers, isRelayOnly, shield }: LiveCall) => ({
  isAudible,
  iceServers,
  isRelayOnly,
  shield,
});

const callKey = (roomId: RoomId, callId: CallId): string => `${roomId} ${callId}`;

/** True for a call that holds, or is about to hold, microphone and camera. */
const isInUse = (state: CallState): boolean => state.phase !== "ringing" && state.phase !== "ended";

const isHeld = (state: CallState): boolean => state.phase === "connected" && state.isOnHold;

/** True where `own` is our unanswered call to the one who calls us in the same room. */
const isGlare = (own: CallState, theirs: LiveCall): boolean =>
  (own.phase === "preparing" || own.phase === "inviting") &&
  own.roomId === theirs.state.roomId &&
  (own.invitee === undefined || own.invitee === theirs.peerUserId);

/** Forgets the oldest of what grew beyond `limit`. */
function trim(collection: Map<string, unknown> | Set<string>, limit: number): void {
  for (const oldest of collection.keys()) {
    if (collection.size <= limit) return;
    collection.delete(oldest);
  }
}

const ALPHANUMERICS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Text that nobody can guess, of letters and digits. */
const randomText = (length: number): string =>
  Array.from({ length }, () => ALPHANUMERICS[randomInt(ALPHANUMERICS.length)]).join("");
