/**
 * Engines for tests: each with a data folder of its own that is removed with it. Used by the engine tests, the
 * benches and the demo's checks. Invariant: what a test reads comes through the contract, as a window would see it.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEngine, type Engine, type EngineClient, type EngineOptions } from "../../main/engine/entry.node.ts";
import type { CommandArgs, TopicArgs, TopicItem, TopicName } from "../../preload/contract/engine-contract.ts";
import type { AccountId, RoomId, TxnId, UserId } from "../../preload/contract/ids.ts";
import type { TimelineItem } from "../../preload/contract/views.ts";
import { startEngineProcess, type EngineProcess } from "./engine-process.ts";
import { startFaultProxy, type FaultProxy } from "./fault-proxy.ts";

/** `isOwnProcess`: the engine runs in a child, where `kill` can end it. The other options do not reach it there. */
export type TestEngineOptions = Partial<EngineOptions> & { isOwnProcess?: boolean };

/** What an engine needs to sign in. */
export type TestAccount = { userId: string; password: string };

const PATIENCE_MS = 20_000;
const SHOWN_CHARACTERS = 2_000;

export class TestEngine implements AsyncDisposable {
  readonly dataDir: string;
  readonly #profileKey: Uint8Array;
  readonly #options: TestEngineOptions;
  engine!: Engine | EngineProcess;
  client!: EngineClient;
  accountId!: AccountId;
  userId!: UserId;

  private constructor(dataDir: string, options: TestEngineOptions) {
    this.dataDir = dataDir;
    this.#profileKey = randomBytes(32);
    this.#options = options;
  }

  /** An engine on an empty folder, without an account. */
  static async open(options: TestEngineOptions = {}): Promise<TestEngine> {
    const opened = new TestEngine(options.dataDir ?? (await mkdtemp(join(tmpdir(), "lattice-test-"))), options);
    await opened.reopen();
    return opened;
  }

  /** An engine that is signed in and caught up. */
  static async signedIn(
    homeserverUrl: string,
    account: TestAccount,
    options: TestEngineOptions = {},
  ): Promise<TestEngine> {
    const opened = await TestEngine.open(options);
    const { accountId } = await opened.client.call("accounts.signIn", {
      homeserverUrl,
      user: account.userId,
      password: account.password,
    });
    opened.accountId = accountId;
    opened.userId = account.userId as UserId;
    await opened.until("syncState", { accountId }, ([sync]) => sync?.state === "live");
    return opened;
  }

  /** Opens the same folder again, as after a restart of the app. */
  async reopen(options: Partial<EngineOptions> = {}): Promise<void> {
    const { isOwnProcess, ...engineOptions } = this.#options;
    this.engine = isOwnProcess
      ? await startEngineProcess(this.dataDir, this.#profileKey)
      : await openEngine({ dataDir: this.dataDir, profileKey: this.#profileKey, ...engineOptions, ...options });
    this.client = this.engine.client();
  }

  /** Resolves with the first list of the topic that fits. */
  until<T extends TopicName>(
    topic: T,
    args: TopicArgs<T>,
    fits: (items: readonly TopicItem<T>[]) => boolean,
    patienceMs = PATIENCE_MS,
  ): Promise<readonly TopicItem<T>[]> {
    return new Promise((resolve, reject) => {
      let last: readonly TopicItem<T>[] = [];
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`topic ${topic} did not come to what was expected; last: ${shown(last)}`));
      }, patienceMs);
      const stop = this.client.subscribe(topic, args, (items) => {
        last = items;
        if (!fits(items)) return;
        clearTimeout(timer);
        queueMicrotask(() => stop());
        resolve(items);
      });
    });
  }

  inRoom(roomId: RoomId): { accountId: AccountId; roomId: RoomId } {
    return { accountId: this.accountId, roomId };
  }

  /** Writes a text, and gives the txnId. */
  async sendText(roomId: RoomId, body: string): Promise<TxnId> {
    const txnId = `test${randomBytes(8).toString("hex")}` as TxnId;
    const args: CommandArgs<"outbox.send"> = { ...this.inRoom(roomId), txnId, content: { msgtype: "m.text", body } };
    await this.client.call("outbox.send", args);
    return txnId;
  }

  /** The timeline, once it fits. */
  timeline(roomId: RoomId, fits: (items: readonly TimelineItem[]) => boolean): Promise<readonly TimelineItem[]> {
    return this.until("timeline", this.inRoom(roomId), fits);
  }

  /** A direct room with this user, whom another engine is then to let join. */
  async createDirectWith(other: TestEngine): Promise<RoomId> {
    const { roomId } = await this.client.call("rooms.createDirect", {
      accountId: this.accountId,
      userId: other.userId,
    });
    await other.until("roomList", { accountId: other.accountId }, (rows) => rows.some((row) => row.roomId === roomId));
    await other.client.call("rooms.join", { accountId: other.accountId, room: roomId });
    await this.until("room", this.inRoom(roomId), ([room]) => room?.joinedCount === 2);
    return roomId;
  }

  /** Ends the engine's own process in the middle of whatever it does. */
  async kill(): Promise<void> {
    if (!("kill" in this.engine)) throw new Error("only an engine in its own process can be killed");
    await this.engine.kill();
    this.client.close();
  }

  /** Ends the engine; the folder stays for `reopen`. */
  async close(): Promise<void> {
    this.client.close();
    await this.engine.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

/** A fault proxy that an engine stays behind: the sign-in's answer would send it to the server's own address. */
export async function startProxyBefore(homeserverUrl: string): Promise<FaultProxy> {
  const proxy = await startFaultProxy(homeserverUrl);
  proxy.add({
    method: "POST",
    path: /\/login$/u,
    response: { rewrite: (body) => ({ ...(body as object), well_known: undefined }) },
  });
  return proxy;
}

/** The newest items are at the end. */
const shown = (items: readonly unknown[]): string => {
  const text = JSON.stringify(items);
  return text.length <= SHOWN_CHARACTERS ? text : `${items.length} items, … ${text.slice(-SHOWN_CHARACTERS)}`;
};

/** The texts of the messages in a timeline. */
export const bodies = (items: readonly TimelineItem[]): string[] =>
  items.flatMap((item) => (item.kind === "message" ? [item.body] : []));
