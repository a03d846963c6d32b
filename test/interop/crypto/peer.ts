/**
 * startPeer: a Person whose client is matrix-js-sdk with its Rust crypto, in a process of its own (peer-process.ts).
 * Called by the interop tests. Invariant: each peer is a new device, and its process is gone with it, or with us.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { inspect } from "node:util";
import type { UserTrust } from "../../../preload/contract/views.ts";
import type { PeerCall, PeerDevicePolicy, PeerLogin, PeerMessage, PeerMethods, PeerRoom } from "./peer-process.ts";
import type {
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

const PATIENCE_MS = 20_000;
/** Where the peer does not hear of a change by itself, it looks again after this. */
const LOOK_AGAIN_MS = 500;
const STDERR_CHARACTERS = 4_000;

/** Starts a process and signs in as a new device of this user; its first sync is through when this resolves. */
export async function startPeer(login: PeerLogin): Promise<Peer> {
  const child = fork(join(import.meta.dirname, "peer-process.ts"), [], {
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  const wire = new PeerWire(child, `${login.userId} (${login.deviceName})`);
  try {
    const deviceId = await wire.call("start", login);
    await wire.until(
      "its first sync",
      () => wire.call("isSynced"),
      (isSynced) => isSynced,
    );
    return new Peer(wire, login.userId, deviceId);
  } catch (error) {
    await wire.close();
    throw error;
  }
}

/** Calls to the child, and waits for what they tell. */
class PeerWire {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  readonly #wakers = new Set<() => void>();
  #lastId = 0;
  #changes = 0;
  #stderr = "";
  #end: Error | undefined;

  constructor(child: ChildProcess, name: string) {
    this.#child = child;
    this.#name = name;
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_CHARACTERS);
    });
    child.on("message", (message) => this.#receive(message as PeerMessage));
    child.on("error", (error) => this.#fail(error.message));
    child.on("exit", (code, signal) => this.#fail(`its process ended (${signal ?? code})`));
  }

  async call<K extends keyof PeerMethods>(
    method: K,
    ...args: Parameters<PeerMethods[K]>
  ): Promise<Awaited<ReturnType<PeerMethods[K]>>> {
    const value = await this.#call(method, args);
    return value as Awaited<ReturnType<PeerMethods[K]>>;
  }

  /** Reads until it fits, again after every change. */
  async until<T>(
    what: string,
    read: () => Promise<T>,
    fits: (value: T) => boolean,
    timeoutMs = PATIENCE_MS,
  ): Promise<T> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const changes = this.#changes;
      const value = await read();
      if (fits(value)) return value;
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) {
        const seen = inspect(value, { depth: 6, breakLength: 140, maxStringLength: 300, maxArrayLength: 40 });
        throw new Error(
          `${this.#name} waited ${timeoutMs / 1000} s for ${what}. Seen last: ${seen}${await this.#lastWords()}`,
        );
      }
      if (changes === this.#changes) await this.#change(Math.min(leftMs, LOOK_AGAIN_MS));
    }
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    // Not in order on purpose: a logout would end the device, and the memory store has nothing to save.
    this.#child.kill("SIGKILL");
    await exited;
  }

  #call(method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#end) return Promise.reject(this.#end);
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#pending.delete(id);
        const failed = (words: string) =>
          reject(new Error(`${this.#name}: ${method} took more than ${PATIENCE_MS / 1000} s${words}`));
        // Words of a process that does not answer are not waited for.
        if (method === "lastWords") failed("");
        else this.#lastWords().then(failed, () => failed(""));
      }, PATIENCE_MS);
      const settle = <A>(act: (value: A) => void) => {
        return (value: A) => {
          clearTimeout(late);
          act(value);
        };
      };
      this.#pending.set(id, { resolve: settle(resolve), reject: settle(reject) });
      const call: PeerCall = { id, method, args };
      this.#child.send(call, (error) => {
        if (error) this.#pending.get(id)?.reject(error);
      });
    });
  }

  #receive(message: PeerMessage): void {
    if (message.kind === "changed") {
      this.#wake();
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.kind === "answer") pending?.resolve(message.value);
    else pending?.reject(new Error(`${this.#name}: ${message.message}`));
  }

  #fail(why: string): void {
    this.#end ??= new Error(`${this.#name}: ${why}${this.#stderr && `\n${this.#stderr}`}`);
    for (const { reject } of this.#pending.values()) reject(this.#end);
    this.#pending.clear();
    this.#wake();
  }

  #wake(): void {
    this.#changes += 1;
    for (const wake of this.#wakers) wake();
  }

  #change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#wakers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      this.#wakers.add(wake);
    });
  }

  async #lastWords(): Promise<string> {
    const words = await this.call("lastWords");
    return words.length === 0 ? "" : `\nThe client's last words:\n${words.join("\n")}`;
  }
}

class PeerVerification implements PersonVerification {
  readonly #wire: PeerWire;
  readonly #handle: number;

  constructor(wire: PeerWire, handle: number) {
    this.#wire = wire;
    this.#handle = handle;
  }

  state(): Promise<VerificationState> {
    return this.#wire.call("verificationState", this.#handle);
  }

  async until(phase: VerificationPhase, timeoutMs?: number): Promise<VerificationState> {
    const ends = new Set<VerificationPhase>([phase, "done", "cancelled"]);
    const state = await this.#wire.until(
      `a verification in phase "${phase}"`,
      () => this.state(),
      (current) => ends.has(current.phase),
      timeoutMs,
    );
    if (state.phase === phase) return state;
    const why = state.cancel ? ` (${state.cancel.code}, by ${state.cancel.byUs ? "us" : "the other side"})` : "";
    throw new Error(`the verification is ${state.phase}${why}, so "${phase}" does not come`);
  }

  async accept(): Promise<void> {
    await this.until("requested");
    await this.#wire.call("acceptVerification", this.#handle);
  }

  async startEmoji(): Promise<void> {
    await this.until("ready");
    await this.#wire.call("startEmoji", this.#handle);
  }

  confirm(): Promise<void> {
    return this.#wire.call("answerVerification", this.#handle, true);
  }

  mismatch(): Promise<void> {
    return this.#wire.call("answerVerification", this.#handle, false);
  }

  cancel(): Promise<void> {
    return this.#wire.call("cancelVerification", this.#handle);
  }

  async qrCode(): Promise<Uint8Array> {
    await this.until("ready");
    return this.#wire.call("qrCode", this.#handle);
  }

  async scan(bytes: Uint8Array): Promise<void> {
    await this.until("ready");
    await this.#wire.call("scanQrCode", this.#handle, bytes);
  }
}

/** matrix-js-sdk as a person. Beside Person's, it has what only a test of raw events needs. */
export class Peer implements Person {
  readonly userId: string;
  readonly deviceId: string;
  readonly lacks: ReadonlySet<PersonGap> = new Set();
  readonly #wire: PeerWire;

  constructor(wire: PeerWire, userId: string, deviceId: string) {
    this.#wire = wire;
    this.userId = userId;
    this.deviceId = deviceId;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#wire.close();
  }

  async setUpIdentity(options: { passphrase?: string } = {}): Promise<string> {
    await this.#wire.call("bootstrapCrossSigning");
    const recoveryKey = await this.#wire.call("bootstrapSecretStorage", { ...options, isBackupNew: true });
    await this.untilIdentity("an identity with backup", isComplete);
    return recoveryKey;
  }

  async recover(secret: string): Promise<void> {
    await this.#wire.call("recover", secret);
    await this.untilIdentity("a verified device", (state) => state.isDeviceVerified);
  }

  restoreBackup(): Promise<number> {
    return this.#wire.call("restoreBackup");
  }

  async untilBackedUp(): Promise<void> {
    await this.#wire.until(
      "all room keys in the backup",
      () => this.#wire.call("keyCounts"),
      ({ here, inBackup }) => inBackup >= here,
    );
  }

  async resetIdentity(): Promise<string> {
    await this.#wire.call("resetEncryption");
    const recoveryKey = await this.#wire.call("bootstrapSecretStorage", { isBackupNew: false });
    await this.untilIdentity("a new identity with backup", isComplete);
    return recoveryKey;
  }

  identity(): Promise<IdentityState> {
    return this.#wire.call("identity");
  }

  untilIdentity(what: string, fits: (state: IdentityState) => boolean): Promise<IdentityState> {
    return this.#wire.until(what, () => this.identity(), fits);
  }

  async createRoom(options: RoomOptions = {}): Promise<string> {
    const roomId = await this.#wire.call("createRoom", options);
    const isEncrypted = options.isEncrypted ?? true;
    await this.#untilRoom(roomId, "its own new room", (room) => room?.isEncrypted === isEncrypted);
    return roomId;
  }

  invite(roomId: string, userId: string): Promise<void> {
    return this.#wire.call("invite", roomId, userId);
  }

  /** With a server, without waiting for an invite. */
  async join(roomId: string, viaServer?: string): Promise<void> {
    if (viaServer === undefined) {
      const isKnown = (room: PeerRoom | undefined) => room?.membership === "invite" || room?.membership === "join";
      await this.#untilRoom(roomId, "an invite", isKnown);
    }
    await this.#wire.call("join", roomId, viaServer);
    await this.#untilRoom(roomId, "the room it joined", (room) => room?.membership === "join");
  }

  async leave(roomId: string): Promise<void> {
    await this.#wire.call("leave", roomId);
    await this.#untilRoom(roomId, "having left", (room) => room?.membership !== "join");
  }

  async untilJoined(roomId: string, userIds: readonly string[]): Promise<void> {
    const wanted = userIds.toSorted().join();
    await this.#untilRoom(roomId, `the members ${wanted}`, (room) => room?.joined.toSorted().join() === wanted);
  }

  sendText(roomId: string, text: string): Promise<string> {
    return this.send(roomId, "m.room.message", { msgtype: "m.text", body: text });
  }

  /** Sends any event, encrypted where the room is. */
  send(roomId: string, type: string, content: Record<string, unknown>): Promise<string> {
    return this.#wire.call("send", roomId, type, content);
  }

  edit(roomId: string, eventId: string, text: string): Promise<string> {
    return this.#wire.call("edit", roomId, eventId, text);
  }

  react(roomId: string, eventId: string, key: string): Promise<string> {
    return this.#wire.call("react", roomId, eventId, key);
  }

  reply(roomId: string, eventId: string, text: string): Promise<string> {
    return this.#wire.call("reply", roomId, eventId, text);
  }

  redact(roomId: string, eventId: string): Promise<void> {
    return this.#wire.call("redact", roomId, eventId);
  }

  sendFile(roomId: string, file: FileToSend): Promise<string> {
    return this.#wire.call("sendFile", roomId, file);
  }

  downloadFile(roomId: string, eventId: string, part: "file" | "thumbnail" = "file"): Promise<Uint8Array> {
    return this.#wire.call("downloadFile", roomId, eventId, part);
  }

  timeline(roomId: string): Promise<readonly PersonEvent[]> {
    return this.#wire.call("timeline", roomId);
  }

  /** Fetches the part of the timeline that was before the first sync. */
  loadHistory(roomId: string): Promise<void> {
    return this.#wire.call("loadHistory", roomId);
  }

  async untilEvent(
    roomId: string,
    what: string,
    fits: (event: PersonEvent) => boolean,
    timeoutMs?: number,
  ): Promise<PersonEvent> {
    const events = await this.#wire.until(
      what,
      () => this.timeline(roomId),
      (current) => current.some(fits),
      timeoutMs,
    );
    return events.find(fits) as PersonEvent;
  }

  startNewRoomKey(roomId: string): Promise<void> {
    return this.#wire.call("startNewRoomKey", roomId);
  }

  async requestVerification(target: VerificationTarget): Promise<PersonVerification> {
    if (target.with === "user") {
      await this.#wire.until(
        `an identity of ${target.userId}`,
        () => this.userTrust(target.userId),
        (trust) => trust !== "none",
      );
    } else if (target.with === "device") {
      await this.untilDevice(target.userId, target.deviceId);
    } else {
      await this.untilIdentity("an identity of its own", (state) => state.hasIdentity);
    }
    return new PeerVerification(this.#wire, await this.#wire.call("requestVerification", target));
  }

  async incomingVerification(from: { userId: string; deviceId?: string }): Promise<PersonVerification> {
    const handle = await this.#wire.until(
      `a verification request of ${from.userId}`,
      () => this.#wire.call("takeVerification", from),
      (taken) => taken !== undefined,
    );
    return new PeerVerification(this.#wire, handle as number);
  }

  async untilDevice(userId: string, deviceId: string): Promise<void> {
    await this.#wire.until(
      `the device ${deviceId} of ${userId}`,
      () => this.#wire.call("deviceIds", userId),
      (deviceIds) => deviceIds.includes(deviceId),
    );
  }

  deviceTrust(userId: string, deviceId: string): Promise<DeviceTrust> {
    return this.#wire.call("deviceTrust", userId, deviceId);
  }

  async untilDeviceTrust(userId: string, deviceId: string, trust: DeviceTrust): Promise<void> {
    await this.#wire.until(
      `the device ${deviceId} being ${trust}`,
      () => this.deviceTrust(userId, deviceId),
      (current) => current === trust,
    );
  }

  userTrust(userId: string): Promise<UserTrust["identity"]> {
    return this.#wire.call("userTrust", userId);
  }

  async untilUserTrust(userId: string, trust: UserTrust["identity"]): Promise<void> {
    await this.#wire.until(
      `the user ${userId} being ${trust}`,
      () => this.userTrust(userId),
      (current) => current === trust,
    );
  }

  acknowledgeIdentity(userId: string): Promise<void> {
    return this.#wire.call("acknowledgeIdentity", userId);
  }

  async setDevicePolicy(policy: PeerDevicePolicy): Promise<void> {
    await this.#wire.call("setDevicePolicy", policy);
  }

  exportKeys(passphrase: string): Promise<string> {
    return this.#wire.call("exportKeys", passphrase);
  }

  importKeys(keyFile: string, passphrase: string): Promise<void> {
    return this.#wire.call("importKeys", keyFile, passphrase);
  }

  async goOffline(): Promise<void> {
    await this.#wire.call("goOffline");
  }

  async goOnline(): Promise<void> {
    await this.#wire.call("goOnline");
  }

  async #untilRoom(roomId: string, what: string, fits: (room: PeerRoom | undefined) => boolean): Promise<void> {
    await this.#wire.until(`${what} (${roomId})`, () => this.#wire.call("room", roomId), fits);
  }
}

const isComplete = (state: IdentityState): boolean =>
  state.isDeviceVerified && state.hasPrivateKeys && state.isRecoverable && state.backupVersion !== undefined;
