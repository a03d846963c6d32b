/**
 * Verification: the flows in which two people, or two devices of one, compare keys by emoji or QR code. Opened by
 * crypto.ts, which feeds it with to-device and room events and runs the user's commands on it.
 *   requested → ready → waiting ⇄ emoji | scanned → done, and from anywhere → cancelled
 * Invariants: `done` is said only of what the machine now holds as verified, and only where the keys are those
 * that were there when both sides agreed; nothing that the other side sends makes the lists grow without bound or
 * holds up a sync; every flow ends, by itself if need be, and stays in view for some seconds to say how.
 * spec: e2ee, "Device verification", "Key verification framework", "SAS", "QR codes".
 */
import { randomUUID } from "node:crypto";
import {
  DeviceId as WasmDeviceId,
  DeviceLists,
  EventId as WasmEventId,
  OwnUserIdentity,
  Qr,
  QrCodeScan,
  RequestType,
  RoomId as WasmRoomId,
  Sas,
  UserId as WasmUserId,
  VerificationRequestPhase,
  type CancelInfo,
  type RoomMessageRequest,
  type VerificationRequest,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import type { DeviceId, RoomId, UserId } from "../../../preload/contract/ids.ts";
import type { Person, VerificationView } from "../../../preload/contract/views.ts";
import { sleep } from "../base/clock.ts";
import { backoffMs, EngineError, retryPlan, toErrorData } from "../base/errors.ts";
import { cleanName } from "../matrix/display-name.ts";
import type { RoomEvent } from "../matrix/events.ts";
import { parseDeviceId, parseUserId } from "../matrix/ids.ts";
import { isObject, readNumber, readObject, readString, type JsonObject } from "../matrix/json.ts";
import type { CryptoContext } from "./context.ts";
import { METHODS, phaseOf, toView, viewOfEnd, type Flow, type FlowEnd } from "./verification-flow.ts";
import { openFlowKeys } from "./verification-keys.ts";
import {
  CANCEL_TYPE,
  EVENT_PREFIX,
  parseContent,
  relatedId,
  REQUEST_TYPE,
  toClearJson,
  withCode,
  type MethodMessage,
} from "./verification-messages.ts";
import { cancelMessage, DECLINED_ELSEWHERE, NOT_SENT, NOT_SIGNED } from "./verification-cancel.ts";

export type VerificationDeps = {
  context: CryptoContext;
  /**
   * Sends an event into a room, encrypted where the room is; the same `txnId` again is the same event again. It
   * must not be held up by a changed identity: here that very identity is being verified.
   */
  sendInRoom: (roomId: RoomId, type: string, content: JsonObject, txnId: string) => Promise<{ eventId: string }>;
  personOf: (userId: UserId) => Person;
  /** Name of an own device, as the server's list has it. */
  deviceNameOf: (deviceId: DeviceId) => string | undefined;
  /** A flow between two of our own devices has succeeded. */
  onOwnDeviceVerified: () => void;
};

/** spec: a flow ends ten minutes after it was asked for; the question goes away two minutes after it was seen. */
const FLOW_LIFETIME_MS = 10 * 60_000;
const QUESTION_LIFETIME_MS = 2 * 60_000;
/** spec: how far ahead of our clock a request may be dated. */
const MAX_AHEAD_MS = 5 * 60_000;
/** How long the end of a flow stays in view. */
const ENDED_IN_VIEW_MS = 10_000;

const MAX_FLOWS = 20;
const MAX_FLOWS_WITH_USER = 3;
const MAX_ENDED = 10;
/** Requests that one user may make in one window; the machine, and whoever reads the views, never sees the others. */
const MAX_REQUESTS_PER_WINDOW = 10;
const REQUEST_WINDOW_MS = 60_000;
const MAX_COUNTED_SENDERS = 1_000;
const MAX_ID_LENGTH = 255;
/** Requests of own devices that are not known yet, and room events that overtook the answer to our request. */
const MAX_LATE = 5;
const MAX_EARLY = 50;

export function openVerifications(deps: VerificationDeps) {
  const { context, sendInRoom, personOf } = deps;
  const { olm, outgoing, server, clock, log, signal, ownUserId, ownDeviceId } = context;
  const keys = openFlowKeys(context);
  const flows = new Map<string, Flow>();
  /** How many requests a user has made since when. */
  const requestCounts = new Map<string, { sinceMs: number; count: number }>();
  /** The end of the work on each room's events, which must go to the machine in order. */
  const roomQueues = new Map<RoomId, Promise<void>>();
  /** Events of flows that we have asked for, and whose event id we have not been told yet. */
  let early: { roomId: RoomId; event: RoomEvent }[] = [];
  let askingInRooms = 0;
  const late = new Set<string>();
  let stopTimer: (() => void) | undefined;

  signal.addEventListener("abort", () => stopTimer?.(), { once: true });

  // What comes in ------------------------------------------------------------------------------------------------

  /**
   * To-device messages without the requests of whoever makes too many: to be asked before the machine is given
   * them, since it answers each of them.
   */
  function withoutStorms<Event extends JsonObject>(events: readonly Event[]): Event[] {
    return events.filter(
      (event) =>
        !isObject(event) ||
        readString(event, "type") !== REQUEST_TYPE ||
        isAdmitted(readString(event, "sender")?.slice(0, MAX_ID_LENGTH) ?? ""),
    );
  }

  function isAdmitted(sender: string): boolean {
    const nowMs = clock.now();
    const counted = requestCounts.get(sender);
    if (!counted || nowMs - counted.sinceMs >= REQUEST_WINDOW_MS || nowMs < counted.sinceMs) {
      requestCounts.delete(sender);
      const [oldest] = requestCounts.keys();
      if (requestCounts.size >= MAX_COUNTED_SENDERS && oldest !== undefined) requestCounts.delete(oldest);
      requestCounts.set(sender, { sinceMs: nowMs, count: 1 });
      return true;
    }
    counted.count += 1;
    return counted.count <= MAX_REQUESTS_PER_WINDOW;
  }

  /**
   * Looks what the machine made of these to-device messages, as they are once decrypted. To be awaited after the
   * machine has taken them and before it gets the next ones; waits for no network.
   */
  async function noticed(events: readonly JsonObject[]): Promise<void> {
    const senders = new Set<UserId>();
    for (const event of events) {
      if (!isObject(event)) continue;
      const type = readString(event, "type");
      const sender = parseUserId(readString(event, "sender"));
      if (!type?.startsWith(EVENT_PREFIX) || sender === undefined) continue;
      senders.add(sender);
      if (sender !== ownUserId) continue;
      if (type === REQUEST_TYPE) lookAgainLater(event);
      else if (type === CANCEL_TYPE)
        late.delete(readString(readObject(event, "content") ?? {}, "transaction_id") ?? "");
    }
    for (const sender of senders) await noticeUser(sender);
  }

  async function noticeUser(userId: UserId): Promise<void> {
    for (const request of olm.getVerificationRequests(new WasmUserId(userId))) adopt(request);
    for (const flow of liveFlows()) if (flow.otherUserId === userId) await settle(flow);
  }

  /**
   * A new device of ours asks before its keys have reached us, and the machine passes over whom it does not know:
   * once we have the keys, it is given the request again.
   */
  function lookAgainLater(event: JsonObject): void {
    const content = readObject(event, "content") ?? {};
    const flowId = readString(content, "transaction_id");
    const deviceId = parseDeviceId(readString(content, "from_device"));
    const sentMs = readNumber(content, "timestamp");
    if (flowId === undefined || deviceId === undefined || deviceId === ownDeviceId || sentMs === undefined) return;
    if (!isFresh(sentMs) || flowId.length > MAX_ID_LENGTH || late.has(flowId) || late.size >= MAX_LATE) return;
    if (flows.has(flowId) || olm.getVerificationRequest(new WasmUserId(ownUserId), flowId)) return;
    late.add(flowId);
    inBackground(async () => {
      try {
        const device = await olm.getDevice(new WasmUserId(ownUserId), new WasmDeviceId(deviceId));
        if (!device) await outgoing.sendPatiently(olm.queryKeysForUsers([new WasmUserId(ownUserId)]));
        // Taken back meanwhile: nobody waits for an answer any more.
        if (!late.has(flowId)) return;
        await giveMachine([event]);
        await noticeUser(ownUserId);
      } finally {
        late.delete(flowId);
      }
    });
  }

  /** To-device messages outside of a sync: what they do not say of key counts stays what it is. */
  async function giveMachine(events: readonly JsonObject[]): Promise<void> {
    const processed = await olm.receiveSyncChangesMsc4186(JSON.stringify(events), new DeviceLists(), new Map());
    for (const event of processed) event.free();
  }

  /**
   * Takes a live room event, decrypted, if it is about verification. Returns at once: what needs the network is
   * done behind the sync, room by room in order.
   */
  function receiveRoomEvent(roomId: RoomId, event: RoomEvent): void {
    if (event.encryption?.cause !== undefined || event.stateKey !== undefined) return;
    const isRequest = isRoomRequest(event);
    if (!isRequest && !event.type.startsWith(EVENT_PREFIX)) return;
    if (isRequest && (event.sender === ownUserId || !isFresh(event.originServerTs) || !isAdmitted(event.sender)))
      return;
    const turn = (roomQueues.get(roomId) ?? Promise.resolve())
      .then(() => takeRoomEvent(roomId, event, isRequest))
      .catch((error: unknown) => {
        if (!signal.aborted) log.warn("a verification event was set aside", codeOf(error));
      });
    roomQueues.set(roomId, turn);
    void turn.then(() => {
      if (roomQueues.get(roomId) === turn) roomQueues.delete(roomId);
    });
  }

  /** spec: a request is for the user that it names, and for nobody else in the room. */
  function isRoomRequest(event: RoomEvent): boolean {
    return (
      event.type === "m.room.message" &&
      readString(event.content, "msgtype") === REQUEST_TYPE &&
      readString(event.content, "to") === ownUserId
    );
  }

  async function takeRoomEvent(roomId: RoomId, event: RoomEvent, isRequest: boolean): Promise<void> {
    const flowId = isRequest ? event.eventId : relatedId(event);
    if (flowId === undefined) return;
    const flow = flows.get(flowId);
    if (event.sender === ownUserId) return heardOfOwnDevice(flow, event);
    if (isRequest) await knowDevice(event.sender, readString(event.content, "from_device"));
    else if (!flow) {
      if (askingInRooms > 0 && early.length < MAX_EARLY) early.push({ roomId, event });
      return;
    }
    await olm.receiveVerificationEvent(toClearJson(roomId, event), new WasmRoomId(roomId));
    await noticeUser(event.sender);
    outgoing.flushSoon();
  }

  /** The machine looks at nothing that our own user sent into a room: that another device answered is ours to see. */
  function heardOfOwnDevice(flow: Flow | undefined, event: RoomEvent): void {
    if (!flow || flow.end || flow.direction !== "incoming" || phaseOf(flow) !== "requested") return;
    if (event.type === `${EVENT_PREFIX}ready` && readString(event.content, "from_device") !== ownDeviceId)
      endSilently(flow, "m.accepted", false);
    else if (event.type === CANCEL_TYPE) endSilently(flow, DECLINED_ELSEWHERE, false);
  }

  /** The machine takes requests of known devices only. */
  async function knowDevice(userId: UserId, deviceId: string | undefined): Promise<void> {
    const parsed = parseDeviceId(deviceId);
    if (parsed === undefined) return;
    const user = new WasmUserId(userId);
    const [device, identity] = [await olm.getDevice(user, new WasmDeviceId(parsed)), await olm.getIdentity(user)];
    if (!device || !identity) await outgoing.sendPatiently(olm.queryKeysForUsers([user]));
  }

  function isFresh(sentMs: number): boolean {
    const ageMs = clock.now() - sentMs;
    return ageMs <= FLOW_LIFETIME_MS && ageMs >= -MAX_AHEAD_MS;
  }

  // Flows --------------------------------------------------------------------------------------------------------

  /** Takes a request of the machine into the list, unless it is there, over already, or one too many. */
  function adopt(request: VerificationRequest): Flow | undefined {
    const { flowId } = request;
    const otherUserId = parseUserId(request.otherUserId.toString());
    if (flows.has(flowId) || otherUserId === undefined || flowId.length > MAX_ID_LENGTH) return undefined;
    if (request.isCancelled() || request.isDone() || request.isPassive()) return undefined;
    const isOutgoing = request.weStarted();
    if (!isOutgoing && isCrowded(otherUserId)) {
      // Without an answer: that would only be one more message for whoever floods us.
      request.cancel();
      return undefined;
    }
    const nowMs = clock.now();
    const lifetimeMs = Math.min(Math.round(request.timeRemainingMillis()), FLOW_LIFETIME_MS);
    const flow: Flow = {
      flowId,
      otherUserId,
      isSelf: otherUserId === ownUserId,
      direction: isOutgoing ? "outgoing" : "incoming",
      request,
      startedAtMs: nowMs,
      expiresAtMs: nowMs + (isOutgoing ? lifetimeMs : Math.min(lifetimeMs, QUESTION_LIFETIME_MS)),
      sending: Promise.resolve(),
      stopSending: new AbortController(),
      updating: Promise.resolve(),
    };
    flows.set(flowId, flow);
    watch(flow, request);
    changed();
    return flow;
  }

  const liveFlows = (): Flow[] => [...flows.values()].filter((flow) => !flow.end);

  function isCrowded(userId: UserId): boolean {
    const live = liveFlows();
    return live.length >= MAX_FLOWS || live.filter((flow) => flow.otherUserId === userId).length >= MAX_FLOWS_WITH_USER;
  }

  /** The machine tells of each step; it may do so in the middle of one, so that these looks decide nothing. */
  function watch(flow: Flow, source: VerificationRequest | Sas | Qr): void {
    source.registerChangesCallback(async () => {
      if (signal.aborted || flow.end) return;
      await look(flow, false).catch((error: unknown) => log.warn("a verification step failed", codeOf(error)));
    });
  }

  /** Looks what a flow has come to, when the machine is between two messages. */
  const settle = (flow: Flow): Promise<void> => look(flow, true);

  const look = (flow: Flow, isSettled: boolean): Promise<void> =>
    inTurn(flow, async () => {
      if (!flow.end && !signal.aborted) await step(flow, isSettled);
    });

  /** One thing after the other: a code that is being made while the emoji start would end both. */
  function inTurn(flow: Flow, work: () => Promise<void>): Promise<void> {
    const turn = flow.updating.catch(() => undefined).then(work);
    flow.updating = turn;
    return turn;
  }

  async function step(flow: Flow, isSettled: boolean): Promise<void> {
    const { request } = flow;
    await learnDevice(flow);
    takeMethod(flow);
    const cancelled = cancelOf(flow);
    if (cancelled) return end(flow, cancelled);
    if (flow.sas?.isDone() || flow.qr?.isDone()) return finish(flow, isSettled);
    const phase = request.phase();
    const isAgreed = phase === VerificationRequestPhase.Ready || phase === VerificationRequestPhase.Transitioned;
    if (isSettled && isAgreed && !flow.pinned && !(await keys.pin(flow))) return cancel(flow, "m.key_mismatch");
    if (isSettled && phase === VerificationRequestPhase.Ready) await showCode(flow);
    const accepted = flow.sas?.accept();
    if (accepted && flow.sas) {
      // An answer to their start: where both had started, this one replaced ours.
      watch(flow, flow.sas);
      deliverSoon(flow, [accepted]);
    }
    changed();
  }

  async function learnDevice(flow: Flow): Promise<void> {
    const deviceId = parseDeviceId(flow.request.otherDeviceId?.toString());
    if (deviceId === undefined || deviceId === flow.otherDeviceId) return;
    flow.otherDeviceId = deviceId;
    const device = await olm.getDevice(new WasmUserId(flow.otherUserId), new WasmDeviceId(deviceId));
    flow.otherDeviceName = (flow.isSelf ? deps.deviceNameOf(deviceId) : undefined) ?? cleanName(device?.displayName);
    device?.free();
  }

  function takeMethod(flow: Flow): void {
    const method = olm.getVerification(new WasmUserId(flow.otherUserId), flow.flowId);
    if (method instanceof Sas) {
      if (!flow.sas) watch(flow, method);
      flow.sas = method;
      flow.qr = undefined;
      flow.qrCode = undefined;
    } else if (method instanceof Qr && !flow.sas) {
      if (!flow.qr) watch(flow, method);
      flow.qr = method;
    }
  }

  function cancelOf(flow: Flow): FlowEnd | undefined {
    if (flow.request.isPassive()) return { code: "m.accepted", byUs: false };
    for (const source of [flow.sas, flow.qr, flow.request]) {
      if (!source?.isCancelled()) continue;
      const info: CancelInfo | undefined =
        typeof source.cancelInfo === "function" ? source.cancelInfo() : source.cancelInfo;
      // The machine ascribes a scanned code with a wrong secret to the other side, although it is we who found it. A
      // cancellation that came from there ends the request as well.
      const byUs = info?.cancelledbyUs() === true || !flow.request.isCancelled();
      return { code: info?.cancelCode().slice(0, MAX_ID_LENGTH) ?? "m.user", byUs };
    }
    return undefined;
  }

  /** Our code, if both sides can do with one. Asked for while the machine rests: it would overrule a start. */
  async function showCode(flow: Flow): Promise<void> {
    const qr = await flow.request.generateQrCode().catch(() => undefined);
    if (!qr) return;
    flow.qr = qr;
    flow.qrCode = Buffer.from(qr.toBytes()).toString("base64");
    watch(flow, qr);
  }

  /** Both sides are content. `done` is said only once the machine holds as verified what was compared. */
  async function finish(flow: Flow, isSettled: boolean): Promise<void> {
    if (flow.isFinishing) return;
    const problem = await keys.problemOf(flow);
    if (problem === undefined) return succeed(flow);
    // In the middle of a step the outcome may not be stored yet.
    if (!isSettled) return;
    if (flow.isSelf || problem === "m.key_mismatch") return end(flow, { code: problem, byUs: true });
    // Of another user, the machine believes its own signature only when it comes back from the server.
    flow.isFinishing = true;
    inBackground(async () => {
      await outgoing.flush();
      await outgoing.sendPatiently(olm.queryKeysForUsers([new WasmUserId(flow.otherUserId)]));
      if (flow.end || signal.aborted) return;
      const remaining = await keys.problemOf(flow);
      if (remaining === undefined) succeed(flow);
      else end(flow, { code: remaining, byUs: true });
    });
  }

  function succeed(flow: Flow): void {
    end(flow, undefined);
    context.changed("devices", "trust", "encryption");
    if (!flow.isSelf) return outgoing.flushSoon();
    inBackground(async () => {
      await olm.requestMissingSecretsIfNeeded();
      await outgoing.flush();
    });
    deps.onOwnDeviceVerified();
  }

  // Ends ---------------------------------------------------------------------------------------------------------

  function end(flow: Flow, cancelled: FlowEnd | undefined): void {
    if (flow.end) return;
    flow.end = { atMs: clock.now(), cancel: cancelled };
    if (cancelled && !cancelled.byUs) flow.stopSending.abort();
    // A code with a wrong secret ends the comparison, but not the request, which would have the next one cancelled.
    if (cancelled && !flow.request.isCancelled()) flow.request.cancel();
    const ended = [...flows.values()].filter((other) => other.end);
    for (const old of ended.slice(0, Math.max(0, ended.length - MAX_ENDED))) flows.delete(old.flowId);
    changed();
    // The machine keeps what is over until the next sync, and would cancel any new request of this user till then.
    inBackground(forgetEnded);
  }

  const forgetEnded = (): Promise<void> => giveMachine([]);

  /** Ends a flow without a word to the other side. */
  function endSilently(flow: Flow, code: string, byUs: boolean): void {
    flow.request.cancel();
    end(flow, { code, byUs });
  }

  /** Ends a flow and tells the other side why. */
  function cancel(flow: Flow, code: string): Promise<void> {
    if (flow.end) return Promise.resolve();
    const method = flow.sas ?? flow.qr;
    const message = method?.cancelWithCode(code) ?? flow.request.cancel();
    // What waits to be sent would be for nothing.
    flow.stopSending.abort();
    flow.stopSending = new AbortController();
    flow.sending = Promise.resolve();
    end(flow, { code, byUs: true });
    return message ? deliver(flow, [withCode(message, code)]) : Promise.resolve();
  }

  function sweep(): void {
    const nowMs = clock.now();
    for (const flow of [...flows.values()]) {
      if (flow.end) {
        if (nowMs - flow.end.atMs >= ENDED_IN_VIEW_MS || nowMs < flow.end.atMs) flows.delete(flow.flowId);
      } else if (nowMs >= flow.expiresAtMs) {
        // spec: a question that nobody answered goes away by itself; another device may be about to answer it.
        if (flow.direction === "incoming" && phaseOf(flow) === "requested") endSilently(flow, "m.timeout", true);
        else if (flow.isFinishing) endSilently(flow, NOT_SIGNED, true);
        else inBackground(() => cancel(flow, "m.timeout"));
      }
    }
    changed();
  }

  function changed(): void {
    stopTimer?.();
    stopTimer = undefined;
    if (signal.aborted) return;
    const dueMs = Math.min(
      ...[...flows.values()].map((flow) => (flow.end ? flow.end.atMs + ENDED_IN_VIEW_MS : flow.expiresAtMs)),
    );
    if (Number.isFinite(dueMs)) stopTimer = clock.setTimer(Math.max(0, dueMs - clock.now()), sweep);
    context.changed("verifications");
  }

  // Sending ------------------------------------------------------------------------------------------------------

  /** Sends in order and patiently. A refusal ends the flow, and is thrown. */
  function deliver(flow: Flow, messages: readonly MethodMessage[]): Promise<void> {
    const stop = AbortSignal.any([signal, flow.stopSending.signal]);
    const turn = flow.sending.then(async () => {
      for (const message of messages) await post(message, stop);
    });
    flow.sending = turn.catch(() => undefined);
    return turn.catch((error: unknown) => {
      if (stop.aborted) return;
      if (!flow.end) endSilently(flow, NOT_SENT, true);
      throw error;
    });
  }

  function deliverSoon(flow: Flow, messages: readonly MethodMessage[]): void {
    inBackground(() => deliver(flow, messages));
  }

  async function post(message: MethodMessage, stop: AbortSignal): Promise<void> {
    for (let attempt = 0; !stop.aborted; attempt += 1) {
      try {
        await postOnce(message);
        return;
      } catch (error) {
        const plan = retryPlan(error, attempt);
        if (plan.when === "never") throw error;
        await sleep(clock, plan.when === "after" ? plan.delayMs : backoffMs(attempt), stop);
      }
    }
  }

  async function postOnce(message: MethodMessage): Promise<void> {
    if (message.type !== RequestType.RoomMessage) return outgoing.sendOne(message);
    const { room_id, event_type, body, txn_id } = message as RoomMessageRequest;
    await sendInRoom(room_id as RoomId, event_type, parseContent(body), txn_id);
  }

  function inBackground(work: () => Promise<unknown>): void {
    work().catch((error: unknown) => {
      if (!signal.aborted) log.warn("part of a verification failed", codeOf(error));
    });
  }

  // Commands -----------------------------------------------------------------------------------------------------

  /** Asks another user in the direct room with him, one own device, or without a device all own devices. */
  async function ask(userId: UserId, deviceId?: DeviceId): Promise<{ flowId: string }> {
    // No flow begins with keys that are out of date.
    await outgoing.sendOne(olm.queryKeysForUsers([new WasmUserId(userId)]));
    // Nor before our own are out: the other side passes over the request of a device that it does not know.
    await outgoing.flush();
    await clearTheWay(userId);
    if (userId !== ownUserId) return askInRoom(userId);
    const [machineRequest, message] = await askOwn(deviceId);
    const flow = adopt(machineRequest);
    if (!flow) throw new EngineError("bug", "The verification could not be started.");
    flow.otherDeviceId = deviceId;
    flow.otherDeviceName = deviceId === undefined ? undefined : deps.deviceNameOf(deviceId);
    await firstWord(flow, () => postOnce(message));
    return { flowId: flow.flowId };
  }

  /** The machine allows one flow with a user at a time: a new one takes the place of what is there. */
  async function clearTheWay(userId: UserId): Promise<void> {
    for (const flow of liveFlows()) if (flow.otherUserId === userId) inBackground(() => cancel(flow, "m.user"));
    for (const old of olm.getVerificationRequests(new WasmUserId(userId))) old.cancel();
    await forgetEnded();
  }

  async function askOwn(deviceId: DeviceId | undefined): Promise<[VerificationRequest, MethodMessage]> {
    const user = new WasmUserId(ownUserId);
    if (deviceId === ownDeviceId) throw new EngineError("invalid-request", "A device cannot verify itself.");
    if (deviceId !== undefined) {
      const device = await olm.getDevice(user, new WasmDeviceId(deviceId));
      if (!device) throw new EngineError("not-found", "That device is signed out, or does not use encryption.");
      return device.requestVerification(METHODS);
    }
    const identity = await olm.getIdentity(user);
    if (!(identity instanceof OwnUserIdentity)) {
      throw new EngineError(
        "encryption-not-ready",
        "This account has no identity to verify yet. Set up encryption first.",
      );
    }
    return identity.requestVerification(METHODS);
  }

  async function askInRoom(userId: UserId): Promise<{ flowId: string }> {
    await assertCanSignUsers();
    const identity = await olm.getIdentity(new WasmUserId(userId));
    if (!identity || identity instanceof OwnUserIdentity) {
      throw new EngineError("rejected", "This user has not set up encryption in a way that can be verified.");
    }
    const content = parseContent(identity.verificationRequestContent(METHODS));
    askingInRooms += 1;
    try {
      const roomId = await server.directRoom(userId, { signal });
      const { eventId } = await sendInRoom(roomId as RoomId, "m.room.message", content, randomUUID());
      const flow = adopt(identity.requestVerification(new WasmRoomId(roomId), new WasmEventId(eventId), METHODS));
      if (!flow) throw new EngineError("bug", "The verification could not be started.");
      return { flowId: flow.flowId };
    } finally {
      askingInRooms -= 1;
      replayEarly();
    }
  }

  /** What came for a flow before we knew its id is looked at again; the rest was for nobody. */
  function replayEarly(): void {
    const waiting = early;
    early = [];
    for (const { roomId, event } of waiting) receiveRoomEvent(roomId, event);
  }

  /** Sends the request itself once: whoever asked is told when it fails, instead of being left to wait. */
  async function firstWord(flow: Flow, send: () => Promise<void>): Promise<void> {
    try {
      await send();
    } catch (error) {
      flow.request.cancel();
      flows.delete(flow.flowId);
      changed();
      throw error;
    }
  }

  /** Verifying another user means to sign his identity, for which this device needs our own. */
  async function assertCanSignUsers(): Promise<void> {
    const status = await olm.crossSigningStatus();
    const identity = await olm.getIdentity(new WasmUserId(ownUserId));
    const canSign = status.hasUserSigning && identity?.isVerified() === true;
    status.free();
    if (canSign) return;
    throw new EngineError("encryption-not-ready", "Verify this device first. After that it can verify other people.");
  }

  async function accept(flowId: string): Promise<void> {
    const flow = liveFlow(flowId);
    if (flow.direction !== "incoming" || flow.request.phase() !== VerificationRequestPhase.Requested) return;
    if (!flow.isSelf) await assertCanSignUsers();
    const message = flow.request.acceptWithMethods(METHODS);
    flow.expiresAtMs = flow.startedAtMs + FLOW_LIFETIME_MS;
    // Before the other side can know of it, and so before it can start anything.
    await settle(flow);
    if (message && !flow.end) await deliver(flow, [message]);
  }

  async function startEmoji(flowId: string): Promise<void> {
    const flow = liveFlow(flowId);
    await settle(flow);
    await inTurn(flow, () => startSas(flow));
  }

  async function startSas(flow: Flow): Promise<void> {
    if (flow.sas || flow.end) return;
    const started = await flow.request.startSas();
    if (!started) throw new EngineError("rejected", "The other side cannot compare emoji now.");
    const [sas, message] = started;
    flow.sas = sas;
    flow.qr = undefined;
    flow.qrCode = undefined;
    watch(flow, sas);
    changed();
    await deliver(flow, [message]);
  }

  /** The user's word on the emoji, or on the tick that the scanning side shows. */
  async function confirm(flowId: string, isMatch: boolean): Promise<void> {
    const flow = liveFlow(flowId);
    const phase = phaseOf(flow);
    if (phase !== "emoji" && phase !== "scanned") {
      throw new EngineError("invalid-request", "There is nothing to confirm in this verification now.");
    }
    if (!isMatch) return cancel(flow, phase === "emoji" ? "m.mismatched_sas" : "m.key_mismatch");
    const messages: MethodMessage[] = [];
    if (phase === "emoji") messages.push(...((await flow.sas?.confirm()) ?? []));
    else {
      const confirmed = flow.qr?.confirmScanning();
      if (confirmed) messages.push(confirmed);
    }
    await deliver(flow, messages);
    await settle(flow);
  }

  /** Takes the bytes of the other side's code, base64. */
  async function scan(flowId: string, qrCode: string): Promise<void> {
    const flow = liveFlow(flowId);
    const scanned = await flow.request.scanQrCode(readCode(qrCode)).catch(async (error: unknown) => {
      if (!/mismatch|expected/iu.test(String(error))) throw notThisCode(error);
      // The right flow, with other keys than we were given: the sign of someone in between.
      await cancel(flow, "m.key_mismatch");
      throw new EngineError("rejected", cancelMessage("m.key_mismatch", true), {}, { cause: error });
    });
    if (!scanned) throw notThisCode(undefined);
    flow.qr = scanned;
    flow.qrCode = undefined;
    watch(flow, scanned);
    const message = scanned.reciprocate();
    changed();
    if (message) await deliver(flow, [message]);
  }

  function liveFlow(flowId: string): Flow {
    const flow = flows.get(flowId);
    if (!flow) throw new EngineError("not-found", "This verification is over.");
    if (flow.end) throw new EngineError("not-found", viewOfEnd(flow)?.message ?? "This verification is over.");
    return flow;
  }

  return {
    withoutStorms,
    noticed,
    receiveRoomEvent,
    /** Those that run, in the order they began, and those that ended within the last seconds. */
    views: (): VerificationView[] => [...flows.values()].map((flow) => toView(flow, personOf(flow.otherUserId))),
    request: ask,
    accept,
    startEmoji,
    confirm,
    scan,
    /** Also declines a request. */
    cancel: async (flowId: string): Promise<void> => cancel(liveFlow(flowId), "m.user"),
    /** Resolves when all that came from rooms so far is done with. For tests, and before closing. */
    async idle(): Promise<void> {
      while (roomQueues.size > 0) await Promise.all(roomQueues.values());
    },
  };
}
export type Verifications = ReturnType<typeof openVerifications>;

function readCode(base64: string): QrCodeScan {
  try {
    return QrCodeScan.fromBytes(new Uint8ClampedArray(Buffer.from(base64, "base64")));
  } catch (error) {
    throw new EngineError(
      "rejected",
      "This is not a verification code of Matrix. Scan the code on the other screen.",
      {},
      {
        cause: error,
      },
    );
  }
}

const notThisCode = (cause: unknown): EngineError =>
  new EngineError(
    "rejected",
    "This code belongs to another verification. Scan the one on the other screen.",
    {},
    { cause },
  );

const codeOf = (error: unknown) => ({ code: toErrorData(error).code });
