/**
 * The encryption of one account, wired to its store, its server and its rooms. Opened by account-session.ts, of
 * which it is the part that concerns keys: what arrives late is healed, what was held goes out, views are served.
 * Invariant: everything it opens ends with the session's signal, and with `close`.
 */
import type { AccountId, DeviceId, EventId, RoomId, TxnId, UserId } from "../../../preload/contract/ids.ts";
import type { DeviceRow, Person, UndecryptableRow, VerificationView } from "../../../preload/contract/views.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import { openCrypto } from "../crypto/crypto.ts";
import type { CryptoServer } from "../crypto/server.ts";
import type { RoomEvent } from "../matrix/events.ts";
import type { JsonObject } from "../matrix/json.ts";
import type { HomeserverClient } from "../net/homeserver-client.ts";
import type { PushDecision } from "../push/evaluator.ts";
import type { AccountStore } from "../store/account-store.ts";
import type { People } from "../store/people.ts";
import { ChangeSet, type TopicView } from "../sync/change-set.ts";
import { openHealing } from "../timeline/healing.ts";
import { undecryptableRows } from "../timeline/undecryptable-view.ts";
import { openAsyncView } from "./async-view.ts";
import { directRoomsWith } from "../rooms/direct-rooms.ts";
import { openRoomTrust } from "./room-trust.ts";

export type AccountEncryptionDeps = {
  accountId: AccountId;
  ownUserId: UserId;
  ownDeviceId: DeviceId;
  /** The account's folder. */
  folder: string;
  profileKey: Uint8Array;
  store: AccountStore;
  people: People;
  client: HomeserverClient;
  createDirect: (userId: UserId, options: { signal: AbortSignal }) => Promise<RoomId>;
  loadMembers: (roomId: RoomId) => Promise<void>;
  decidePush: (roomId: RoomId, event: RoomEvent) => PushDecision;
  /** Events that can be read at last, the oldest first. */
  healed: (roomId: RoomId, events: readonly RoomEvent[]) => void;
  /** What was held until this device, or someone's identity, was in order may go. */
  retryHeld: () => void;
  publish: (changes: ChangeSet) => void;
  /** Runs what nobody waits for; what stops it is logged. */
  inBackground: (what: string, work: Promise<unknown>) => void;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
};

export function openAccountEncryption(deps: AccountEncryptionDeps) {
  const { store, people, client, publish, inBackground, signal, ownUserId, log } = deps;
  let isIdentitySettled = false;
  let isHealing = false;
  let isHealingAsked = false;

  const crypto = openCrypto({
    ...deps,
    log: log.child("crypto"),
    server: serverOf(deps),
    personOf: personAnywhere,
    roomOrder: () =>
      store.rooms
        .readListed()
        .toSorted((a, b) => (b.activityTs ?? 0) - (a.activityTs ?? 0))
        .map((room) => room.roomId),
    changed: (...what) => publish(new ChangeSet().markCrypto(...what)),
    keysArrived(sessions) {
      for (const [roomId, sessionIds] of sessions) inBackground("healing", healing.heal(roomId, sessionIds));
    },
    retryDecryption: () => inBackground("healing", healAll()),
    verified: deps.retryHeld,
    trustChanged(userIds) {
      roomTrust.forget();
      publish(new ChangeSet().markCrypto("trust", "devices"));
      for (const userId of userIds) inBackground("shields", healing.rejudge(userId));
    },
  });
  const healing = openHealing({
    store,
    people,
    ownUserId,
    decryptor: crypto.decryptor,
    pushMarkOf(roomId, event) {
      const decision = deps.decidePush(roomId, event);
      if (decision.highlight) return 2;
      return decision.notify ? 1 : 0;
    },
    changed(roomIds) {
      const changes = new ChangeSet().markCrypto("undecryptable", "encryption");
      for (const roomId of roomIds) changes.markRoom(roomId).markTimeline(roomId);
      publish(changes);
    },
    healed: deps.healed,
    signal,
  });
  const roomTrust = openRoomTrust({
    load: async (userIds) => (await crypto.parts()).trust.roomTrust(userIds),
    changed: (roomId) => publish(new ChangeSet().markRoom(roomId)),
    log,
  });

  /** A user outside of any one room: as the direct room with him shows him, else by his id. */
  function personAnywhere(userId: UserId): Person {
    if (userId === ownUserId) return { userId, displayName: store.account.read()?.displayName ?? userId };
    const direct = directRoomsWith(store, userId);
    const roomId = direct.find((each) => store.members.read(each, userId)) ?? direct[0];
    return roomId ? people.read(roomId, userId) : { userId, displayName: userId };
  }

  /** One run at a time; a wish during a run brings another. */
  async function healAll(): Promise<void> {
    isHealingAsked = true;
    if (isHealing) return;
    isHealing = true;
    try {
      while (isHealingAsked && !signal.aborted) {
        isHealingAsked = false;
        for (const roomId of store.events.undecryptableRooms()) await healing.heal(roomId);
      }
    } finally {
      isHealing = false;
    }
  }

  return {
    crypto,
    roomTrust,
    /**
     * Makes or looks up the account's identity, once in a run; to be called again with the next connection where it
     * failed. `password` is the one just typed, for a server that wants to see it. True once it is done.
     */
    async settleIdentity(password: string | undefined): Promise<boolean> {
      if (isIdentitySettled) return true;
      isIdentitySettled = true;
      try {
        await (await crypto.parts()).settleIdentity(password);
      } catch (error) {
        isIdentitySettled = false;
        throw error;
      }
      return true;
    },
    /** The user is about to write, or to answer: what can be done for the first event is done now. */
    prepareToSend(roomId: RoomId): void {
      if (store.rooms.read(roomId)?.isEncrypted) inBackground("key sharing", crypto.prepareToSend(roomId));
    },
    /** Sends an event that is not kept: encrypted where its room is. */
    async sendEvent(roomId: RoomId, type: string, txnId: TxnId, content: JsonObject): Promise<EventId> {
      if (!store.rooms.read(roomId)?.isEncrypted) return client.sendEvent(roomId, type, txnId, content, { signal });
      const wire = await crypto.encrypt(roomId, type, content);
      return client.sendEvent(roomId, wire.type, txnId, wire.content, { signal });
    },
    /** Tries once more what cannot be read, with whatever keys can be had. */
    async retryDecryption(roomId?: RoomId): Promise<void> {
      (await crypto.parts()).recovery.forgetAbsences();
      if (roomId) await healing.heal(roomId);
      else await healAll();
    },
    views: {
      encryption: () =>
        openAsyncView({
          isTouchedBy: (changes) => changes.crypto.has("encryption") || changes.crypto.has("undecryptable"),
          load: async () => [await crypto.view()],
          publish,
          log,
        }),
      undecryptable: (): TopicView<UndecryptableRow> => ({
        isTouchedBy: (changes) => changes.crypto.has("undecryptable") || changes.timelines.size > 0,
        read: () => undecryptableRows(store, people),
      }),
      verifications: (): TopicView<VerificationView> => ({
        isTouchedBy: (changes) => changes.crypto.has("verifications"),
        read: () => crypto.verificationViews(),
      }),
      devices(): TopicView<DeviceRow> {
        inBackground(
          "devices",
          crypto.parts().then(({ devices }) => devices.refresh()),
        );
        return { isTouchedBy: (changes) => changes.crypto.has("devices"), read: () => crypto.deviceRows() };
      },
      userTrust: (userId: UserId) =>
        openAsyncView({
          isTouchedBy: (changes) => changes.crypto.has("trust"),
          load: async () => [await (await crypto.parts()).trust.userTrust(userId)],
          publish,
          log,
        }),
    },
    close: () => crypto.close(),
  };
}
export type AccountEncryption = ReturnType<typeof openAccountEncryption>;

/** What the crypto asks of a homeserver, from the client and the room commands. */
function serverOf({ client, createDirect, signal }: AccountEncryptionDeps): CryptoServer {
  return {
    ...client.keys,
    setAccountData: client.setAccountData,
    async sendRoomEvent(roomId, type, txnId, content, options) {
      const parsed = JSON.parse(content) as JsonObject;
      const eventId = await client.sendEvent(roomId as RoomId, type, txnId, parsed, options ?? {});
      return JSON.stringify({ event_id: eventId });
    },
    directRoom: (userId, options) => createDirect(userId, { signal: options?.signal ?? signal }),
  };
}
