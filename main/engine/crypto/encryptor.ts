/**
 * Encryptor: shares a room's key with those who may read the room, and encrypts what goes there. Called by the
 * outbox and the calls through crypto.ts, and ahead of time when someone is about to write.
 *   members known → their devices known → Olm sessions with them → room key shared → event encrypted
 * Invariants: one of these for a room at a time; a key goes to no device that the user's setting leaves out
 * (those get `m.room_key.withheld`), and to nobody while someone's identity has changed unseen; the room's key is
 * a new one after anyone left. Rotation by count and age is the machine's, with the settings of the room.
 * spec: e2ee, "Sending an encrypted message", "m.room.encryption"; MSC4153.
 */
import {
  CollectStrategy,
  EncryptionAlgorithm,
  EncryptionSettings,
  HistoryVisibility,
  RoomId as WasmRoomId,
  RoomSettings,
  UserId as WasmUserId,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import { sleep } from "../base/clock.ts";
import { EngineError } from "../base/errors.ts";
import { isObject, readCount, readString, type JsonObject } from "../matrix/json.ts";
import type { CryptoContext } from "./context.ts";
import type { Trust } from "./trust.ts";

/** How long a send waits for other people's device lists before it goes on with those that are known. */
const KEYS_PATIENCE_MS = 10_000;
const MEGOLM = "m.megolm.v1.aes-sha2";
/** The specification's defaults, which are also the longest that we accept. */
const DEFAULT_ROTATION_MS = 604_800_000;
const DEFAULT_ROTATION_MESSAGES = 100;
/** A room may not ask for a new key with every breath: an hour is the least that Element's engine accepts, too. */
const MIN_ROTATION_MS = 3_600_000;

export type EncryptorDeps = {
  context: CryptoContext;
  trust: Pick<Trust, "assertCanSend">;
  /** Brings the whole member list of a room into the store. */
  loadMembers: (roomId: RoomId) => Promise<void>;
  sendsToSignedDevicesOnly: () => boolean;
  /** Resolves once this device's identity was made or looked up: a send right after sign-in waits for it. */
  identitySettled: Promise<void>;
};

export function openEncryptor(deps: EncryptorDeps) {
  const { context, trust, loadMembers, sendsToSignedDevicesOnly } = deps;
  const { olm, outgoing, store, clock, signal, log } = context;
  /** The end of the last piece of work for each room. */
  const queues = new Map<RoomId, Promise<unknown>>();
  /** Claims for one user must not overlap, or one-time keys are wasted. */
  let claiming: Promise<unknown> = Promise.resolve();
  /** Invited by us, and not yet seen invited in the sync: they must be able to read what is sent meanwhile. */
  const invited = new Map<RoomId, Set<UserId>>();

  /** Work on one room's key is done one after the other. */
  function inTurn<T>(roomId: RoomId, work: () => Promise<T>): Promise<T> {
    const turn = (queues.get(roomId) ?? Promise.resolve()).catch(() => undefined).then(work);
    queues.set(roomId, turn);
    const forget = () => {
      if (queues.get(roomId) === turn) queues.delete(roomId);
    };
    turn.then(forget, forget);
    return turn;
  }

  /** Shares the key, so that the next event can go at once. */
  const prepare = (roomId: RoomId): Promise<void> => inTurn(roomId, () => share(roomId));

  /**
   * The encrypted form of an event. Throws `identity-changed`, `encryption-not-ready`, or what the network threw.
   * With `isVerification` it goes to everyone as they are now: it is their identity that is being looked at.
   */
  function encrypt(
    roomId: RoomId,
    type: string,
    content: JsonObject,
    options: { isVerification?: boolean } = {},
  ): Promise<{ type: string; content: JsonObject }> {
    return inTurn(roomId, async () => {
      await share(roomId, options);
      const wire = await olm.encryptRoomEvent(new WasmRoomId(roomId), type, JSON.stringify(content));
      const parsed: unknown = JSON.parse(wire);
      if (!isObject(parsed)) throw new EngineError("bug", "The message could not be encrypted.");
      return { type: "m.room.encrypted", content: parsed };
    });
  }

  async function share(roomId: RoomId, { isVerification = false } = {}): Promise<void> {
    await loadMembers(roomId);
    const recipients = recipientsOf(roomId);
    await olm.updateTrackedUsers(toWasm(recipients));
    // A verification is itself among what is being flushed, and concerns devices that are known already.
    if (!isVerification) {
      await patiently(deps.identitySettled);
      await patiently(outgoing.flush());
      await trust.assertCanSend(recipients);
    }
    await claim(recipients);
    const isForSignedOnly = sendsToSignedDevicesOnly() && !isVerification;
    const requests = await shareRequests(roomId, recipients, isForSignedOnly);
    // The machine keeps what could not be sent, and gives it again with the next try.
    for (const request of requests) await outgoing.sendOne(request);
  }

  /** Waits for device lists and the like; a server that cannot give them does not hold up a send for ever. */
  async function patiently(work: Promise<void>): Promise<void> {
    const patience = new AbortController();
    const isLate = await Promise.race([
      work.then(() => false),
      sleep(clock, KEYS_PATIENCE_MS, AbortSignal.any([signal, patience.signal])).then(
        () => true,
        () => false,
      ),
    ]);
    patience.abort();
    if (isLate) log.warn("keys of others are late: going on with those that are known");
  }

  async function claim(recipients: readonly UserId[]): Promise<void> {
    const turn = claiming
      .catch(() => undefined)
      .then(async () => {
        const request = await olm.getMissingSessions(toWasm(recipients));
        if (request) await outgoing.sendOne(request);
      });
    claiming = turn;
    await turn;
  }

  async function shareRequests(roomId: RoomId, recipients: readonly UserId[], isForSignedOnly: boolean) {
    try {
      const settings = await settingsOf(roomId, isForSignedOnly);
      return await olm.shareRoomKey(new WasmRoomId(roomId), toWasm(recipients), settings);
    } catch (error) {
      throw toSharingError(error);
    }
  }

  /** Those who may read the room from now on. spec: invited users too, unless the history starts with joining. */
  function recipientsOf(roomId: RoomId): UserId[] {
    const withInvited = visibilityOf(roomId) !== HistoryVisibility.Joined;
    const recipients = new Set<UserId>();
    for (const member of store.members.readPresent(roomId)) {
      if (member.membership === "join" || (withInvited && member.membership === "invite"))
        recipients.add(member.userId);
    }
    if (withInvited) for (const userId of invited.get(roomId) ?? []) recipients.add(userId);
    return [...recipients];
  }

  function visibilityOf(roomId: RoomId): HistoryVisibility {
    const content = store.state.read(roomId, "m.room.history_visibility", "")?.content;
    switch (content && readString(content, "history_visibility")) {
      case "invited":
        return HistoryVisibility.Invited;
      case "joined":
        return HistoryVisibility.Joined;
      case "world_readable":
        return HistoryVisibility.WorldReadable;
      default:
        return HistoryVisibility.Shared;
    }
  }

  async function settingsOf(roomId: RoomId, isForSignedOnly: boolean): Promise<EncryptionSettings> {
    const room = await olm.getRoomSettings(new WasmRoomId(roomId));
    const settings = new EncryptionSettings();
    settings.algorithm = EncryptionAlgorithm.MegolmV1AesSha2;
    settings.historyVisibility = visibilityOf(roomId);
    // The machine counts in microseconds.
    settings.rotationPeriod = BigInt(room?.sessionRotationPeriodMs ?? DEFAULT_ROTATION_MS) * 1_000n;
    settings.rotationPeriodMessages = BigInt(room?.sessionRotationPeriodMessages ?? DEFAULT_ROTATION_MESSAGES);
    settings.sharingStrategy = isForSignedOnly ? CollectStrategy.identityBasedStrategy() : CollectStrategy.allDevices();
    return settings;
  }

  return {
    prepare,
    encrypt,
    /**
     * The room's state says that it is encrypted, and how. What was once set is never loosened: a server that
     * takes it back, or makes keys live longer, is not listened to.
     */
    async remember(roomId: RoomId, content: JsonObject): Promise<void> {
      const settings = new RoomSettings();
      settings.algorithm =
        readString(content, "algorithm") === MEGOLM ? EncryptionAlgorithm.MegolmV1AesSha2 : EncryptionAlgorithm.Unknown;
      const periodMs = readCount(content, "rotation_period_ms");
      const messages = readCount(content, "rotation_period_msgs");
      settings.sessionRotationPeriodMs = Math.min(
        Math.max(periodMs ?? DEFAULT_ROTATION_MS, MIN_ROTATION_MS),
        DEFAULT_ROTATION_MS,
      );
      settings.sessionRotationPeriodMessages = Math.min(
        Math.max(messages ?? DEFAULT_ROTATION_MESSAGES, 1),
        DEFAULT_ROTATION_MESSAGES,
      );
      if (settings.algorithm === EncryptionAlgorithm.Unknown) {
        log.warn("a room asks for an unknown encryption: it is kept as it was");
        return;
      }
      await olm.setRoomSettings(new WasmRoomId(roomId), settings).catch((error: unknown) => {
        log.warn("a room's encryption settings were refused", { kind: error instanceof Error ? error.name : "" });
      });
    },
    /** Someone left, or may have left unseen: what is sent from now on needs a new key. */
    invalidate: (roomId: RoomId): Promise<void> =>
      inTurn(roomId, async () => {
        await olm.invalidateGroupSession(new WasmRoomId(roomId));
      }),
    /** We have just invited someone, which the sync has yet to say. */
    noteInvited(roomId: RoomId, userId: UserId): void {
      invited.set(roomId, (invited.get(roomId) ?? new Set()).add(userId));
    },
    /** The sync has said what became of this user in the room. */
    noteMembership(roomId: RoomId, userId: UserId): void {
      invited.get(roomId)?.delete(userId);
    },
    track: async (userIds: readonly UserId[]): Promise<void> => {
      if (userIds.length > 0) await olm.updateTrackedUsers(toWasm(userIds));
    },
  };
}
export type Encryptor = ReturnType<typeof openEncryptor>;

/** The machine consumes what it is given: fresh objects for each call. */
const toWasm = (userIds: readonly UserId[]): WasmUserId[] => userIds.map((userId) => new WasmUserId(userId));

/** What the machine refuses to share, in words for the user. */
function toSharingError(error: unknown): unknown {
  if (error instanceof EngineError) return error;
  const words = error instanceof Error ? error.message : String(error);
  if (words.includes("changed their identity")) {
    return new EngineError(
      "identity-changed",
      "Someone here has a new identity. Look at it before you write.",
      {},
      { cause: error },
    );
  }
  if (words.includes("cross-signing is not set up") || words.includes("your device is not verified")) {
    return new EngineError(
      "encryption-not-ready",
      "Confirm this device first: others accept encrypted messages only from confirmed devices.",
      {},
      { cause: error },
    );
  }
  return error;
}
