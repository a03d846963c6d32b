/**
 * Seat: a person with our engine behind a fault proxy, and beside it a bare client of the same user. Used by the tests
 * of encryption on a real homeserver. Invariant: what is read comes through the contract; what the server holds is
 * read through the bare client, and what was sent through the proxy's log.
 */
import type { DeviceId, EventId, RoomId, TxnId, UserId } from "../../preload/contract/ids.ts";
import type { EncryptionView, TimelineItem, UndecryptableCause } from "../../preload/contract/views.ts";
import { BareClient, type WireEvent } from "./bare-client.ts";
import { startProxyBefore, TestEngine, type TestEngineOptions } from "./engine-harness.ts";
import type { Fault, FaultProxy, FaultResponse, LoggedRequest } from "./fault-proxy.ts";
import type { RegisteredUser } from "./register-user.ts";
import { newUser, sharedHomeserver } from "./users.ts";

export type MessageItem = Extract<TimelineItem, { kind: "message" }>;

export class Seat implements AsyncDisposable {
  readonly engine: TestEngine;
  readonly proxy: FaultProxy;
  readonly bare: BareClient;
  readonly account: RegisteredUser;

  private constructor(engine: TestEngine, proxy: FaultProxy, account: RegisteredUser) {
    this.engine = engine;
    this.proxy = proxy;
    this.account = account;
    this.bare = new BareClient(sharedHomeserver().baseUrl, account);
  }

  /** Signs in, as a new user or as one more device of an old one. `prepare` sees the proxy before the engine does. */
  static async open(
    who: string | RegisteredUser,
    options: TestEngineOptions & { prepare?: (proxy: FaultProxy) => void } = {},
  ): Promise<Seat> {
    const { prepare, ...engineOptions } = options;
    const account = typeof who === "string" ? await newUser(who) : who;
    const proxy = await startProxyBefore(sharedHomeserver().baseUrl);
    prepare?.(proxy);
    const seat = new Seat(await TestEngine.signedIn(proxy.url, account, engineOptions), proxy, account);
    // A first device signs itself; before that, others have no keys for it.
    if (typeof who === "string") await seat.encryption((view) => view.isDeviceVerified);
    return seat;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine[Symbol.asyncDispose]();
    await this.proxy.stop();
  }

  get userId(): UserId {
    return this.account.userId as UserId;
  }

  get inAccount(): { accountId: TestEngine["accountId"] } {
    return { accountId: this.engine.accountId };
  }

  async deviceId(): Promise<DeviceId> {
    const [row] = await this.engine.until("accounts", {}, (rows) => rows.length === 1);
    if (!row) throw new Error("no account");
    return row.deviceId;
  }

  /** A private room, encrypted, in which all of `guests` are. */
  async roomWith(...guests: readonly Seat[]): Promise<RoomId> {
    const invite = guests.map((guest) => guest.userId);
    const args = { ...this.inAccount, name: "Room", isPublic: false, invite };
    const { roomId } = await this.engine.client.call("rooms.create", args);
    await this.engine.until("room", this.engine.inRoom(roomId), ([room]) => room?.isEncrypted === true);
    for (const guest of guests) await guest.join(roomId);
    await this.untilJoined(roomId, guests.length + 1);
    for (const guest of guests) {
      await this.knows(guest);
      await guest.knows(this);
    }
    return roomId;
  }

  /** An encrypted room as another client of ours would make it. */
  async bareRoom(guests: readonly Seat[], state: readonly { type: string; content: unknown }[] = []): Promise<RoomId> {
    const hasEncryption = state.some(({ type }) => type === "m.room.encryption");
    const encryption = { type: "m.room.encryption", content: { algorithm: "m.megolm.v1.aes-sha2" } };
    const roomId = (await this.bare.createRoom({
      preset: "private_chat",
      name: "Room",
      invite: guests.map((guest) => guest.userId),
      initial_state: [...(hasEncryption ? [] : [encryption]), ...state].map((each) => ({ ...each, state_key: "" })),
    })) as RoomId;
    await this.engine.until("room", this.engine.inRoom(roomId), ([room]) => room?.membership === "join");
    for (const guest of guests) await guest.join(roomId);
    await this.untilJoined(roomId, guests.length + 1);
    for (const guest of guests) {
      await this.knows(guest);
      await guest.knows(this);
    }
    return roomId;
  }

  async join(roomId: RoomId): Promise<void> {
    await this.engine.until("roomList", this.inAccount, (rows) => rows.some((row) => row.roomId === roomId));
    await this.engine.client.call("rooms.join", { ...this.inAccount, room: roomId });
    await this.engine.until("room", this.engine.inRoom(roomId), ([room]) => room?.membership === "join");
  }

  async untilJoined(roomId: RoomId, count: number): Promise<void> {
    await this.engine.until("room", this.engine.inRoom(roomId), ([room]) => room?.joinedCount === count);
  }

  /** Waits until the other's device is known here: what is sent before that is rightly not for it. */
  async knows(other: Seat, isKnown = true): Promise<void> {
    const deviceId = await other.deviceId();
    await this.knowsDevice(other.userId, deviceId, isKnown);
  }

  async knowsDevice(userId: UserId, deviceId: string, isKnown = true): Promise<void> {
    await this.engine.until(
      "userTrust",
      { ...this.inAccount, userId },
      ([user]) => user?.devices.some((device) => device.deviceId === deviceId) === isKnown,
    );
  }

  /** Sends, and gives the event id once the server has given one. Throws where the send is wedged. */
  async send(roomId: RoomId, text: string): Promise<EventId> {
    return this.untilSent(roomId, await this.engine.sendText(roomId, text));
  }

  async untilSent(roomId: RoomId, txnId: TxnId): Promise<EventId> {
    const isMine = (item: TimelineItem): item is MessageItem => item.kind === "message" && item.txnId === txnId;
    const items = await this.engine.timeline(roomId, (all) =>
      all.some((item) => isMine(item) && item.send?.state !== "sending"),
    );
    const item = items.find(isMine);
    if (item?.send?.state === "wedged") throw new Error(`wedged: ${item.send.error.code}`);
    if (item?.eventId === undefined) throw new Error("a sent message has no event id");
    return item.eventId;
  }

  /** Waits until this event can be read. */
  async reads(roomId: RoomId, eventId: string): Promise<MessageItem> {
    const fits = (item: TimelineItem): item is MessageItem => item.kind === "message" && item.eventId === eventId;
    return (await this.engine.timeline(roomId, (items) => items.some(fits))).find(fits) as MessageItem;
  }

  /** Waits until this event is known to be unreadable, for this reason where one is given. */
  async cannotRead(roomId: RoomId, eventId: string, cause?: UndecryptableCause): Promise<void> {
    await this.engine.timeline(roomId, (items) =>
      items.some(
        (item) =>
          item.kind === "placeholder" &&
          item.eventId === eventId &&
          item.reason === "undecryptable" &&
          (cause === undefined || item.cause === cause),
      ),
    );
  }

  /** A fault on every sync response from now on, also on the one that is being waited for. */
  async faultOnSync(response: FaultResponse): Promise<Fault> {
    const fault = this.proxy.add({ path: /\/sync/u, response });
    this.proxy.disconnectAll();
    await this.engine.client.call("sync.retryNow", this.inAccount);
    await fault.matched();
    return fault;
  }

  async encryption(fits: (view: EncryptionView) => boolean): Promise<EncryptionView> {
    const [view] = await this.engine.until("encryption", this.inAccount, ([each]) => each !== undefined && fits(each));
    return view as EncryptionView;
  }

  /** The room key with which the server's event was encrypted. */
  async sessionOf(roomId: RoomId, eventId: string): Promise<string> {
    const { type, content } = await this.bare.event(roomId, eventId);
    if (type !== "m.room.encrypted") throw new Error(`${eventId} went out as ${type}`);
    return String(content["session_id"]);
  }

  /** What this user has said in a room, as the server holds it: state left out, the oldest first. */
  async saidOnServer(roomId: RoomId): Promise<WireEvent[]> {
    const events = await this.bare.events(roomId);
    return events.filter((event) => event.sender === this.userId && event.state_key === undefined);
  }

  /** The devices to which messages of this type were sent since the log had `from` requests: "user device". */
  sentTo(type: string, from = 0): string[] {
    return this.requests(new RegExp(`/sendToDevice/${type.replaceAll(".", "\\.")}/`, "u"), from).flatMap(({ body }) => {
      const { messages } = body as { messages: Record<string, Record<string, unknown>> };
      return Object.entries(messages).flatMap(([userId, devices]) =>
        Object.keys(devices).map((deviceId) => `${userId} ${deviceId}`),
      );
    });
  }

  requests(path: RegExp, from = 0): LoggedRequest[] {
    return this.proxy.requests.slice(from).filter((request) => path.test(request.path));
  }
}
