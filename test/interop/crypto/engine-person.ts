/**
 * EnginePerson: a Person whose client is our engine, asked through the contract alone. Called by the interop tests.
 * What the contract has no words for (rotation settings, history visibility) is done by another, bare client of the
 * same user, and being cut off by a fault proxy, behind which the engine stays.
 * Invariants: each is a new device on an empty folder, which is gone with it; it shares keys with every device, as
 * the scenarios expect of everyone at their start.
 */
import type {
  EncryptionView,
  RoomDetails,
  TimelineItem,
  UserTrust,
  VerificationView,
} from "../../../preload/contract/views.ts";
import type { AccountId, DeviceId, EventId, RoomId, TxnId, UserId } from "../../../preload/contract/ids.ts";
import { BareClient } from "../../support/bare-client.ts";
import { startProxyBefore, TestEngine } from "../../support/engine-harness.ts";
import type { Fault, FaultProxy } from "../../support/fault-proxy.ts";
import type { RegisteredUser } from "../../support/register-user.ts";
import { downloadFile, sendFile } from "./engine-files.ts";
import type {
  DevicePolicy,
  DeviceTrust,
  FileToSend,
  IdentityState,
  Person,
  PersonEvent,
  PersonGap,
  PersonVerification,
  RoomOptions,
  VerificationPhase,
  VerificationState,
  VerificationTarget,
} from "./person.ts";

/** How often a figure is read again that no topic tells. */
const LOOK_AGAIN_MS = 250;
const PATIENCE_MS = 20_000;

/** Signs in as a new device of this user. */
export async function startEnginePerson(baseUrl: string, account: RegisteredUser): Promise<EnginePerson> {
  const proxy = await startProxyBefore(baseUrl);
  try {
    const engine = await TestEngine.signedIn(proxy.url, account);
    const { accountId } = engine;
    const [row] = await engine.until("accounts", {}, (rows) => rows.length === 1);
    const person = new EnginePerson({ engine, proxy, account, baseUrl, deviceId: row?.deviceId as DeviceId });
    // Done when this device's keys and, on the first one, its identity are published.
    await person.untilIdentity("an identity", (state) => state.hasIdentity);
    await engine.client.call("encryption.setSendsToSignedDevicesOnly", { accountId, isOn: false });
    return person;
  } catch (error) {
    await proxy.stop();
    throw error;
  }
}

/** The verifications that one engine has seen, also those that are out of its view again. */
class SeenVerifications {
  readonly taken = new Set<string>();
  readonly #views = new Map<string, VerificationView>();
  readonly #waiting = new Set<() => void>();
  readonly stop: () => void;

  constructor(engine: TestEngine) {
    this.stop = engine.client.subscribe("verifications", { accountId: engine.accountId }, (views) => {
      for (const view of views) this.#views.set(view.flowId, view);
      for (const look of this.#waiting) look();
    });
  }

  get(flowId: string): VerificationView {
    const view = this.#views.get(flowId);
    if (!view) throw new Error(`there is no verification ${flowId}`);
    return view;
  }

  /** The first one that fits, of those that were seen or will be. */
  until(
    what: string,
    fits: (view: VerificationView) => boolean,
    timeoutMs: number = PATIENCE_MS,
  ): Promise<VerificationView> {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      const look = () => {
        const found = [...this.#views.values()].find(fits);
        if (!found) return;
        end();
        resolve(found);
      };
      const timer = setTimeout(() => {
        end();
        const seen = [...this.#views.values()].map(({ flowId, phase, cancel }) => ({ flowId, phase, cancel }));
        reject(new Error(`our engine waited ${timeoutMs / 1000} s for ${what}. Seen last: ${JSON.stringify(seen)}`));
      }, timeoutMs);
      this.#waiting.add(look);
      look();
    });
  }
}

class EngineVerification implements PersonVerification {
  readonly #engine: TestEngine;
  readonly #seen: SeenVerifications;
  readonly #args: { accountId: AccountId; flowId: string };

  constructor(engine: TestEngine, seen: SeenVerifications, flowId: string) {
    this.#engine = engine;
    this.#seen = seen;
    this.#args = { accountId: engine.accountId, flowId };
  }

  async state(): Promise<VerificationState> {
    return toState(this.#seen.get(this.#args.flowId));
  }

  async until(phase: VerificationPhase, timeoutMs?: number): Promise<VerificationState> {
    const ends = new Set<VerificationPhase>([phase, "done", "cancelled"]);
    const view = await this.#untilView(`phase "${phase}"`, (seen) => ends.has(seen.phase), timeoutMs);
    if (view.phase === phase) return toState(view);
    const why = view.cancel ? ` (${view.cancel.code}, by ${view.cancel.byUs ? "us" : "the other side"})` : "";
    throw new Error(`the verification is ${view.phase}${why}, so "${phase}" does not come`);
  }

  async accept(): Promise<void> {
    await this.until("requested");
    await this.#engine.client.call("verifications.accept", this.#args);
  }

  async startEmoji(): Promise<void> {
    await this.until("ready");
    await this.#engine.client.call("verifications.startEmoji", this.#args);
  }

  async confirm(): Promise<void> {
    await this.#engine.client.call("verifications.confirm", { ...this.#args, isMatch: true });
  }

  async mismatch(): Promise<void> {
    await this.#engine.client.call("verifications.confirm", { ...this.#args, isMatch: false });
  }

  async cancel(): Promise<void> {
    await this.#engine.client.call("verifications.cancel", this.#args);
  }

  async qrCode(): Promise<Uint8Array> {
    await this.until("ready");
    const { qrCode } = await this.#untilView("a QR code", (view) => view.qrCode !== undefined);
    return Buffer.from(qrCode ?? "", "base64");
  }

  async scan(bytes: Uint8Array): Promise<void> {
    await this.until("ready");
    const qrCode = Buffer.from(bytes).toString("base64");
    await this.#engine.client.call("verifications.scan", { ...this.#args, qrCode });
  }

  #untilView(what: string, fits: (view: VerificationView) => boolean, timeoutMs?: number): Promise<VerificationView> {
    const { flowId } = this.#args;
    return this.#seen.until(`${what} of ${flowId}`, (view) => view.flowId === flowId && fits(view), timeoutMs);
  }
}

const toState = (view: VerificationView): VerificationState => ({
  phase: view.phase,
  isSelf: view.isSelf,
  otherUserId: view.other.userId,
  otherDeviceId: view.otherDeviceId,
  emoji: view.emoji?.map(({ symbol }) => symbol),
  cancel: view.cancel && { code: view.cancel.code, byUs: view.cancel.byUs },
});

export class EnginePerson implements Person {
  readonly userId: string;
  readonly deviceId: string;
  readonly lacks: ReadonlySet<PersonGap> = new Set(["changes", "reactions", "refuses-unsigned"]);
  readonly engine: TestEngine;
  readonly proxy: FaultProxy;
  /** Another client of the same user, without keys. */
  readonly bare: BareClient;
  readonly #account: RegisteredUser;
  readonly #seen: SeenVerifications;
  #outage: Fault | undefined;

  constructor(parts: {
    engine: TestEngine;
    proxy: FaultProxy;
    account: RegisteredUser;
    baseUrl: string;
    deviceId: string;
  }) {
    this.engine = parts.engine;
    this.proxy = parts.proxy;
    this.#account = parts.account;
    this.userId = parts.account.userId;
    this.deviceId = parts.deviceId;
    this.bare = new BareClient(parts.baseUrl, parts.account);
    this.#seen = new SeenVerifications(parts.engine);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#seen.stop();
    await this.engine[Symbol.asyncDispose]();
    await this.proxy.stop();
  }

  async setUpIdentity(options: { passphrase?: string } = {}): Promise<string> {
    await this.#encryption("an identity without recovery", (view) => view.nextStep === "recovery");
    const { recoveryKey } = await this.engine.client.call("encryption.makeRecoveryKey", {
      ...this.#inAccount,
      ...options,
    });
    const { password } = this.#account;
    await this.engine.client.call("encryption.setUpRecovery", { ...this.#inAccount, recoveryKey, password });
    await this.untilIdentity("an identity with backup", isComplete);
    return recoveryKey;
  }

  async recover(secret: string): Promise<void> {
    await this.engine.client.call("encryption.recover", { ...this.#inAccount, secret });
    await this.untilIdentity("a verified device", (state) => state.isDeviceVerified);
  }

  async restoreBackup(): Promise<number> {
    await this.engine.client.call("encryption.restoreBackup", this.#inAccount);
    const { backup } = await this.#encryption("the end of the restore", (view) => view.backup.restoring === undefined);
    return backup.backedUpCount;
  }

  async untilBackedUp(): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    for (;;) {
      // The count in the view may lag behind what has just come; the export never does.
      const args = { ...this.#inAccount, passphrase: "counted, not kept" };
      const { keyCount } = await this.engine.client.call("encryption.exportKeys", args);
      const { count } = await this.bare.call<{ count: number }>("GET", "/room_keys/version");
      if (count >= keyCount) return;
      if (performance.now() > deadlineMs) throw new Error(`the backup has ${count} of ${keyCount} room keys`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }

  async resetIdentity(): Promise<string> {
    const before = await this.#encryption("a backup", (view) => view.backup.version !== undefined);
    const { recoveryKey } = await this.engine.client.call("encryption.makeRecoveryKey", this.#inAccount);
    const { password } = this.#account;
    await this.engine.client.call("encryption.resetIdentity", { ...this.#inAccount, recoveryKey, password });
    await this.#encryption(
      "a new identity with backup",
      (view) => isComplete(toIdentity(view)) && view.backup.version !== before.backup.version,
    );
    return recoveryKey;
  }

  async identity(): Promise<IdentityState> {
    return toIdentity(await this.#encryption("any state", () => true));
  }

  async untilIdentity(what: string, fits: (state: IdentityState) => boolean): Promise<IdentityState> {
    return toIdentity(await this.#encryption(what, (view) => fits(toIdentity(view))));
  }

  async createRoom(options: RoomOptions = {}): Promise<string> {
    const roomId = await this.#createRoom(options);
    const isEncrypted = options.isEncrypted ?? true;
    await this.#untilRoom(roomId, (room) => room?.membership === "join" && room.isEncrypted === isEncrypted);
    return roomId;
  }

  async invite(roomId: string, userId: string): Promise<void> {
    await this.engine.client.call("rooms.invite", { ...this.#inRoom(roomId), userId: userId as UserId });
  }

  async join(roomId: string): Promise<void> {
    await this.engine.until("roomList", this.#inAccount, (rows) => rows.some((row) => row.roomId === roomId));
    await this.engine.client.call("rooms.join", { ...this.#inAccount, room: roomId as RoomId });
    await this.#untilRoom(roomId, (room) => room?.membership === "join");
  }

  async leave(roomId: string): Promise<void> {
    await this.engine.client.call("rooms.leave", this.#inRoom(roomId));
    await this.engine.until("roomList", this.#inAccount, (rows) => rows.every((row) => row.roomId !== roomId));
  }

  async untilJoined(roomId: string, userIds: readonly string[]): Promise<void> {
    const wanted = userIds.toSorted().join();
    await this.engine.until("members", this.#inRoom(roomId), (members) => {
      const joined = members.flatMap((member) => (member.membership === "join" ? [member.userId] : []));
      return joined.toSorted().join() === wanted;
    });
  }

  async sendText(roomId: string, text: string): Promise<string> {
    return this.#untilSent(roomId, await this.engine.sendText(roomId as RoomId, text));
  }

  edit(): Promise<string> {
    return lacking("edits");
  }

  react(): Promise<string> {
    return lacking("reactions");
  }

  reply(): Promise<string> {
    return lacking("replies");
  }

  redact(): Promise<void> {
    return lacking("redactions");
  }

  async sendFile(roomId: string, file: FileToSend): Promise<string> {
    return this.#untilSent(roomId, await sendFile(this.engine, roomId as RoomId, file));
  }

  downloadFile(roomId: string, eventId: string, part: "file" | "thumbnail" = "file"): Promise<Uint8Array> {
    const { accountId } = this.engine;
    return downloadFile(this.engine, accountId, { roomId: roomId as RoomId, eventId: eventId as EventId, part });
  }

  async timeline(roomId: string): Promise<readonly PersonEvent[]> {
    return toEvents(await this.engine.timeline(roomId as RoomId, () => true));
  }

  async untilEvent(
    roomId: string,
    what: string,
    fits: (event: PersonEvent) => boolean,
    timeoutMs?: number,
  ): Promise<PersonEvent> {
    const args = this.#inRoom(roomId);
    const items = await this.engine
      .until("timeline", args, (all) => toEvents(all).some(fits), timeoutMs)
      .catch((error: unknown) => {
        throw new Error(`our engine waited for ${what}`, { cause: error });
      });
    const event = toEvents(items).find(fits) as PersonEvent;
    const { session_id: sessionId } = (await this.bare.event(roomId, event.eventId)).content;
    return { ...event, sessionId: typeof sessionId === "string" ? sessionId : undefined };
  }

  /** By another history visibility, which asks for a new key as well as a rotation that is due. */
  async startNewRoomKey(roomId: string): Promise<void> {
    const type = "m.room.history_visibility";
    const path = `/rooms/${encodeURIComponent(roomId)}/state/${type}/`;
    const before = await this.bare.call<{ history_visibility: string }>("GET", path);
    const visibility = before.history_visibility === "invited" ? "shared" : "invited";
    await this.bare.putState(roomId, type, { history_visibility: visibility });
    // No topic tells the visibility; what comes after it in the room does.
    const topic = `the history is ${visibility} since ${Date.now()}`;
    await this.bare.putState(roomId, "m.room.topic", { topic });
    await this.#untilRoom(roomId, (room) => room?.topic === topic);
  }

  async requestVerification(target: VerificationTarget): Promise<PersonVerification> {
    const userId = (target.with === "own-devices" ? this.userId : target.userId) as UserId;
    if (target.with === "device") await this.untilDevice(userId, target.deviceId);
    else await this.#untilTrust(userId, ({ identity }) => identity !== "none");
    const { flowId } = await this.engine.client.call("verifications.request", {
      ...this.#inAccount,
      userId,
      ...(target.with === "device" && { deviceId: target.deviceId as DeviceId }),
    });
    await this.#seen.until(`the request ${flowId}`, (view) => view.flowId === flowId);
    return new EngineVerification(this.engine, this.#seen, flowId);
  }

  async incomingVerification(from: { userId: string; deviceId?: string }): Promise<PersonVerification> {
    const { flowId } = await this.#seen.until(
      `a verification request of ${from.userId}`,
      (view) =>
        view.direction === "incoming" &&
        view.phase === "requested" &&
        view.other.userId === from.userId &&
        (from.deviceId === undefined || view.otherDeviceId === from.deviceId) &&
        !this.#seen.taken.has(view.flowId),
    );
    this.#seen.taken.add(flowId);
    return new EngineVerification(this.engine, this.#seen, flowId);
  }

  async untilDevice(userId: string, deviceId: string): Promise<void> {
    await this.#untilTrust(userId, ({ devices }) => devices.some((device) => device.deviceId === deviceId));
  }

  async deviceTrust(userId: string, deviceId: string): Promise<DeviceTrust> {
    return trustOf(await this.#untilTrust(userId, () => true), deviceId);
  }

  async untilDeviceTrust(userId: string, deviceId: string, trust: DeviceTrust): Promise<void> {
    await this.#untilTrust(userId, (user) => trustOf(user, deviceId) === trust);
  }

  async userTrust(userId: string): Promise<UserTrust["identity"]> {
    return (await this.#untilTrust(userId, () => true)).identity;
  }

  async untilUserTrust(userId: string, trust: UserTrust["identity"]): Promise<void> {
    await this.#untilTrust(userId, ({ identity }) => identity === trust);
  }

  async acknowledgeIdentity(userId: string): Promise<void> {
    await this.engine.client.call("trust.acknowledge", { ...this.#inAccount, userId: userId as UserId });
  }

  async setDevicePolicy(policy: DevicePolicy): Promise<void> {
    const isOn = policy === "signed";
    await this.engine.client.call("encryption.setSendsToSignedDevicesOnly", { ...this.#inAccount, isOn });
  }

  async exportKeys(passphrase: string): Promise<string> {
    return (await this.engine.client.call("encryption.exportKeys", { ...this.#inAccount, passphrase })).keyFile;
  }

  async importKeys(keyFile: string, passphrase: string): Promise<void> {
    await this.engine.client.call("encryption.importKeys", { ...this.#inAccount, keyFile, passphrase });
  }

  async goOffline(): Promise<void> {
    this.#outage ??= this.proxy.add({ path: /./u, response: "drop" });
    this.proxy.disconnectAll();
  }

  async goOnline(): Promise<void> {
    this.#outage?.();
    this.#outage = undefined;
    await this.engine.client.call("sync.retryNow", this.#inAccount);
  }

  get #inAccount(): { accountId: AccountId } {
    return { accountId: this.engine.accountId };
  }

  #inRoom(roomId: string): { accountId: AccountId; roomId: RoomId } {
    return this.engine.inRoom(roomId as RoomId);
  }

  async #createRoom(options: RoomOptions): Promise<string> {
    const { client } = this.engine;
    const { name = "Room", invite = [], isEncrypted = true, isDirect, isPublic = false } = options;
    const [other] = invite;
    const isPlain = [options.historyVisibility, options.rotationMessages, options.rotationMs].every(
      (option) => option === undefined,
    );
    if (isPlain && isDirect && other !== undefined) {
      const args = { ...this.#inAccount, userId: other as UserId };
      return (await client.call("rooms.createDirect", args)).roomId;
    }
    if (isPlain && !(isPublic && isEncrypted)) {
      const args = { ...this.#inAccount, name, isPublic, isEncrypted, invite: invite as UserId[] };
      return (await client.call("rooms.create", args)).roomId;
    }
    return this.bare.createRoom({
      name,
      preset: isPublic ? "public_chat" : "private_chat",
      invite,
      initial_state: initialState(options),
    });
  }

  /** The event id, once the server has given one. */
  async #untilSent(roomId: string, txnId: TxnId): Promise<string> {
    const isMine = (item: TimelineItem) => item.kind === "message" && item.txnId === txnId;
    const items = await this.engine.timeline(roomId as RoomId, (all) =>
      all.some((item) => item.kind === "message" && isMine(item) && item.send?.state !== "sending"),
    );
    const item = items.find(isMine);
    if (item?.kind === "message" && item.send?.state === "wedged") {
      throw new Error(`not sent, ${item.send.error.code}: ${item.send.error.message}`);
    }
    if (item?.kind !== "message" || item.eventId === undefined) throw new Error("a sent message has no event id");
    return item.eventId;
  }

  async #untilRoom(roomId: string, fits: (room: RoomDetails | undefined) => boolean): Promise<void> {
    await this.engine.until("room", this.#inRoom(roomId), ([room]) => fits(room));
  }

  async #untilTrust(userId: string, fits: (trust: UserTrust) => boolean): Promise<UserTrust> {
    const args = { ...this.#inAccount, userId: userId as UserId };
    const [trust] = await this.engine.until("userTrust", args, ([user]) => user !== undefined && fits(user));
    return trust as UserTrust;
  }

  async #encryption(what: string, fits: (view: EncryptionView) => boolean): Promise<EncryptionView> {
    const [view] = await this.engine
      .until("encryption", this.#inAccount, ([current]) => current?.state === "ready" && fits(current))
      .catch((error: unknown) => {
        throw new Error(`our engine waited for ${what}`, { cause: error });
      });
    return view as EncryptionView;
  }
}

const lacking = (what: string): Promise<never> => Promise.reject(new Error(`our engine has no ${what} yet`));

const trustOf = (user: UserTrust, deviceId: string): DeviceTrust =>
  user.devices.find((device) => device.deviceId === deviceId)?.trust;

const isComplete = (state: IdentityState): boolean =>
  state.isDeviceVerified && state.hasPrivateKeys && state.isRecoverable && state.backupVersion !== undefined;

function toIdentity({ nextStep, isDeviceVerified, hasRecovery, secrets, backup }: EncryptionView): IdentityState {
  const crossSigning = [secrets.masterKey, secrets.selfSigningKey, secrets.userSigningKey];
  return {
    hasIdentity: nextStep !== "create",
    isDeviceVerified,
    hasPrivateKeys: crossSigning.every(({ isHere }) => isHere),
    isRecoverable: hasRecovery && crossSigning.every(({ isStored }) => isStored),
    backupVersion: backup.state === "active" ? backup.version : undefined,
  };
}

const toEvents = (items: readonly TimelineItem[]): PersonEvent[] => items.flatMap(toEvent);

function toEvent(item: TimelineItem): PersonEvent[] {
  if (item.kind !== "message" && item.kind !== "placeholder") return [];
  if (item.eventId === undefined) return [];
  const event: PersonEvent = {
    eventId: item.eventId,
    sender: item.sender?.userId ?? "",
    type: "m.room.message",
    content: {},
    isEncrypted: true,
    isEdited: false,
    isRedacted: false,
    sessionId: undefined,
    cause: undefined,
    shield: undefined,
    reactions: [],
  };
  if (item.kind === "placeholder") {
    if (item.reason === "redacted") return [{ ...event, isRedacted: true }];
    return [{ ...event, type: "m.room.encrypted", cause: item.cause }];
  }
  const { msgtype, body, isEdited, shield, file } = item;
  const info = file && { mimetype: file.contentType, size: file.sizeBytes };
  const content = { msgtype: `m.${msgtype}`, body: file?.name ?? body, ...(info && { info }) };
  const isEncrypted = shield !== "sent-in-clear" && file?.isEncrypted !== false;
  return [{ ...event, content, isEdited, shield, isEncrypted }];
}

const initialState = (options: RoomOptions): unknown[] => [
  ...((options.isEncrypted ?? true)
    ? [
        {
          type: "m.room.encryption",
          state_key: "",
          content: {
            algorithm: "m.megolm.v1.aes-sha2",
            ...(options.rotationMs === undefined ? {} : { rotation_period_ms: options.rotationMs }),
            ...(options.rotationMessages === undefined ? {} : { rotation_period_msgs: options.rotationMessages }),
          },
        },
      ]
    : []),
  ...(options.historyVisibility === undefined
    ? []
    : [
        {
          type: "m.room.history_visibility",
          state_key: "",
          content: { history_visibility: options.historyVisibility },
        },
      ]),
];
