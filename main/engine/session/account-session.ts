/**
 * AccountSession: one signed-in account, running. The composition root: the only place that names every feature
 * of the engine; it opens their parts, registers their sync steps and wires what they may not import of each
 * other. Opened by session/engine.ts. Invariant: everything it opens belongs to its Scope and ends with it.
 */
import * as v from "valibot";
import { callIdSchema, type AccountId, type EventId, type RoomId } from "../../../preload/contract/ids.ts";
import type {
  AccountRow,
  AccountState,
  CallLogRow,
  CallSettings,
  CallView,
  SyncState,
} from "../../../preload/contract/views.ts";
import { toErrorData, type EngineErrorData } from "../base/errors.ts";
import { sleep, type Clock } from "../base/clock.ts";
import { must } from "../base/assert.ts";
import type { Logger } from "../base/logger.ts";
import { Scope } from "../base/scope.ts";
import { openCallLog } from "../calls/call-log.ts";
import { openCallSettings } from "../calls/call-settings.ts";
import { openCallService } from "../calls/call-service.ts";
import { callTile } from "../calls/call-tiles.ts";
import { callsStep, isCallEvent } from "../calls/calls.step.ts";
import { cryptoStep } from "../crypto/crypto.step.ts";
import type { RoomEvent } from "../matrix/events.ts";
import { readString } from "../matrix/json.ts";
import { openMedia, uploadIdsIn } from "../media/media.ts";
import { openHomeserverClient } from "../net/homeserver-client.ts";
import { openOutbox } from "../outbox/outbox.ts";
import { openRelations } from "../outbox/relations.ts";
import { openNotifications } from "../push/notifications.ts";
import { pushStep } from "../push/push.step.ts";
import { openDirectRooms } from "../rooms/direct-rooms.ts";
import { openMemberLoader } from "../rooms/member-loader.ts";
import { openRoomCommands } from "../rooms/room-commands.ts";
import { openRoomListView } from "../rooms/room-list-view.ts";
import { openMembersView, openRoomView, powerLevelsOf } from "../rooms/room-view.ts";
import { roomsStep } from "../rooms/rooms.step.ts";
import { openTyping } from "../rooms/typing.ts";
import type { AccountStore } from "../store/account-store.ts";
import { openPeople } from "../store/people.ts";
import type { StoredTokens } from "../store/tables/account.ts";
import type { EventRecord } from "../store/tables/event.ts";
import { ChangeSet, type TopicView } from "../sync/change-set.ts";
import { openSyncLoop, type SyncProgress } from "../sync/loop.ts";
import { openPipeline } from "../sync/pipeline.ts";
import { openHistory } from "../timeline/history.ts";
import { openMarkRead } from "../timeline/mark-read.ts";
import { timelineStep } from "../timeline/timeline.step.ts";
import { openTimelineView } from "../timeline/timeline-view.ts";
import { openAccountEncryption } from "./account-encryption.ts";
import type { Attention } from "./attention.ts";

export type AccountSessionDeps = {
  accountId: AccountId;
  folder: string;
  /** 32 bytes that seal what is secret at rest. */
  profileKey: Uint8Array;
  store: AccountStore;
  fetch: typeof fetch;
  clock: Clock;
  log: Logger;
  attention: Attention;
  publish: (accountId: AccountId, changes: ChangeSet) => void;
};

/** Lazy members keep the first sync small; the timeline limit is one screen. spec: client-server, "Filtering". */
const SYNC_FILTER = JSON.stringify({
  room: { timeline: { limit: 20, lazy_load_members: true }, state: { lazy_load_members: true } },
  presence: { types: [] },
});
/** How long a command waits for the sync to bring the room it made. */
const ROOM_WAIT_MS = 10_000;

export function openAccountSession(deps: AccountSessionDeps) {
  const { accountId, store, clock } = deps;
  const scope = new Scope();
  const { signal } = scope;
  const log = deps.log.child("account", { account: accountId.slice(0, 4) });
  const account = must(store.account.read(), "account row");
  const ownUserId = account.userId;

  let progress: SyncProgress = { state: "connecting" };
  const roomWaiters = new Map<RoomId, (() => void)[]>();

  const publish = (changes: ChangeSet) => {
    for (const roomId of changes.rooms) releaseWaiters(roomId);
    deps.publish(accountId, changes);
  };
  const markTimeline = (roomId: RoomId) => publish(new ChangeSet().markTimeline(roomId));

  // ---- parts
  const people = openPeople(store.members);
  const typing = openTyping(ownUserId);
  const client = openHomeserverClient({
    baseUrl: account.homeserverUrl,
    ownUserId,
    fetch: deps.fetch,
    clock,
    log: log.child("net"),
    tokens: {
      current: () => (store.account.read()?.state === "signed-in" ? store.account.readTokens() : undefined),
      save: (tokens: StoredTokens) => store.write((tx) => store.account.saveTokens(tx, tokens), { isDurable: true }),
      onSignedOut: (isSoft: boolean) => setState(isSoft ? "soft-logged-out" : "signed-out"),
    },
  });
  const encryption = openAccountEncryption({
    accountId,
    ownUserId,
    ownDeviceId: account.deviceId,
    folder: deps.folder,
    profileKey: deps.profileKey,
    store,
    people,
    client,
    createDirect: (userId, options) => roomCommands.createDirect(userId, options),
    loadMembers: (roomId) => memberLoader.load(roomId),
    decidePush: (roomId, event) => push.decide(roomId, event),
    healed: ringLate,
    retryHeld: () => outbox.retryHeld(),
    publish,
    inBackground: (what, work) => void inBackground(what, work),
    clock,
    log,
    signal,
  });
  const { crypto } = encryption;
  const media = openMedia({
    folder: deps.folder,
    profileKey: deps.profileKey,
    store,
    client,
    clock,
    log: log.child("media"),
    readPendingContents: () => store.outbox.readAll().map((pending) => pending.content),
    onProgress: (uploadId) => {
      for (const pending of store.outbox.readAll()) {
        if (uploadIdsIn(pending.content).includes(uploadId)) markTimeline(pending.roomId);
      }
    },
    signal,
  });
  const outbox = openOutbox({
    store,
    send: (roomId, type, txnId, content, options) =>
      type === "m.room.redaction"
        ? client.redact(roomId, readString(content, "redacts") as EventId, txnId, undefined, options)
        : client.sendEvent(roomId, type, txnId, content, options),
    encrypt: crypto.encrypt,
    prepareContent: media.prepareContent,
    discardUploads: (content) => {
      for (const uploadId of uploadIdsIn(content)) void inBackground("discarding", media.discard(uploadId));
    },
    clock,
    log: log.child("outbox"),
    // The room as well: what was its draft may have been sent.
    changed: (roomId) => publish(new ChangeSet().markTimeline(roomId).markRoom(roomId)),
    signal,
  });
  const relations = openRelations({ store, ownUserId, outbox });
  const history = openHistory({ store, client, decryptEntries: crypto.decryptEntries, changed: markTimeline, signal });
  const markRead = openMarkRead({
    store,
    client,
    ownUserId,
    clock,
    log: log.child("timeline"),
    changed: (roomId) => {
      notifications.drop([roomId]);
      publish(new ChangeSet().markRoom(roomId).markNotifications());
    },
    signal,
  });
  const notifications = openNotifications({
    accountId,
    store,
    people,
    clock,
    isLookedAt: (roomId) => deps.attention.isLookedAt(accountId, roomId),
  });
  const push = pushStep({
    store,
    ownUserId,
    powerLevelsOf: (roomId) => powerLevelsOf(store, roomId),
    onNotified: (notified) => notifications.add(notified),
    onRead: (roomIds) => notifications.drop(roomIds),
  });
  const direct = openDirectRooms({
    store,
    client: { accountData: client.keys.accountData, setAccountData: client.setAccountData },
    clock,
    log: log.child("rooms"),
    signal,
  });
  const roomCommands = openRoomCommands({
    store,
    client,
    direct,
    ownUserId,
    invited: (roomId, userIds) => void inBackground("invite", crypto.noteInvited(roomId, userIds)),
    waitForRoom,
  });
  const memberLoader = openMemberLoader({
    store,
    client,
    changed: (roomId) => publish(new ChangeSet().markMembers(roomId).markTimeline(roomId)),
    signal,
  });
  const callsChanged = () => publish(new ChangeSet().markCalls());
  const callSettings = openCallSettings({
    store,
    changed: () => {
      calls.applySettings();
      callsChanged();
    },
  });
  const callLog = openCallLog({
    store,
    clock,
    nameOf: (roomId) => callRoomInfo(roomId)?.name ?? "",
    personOf: (roomId, userId) => people.read(roomId, userId),
    changed: callsChanged,
  });
  const calls = openCallService({
    ownUserId,
    clock,
    log: log.child("calls"),
    sendEvent: encryption.sendEvent,
    turnServer: () => client.turnServer({ signal }),
    rows: {
      put: (row) => store.write((tx) => store.calls.put(tx, row), { isDurable: true }),
      read: (roomId, callId) => store.calls.read(roomId, callId),
      readLive: () => store.calls.readLive(),
    },
    roomInfo: callRoomInfo,
    settings: callSettings,
    isIgnored: (userId) =>
      Object.hasOwn((store.accountData.read("", "m.ignored_user_list")?.["ignored_users"] as object) ?? {}, userId),
    pushAllowsRing: (roomId, event) => {
      const decision = push.decide(roomId, event);
      return { ring: true, sound: decision.notify && decision.sound !== undefined };
    },
    changed: () => {
      const changes = new ChangeSet().markCalls().markNotifications();
      for (const call of calls.views(0)) changes.markRoom(call.roomId).markTimeline(call.roomId);
      publish(changes);
    },
  });

  // ---- sync
  const pipeline = openPipeline({
    store,
    steps: [
      cryptoStep({ crypto, isEncrypted: (roomId) => store.rooms.read(roomId)?.isEncrypted ?? false }),
      roomsStep({ store, direct, ownUserId, typing }),
      push.step,
      timelineStep({ store, people, ownUserId, pushMarkOf: push.markOf }),
      callsStep({ store, ownUserId, service: calls, prepareToAnswer: encryption.prepareToSend }),
    ],
    publish,
    log: log.child("sync"),
    signal,
  });
  const loop = openSyncLoop({
    fetch: (options) => client.sync({ since: store.account.read()?.nextBatch, filter: SYNC_FILTER, ...options }),
    apply: pipeline.apply,
    progress: onProgress,
    clock,
    log: log.child("sync"),
  });
  let running: Promise<void> | undefined;
  let typedPassword: string | undefined;

  /** `password` is the one just typed, for a server that wants to see it when an identity is made. */
  function start(password?: string): void {
    typedPassword = password;
    if (running || signal.aborted || store.account.read()?.state !== "signed-in") return;
    running = loop
      .run(signal)
      .catch((error: unknown) => {
        log.error("sync loop ended", error);
        onProgress({ state: "stopped", error: toErrorData(error) });
      })
      .finally(() => {
        running = undefined;
      });
    outbox.wakeAll();
  }

  function onProgress(next: SyncProgress): void {
    progress = next;
    const changes = new ChangeSet().markSyncState();
    if (next.state === "live") {
      outbox.wakeAll();
      crypto.wake();
      direct.flush();
      void inBackground("identity", settleIdentity());
      void refreshProfile();
    } else {
      for (const roomId of typing.clear()) changes.markRoom(roomId);
    }
    publish(changes);
  }

  async function settleIdentity(): Promise<void> {
    if (await encryption.settleIdentity(typedPassword)) typedPassword = undefined;
  }

  /** Work that nobody waits for; what stops it is logged. */
  async function inBackground(what: string, work: Promise<unknown>): Promise<void> {
    await work.catch((error: unknown) => {
      if (!signal.aborted) log.warn("background work stopped", { what, code: toErrorData(error).code });
    });
  }

  /** An invite whose key came late may still ring, if it is young enough. */
  function ringLate(roomId: RoomId, events: readonly RoomEvent[]): void {
    const entries = events.filter(isCallEvent).map((event) => ({
      roomId,
      event,
      // Only the server's clock says when it was sent; one that is ahead must not make it older than it is.
      ageMs: Math.max(0, clock.now() - event.originServerTs),
      isLive: true,
    }));
    if (entries.length > 0) calls.handleSync(entries);
  }

  /** The server's word on our own name and picture; tried again with the next connection. */
  async function refreshProfile(): Promise<void> {
    try {
      const profile = await client.profile(ownUserId, { signal });
      store.write((tx) => store.account.setProfile(tx, profile.displayName, profile.avatarMxc));
      publish(new ChangeSet().markAccount());
    } catch (error) {
      if (!signal.aborted) log.debug("profile not fetched", { code: toErrorData(error).code });
    }
  }

  function setState(state: AccountState): void {
    store.write((tx) => store.account.setState(tx, state), { isDurable: true });
    publish(new ChangeSet().markAccount().markSyncState());
  }

  function waitForRoom(roomId: RoomId, options: { signal: AbortSignal }): Promise<void> {
    if (store.rooms.read(roomId)?.membership === "join") return Promise.resolve();
    const arrived = new Promise<void>((resolve) => {
      roomWaiters.set(roomId, [...(roomWaiters.get(roomId) ?? []), resolve]);
    });
    const patience = AbortSignal.any([options.signal, signal]);
    return Promise.race([arrived, sleep(clock, ROOM_WAIT_MS, patience).catch(() => undefined)]);
  }

  function releaseWaiters(roomId: RoomId): void {
    const waiters = roomWaiters.get(roomId);
    if (!waiters || store.rooms.read(roomId)?.membership !== "join") return;
    roomWaiters.delete(roomId);
    for (const release of waiters) release();
  }

  function callRoomInfo(roomId: RoomId) {
    const room = store.rooms.read(roomId);
    if (!room || room.membership !== "join") return undefined;
    const joinedOthers = store.members
      .readPresent(roomId)
      .filter((member) => member.membership === "join" && member.userId !== ownUserId)
      .map((member) => people.read(roomId, member.userId));
    return {
      name: room.name,
      isEncrypted: room.isEncrypted,
      isPublic: room.isPublic,
      isDirect: room.isDirect,
      joinedOthers,
    };
  }

  // ---- topics
  const hasRunningCall = (roomId: RoomId) =>
    calls.views(0).some((call) => call.roomId === roomId && call.state !== "ended");

  /** A call that rings or runs shows so; its events alone cannot tell that from one that was missed. */
  function tileOf(roomId: RoomId, events: readonly EventRecord[]) {
    const callId = v.safeParse(callIdSchema, events[0]?.content["call_id"]);
    if (!callId.success) return callTile(events, ownUserId);
    const isLive = calls.views(0).some((call) => call.callId === callId.output && call.state !== "ended");
    return callTile(events, ownUserId, { isLive, ownPartyId: store.calls.read(roomId, callId.output)?.ownPartyId });
  }

  const views = {
    roomList: () => openRoomListView({ store, people, typing, hasRunningCall }),
    room: (roomId: RoomId) =>
      openRoomView({ store, people, typing, ownUserId, trustOf: encryption.roomTrust.of }, roomId),
    members(roomId: RoomId) {
      memberLoader
        .load(roomId)
        .catch((error: unknown) => log.warn("members not loaded", { code: toErrorData(error).code }));
      return openMembersView({ store, people, typing, ownUserId }, roomId);
    },
    timeline(roomId: RoomId) {
      const view = openTimelineView(
        {
          store,
          people,
          history,
          ownUserId,
          retryAtOf: outbox.retryAtOf,
          uploadProgressOf: media.progressOf,
          callTile: (events) => tileOf(roomId, events),
        },
        roomId,
      );
      const fill = () =>
        view.fillGaps().catch((error: unknown) => log.debug("gap not filled", { code: toErrorData(error).code }));
      return {
        ...view,
        read() {
          void fill();
          return view.read();
        },
      };
    },
    ...encryption.views,
    calls: (portId: number): TopicView<CallView> => ({
      isTouchedBy: (changes) => changes.hasCalls,
      read: () => calls.views(portId),
    }),
    callLog: (): TopicView<CallLogRow> => ({ isTouchedBy: (changes) => changes.hasCalls, read: callLog.read }),
    callSettings: (): TopicView<CallSettings> => ({
      isTouchedBy: (changes) => changes.hasCalls,
      read: () => [callSettings.read()],
    }),
    syncState: (): TopicView<SyncState> => ({
      isTouchedBy: (changes) => changes.hasSyncState,
      read: () => [syncState()],
    }),
  };

  function syncState(): SyncState {
    const record = must(store.account.read(), "account row");
    const hasSynced = record.nextBatch !== undefined;
    if (record.state !== "signed-in") {
      const error: EngineErrorData = {
        code: "signed-out",
        message: "You were signed out. Sign in again to go on; nothing you wrote was lost.",
      };
      return { key: "sync", state: "stopped", error, hasSynced };
    }
    return {
      key: "sync",
      state: progress.state,
      hasSynced,
      ...("error" in progress && { error: progress.error }),
      ...(progress.state === "waiting" && { retryAtMs: progress.retryAtMs }),
    };
  }

  return {
    accountId,
    ownUserId,
    client,
    store,
    outbox,
    relations,
    rooms: roomCommands,
    crypto,
    calls,
    callLog,
    callSettings,
    media,
    views,
    markRead: (roomId: RoomId, eventId: EventId) => markRead.markRead(roomId, eventId),
    notifications,
    /** Someone sees this room now: what it would have told him is told. */
    lookAt(roomId: RoomId): void {
      if (notifications.drop([roomId])) publish(new ChangeSet().markNotifications());
    },
    /** Keeps what is written and not sent. */
    setDraft(roomId: RoomId, text: string): void {
      if (!store.rooms.read(roomId) || store.drafts.read(roomId) === text) return;
      store.write((tx) => store.drafts.put(tx, roomId, text));
      publish(new ChangeSet().markRoom(roomId));
    },
    prepareToSend: encryption.prepareToSend,
    retryDecryption: encryption.retryDecryption,
    timelineChanged: markTimeline,
    start,
    /** Tries the homeserver, and whatever waits to be sent, now. */
    retryNow(): void {
      crypto.retry();
      loop.wake();
      outbox.wakeAll();
      start();
    },
    row(): AccountRow {
      const record = must(store.account.read(), "account row");
      return {
        key: accountId,
        accountId,
        userId: record.userId,
        deviceId: record.deviceId,
        homeserverUrl: record.homeserverUrl,
        displayName: record.displayName ?? record.userId.slice(1).split(":")[0] ?? record.userId,
        ...(record.avatarMxc && { avatarMxc: record.avatarMxc }),
        state: record.state,
      };
    },
    async setDisplayName(displayName: string, options: { signal: AbortSignal }): Promise<void> {
      await client.setDisplayName(displayName, options);
      store.write((tx) => store.account.setProfile(tx, displayName, store.account.read()?.avatarMxc));
      publish(new ChangeSet().markAccount());
    },
    setTyping(roomId: RoomId, isTyping: boolean): void {
      void client.setTyping(roomId, isTyping, { signal }).catch(() => undefined);
    },
    /** Takes new tokens into use after the user has signed in again. */
    resume(tokens: StoredTokens): void {
      store.write(
        (tx) => {
          store.account.saveTokens(tx, tokens);
          store.account.setState(tx, "signed-in");
        },
        { isDurable: true },
      );
      progress = { state: "connecting" };
      publish(new ChangeSet().markAccount().markSyncState());
      start();
    },
    async close(): Promise<void> {
      await calls.close();
      await scope.close();
      await running;
      await encryption.close();
      await media.close();
      store.close();
    },
  };
}
export type AccountSession = ReturnType<typeof openAccountSession>;
