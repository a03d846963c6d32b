/**
 * Trust: what is known of other users' identities, and what follows for rooms, messages and sending. Opened by
 * crypto.ts; asked by views, by the encryptor before every send and by the decryptor for shields and causes.
 * Invariants: while someone's identity has changed unseen, nothing encrypted goes to him; only `acknowledge`, or
 * verifying him again, ends that. What is cached of a user is dropped whenever the machine says that he changed.
 * spec: e2ee, "Cross-signing" and "Key and signature security"; MSC4153.
 */
import {
  DecryptionErrorCode,
  OwnUserIdentity,
  ShieldColor,
  ShieldStateCode,
  UserId as WasmUserId,
  type MegolmDecryptionError,
  type OtherUserIdentity,
  type ShieldState,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import type { UserId } from "../../../preload/contract/ids.ts";
import type { Person, Shield, UndecryptableCause, UserTrust } from "../../../preload/contract/views.ts";
import { EngineError } from "../base/errors.ts";
import type { CryptoContext } from "./context.ts";
import { readDevices } from "./devices.ts";

/** What the machine says of one user, as plain data. */
export type IdentityState = { identity: UserTrust["identity"]; wasVerified: boolean };

/** The trust of a room: `verified` where everyone else in it is, `warning` where someone's identity changed. */
export type RoomTrust = {
  trust: "normal" | "verified" | "warning";
  identityChanges: { userId: UserId; wasVerified: boolean }[];
};

export type TrustDeps = { context: CryptoContext; personOf: (userId: UserId) => Person };

/** More users than one account meets in a day; then the cache starts again. */
const MAX_CACHED_USERS = 50_000;
const MAX_NAMED = 3;

export function openTrust({ context, personOf }: TrustDeps) {
  const { olm, ownUserId, ownDeviceId } = context;
  /** Promises, not values: an answer that was on its way when the user changed is dropped with its entry. */
  const cache = new Map<UserId, Promise<IdentityState>>();

  function stateOf(userId: UserId): Promise<IdentityState> {
    const cached = cache.get(userId);
    if (cached) return cached;
    if (cache.size >= MAX_CACHED_USERS) cache.clear();
    const reading = readState(userId);
    cache.set(userId, reading);
    reading.catch(() => {
      if (cache.get(userId) === reading) cache.delete(userId);
    });
    return reading;
  }

  async function readState(userId: UserId): Promise<IdentityState> {
    const identity = await olm.getIdentity(new WasmUserId(userId));
    if (!identity) return { identity: "none", wasVerified: false };
    const state = toState(identity);
    identity.free();
    return state;
  }

  async function roomTrust(userIds: Iterable<UserId>): Promise<RoomTrust> {
    const identityChanges: RoomTrust["identityChanges"] = [];
    let otherCount = 0;
    let verifiedCount = 0;
    for (const userId of new Set(userIds)) {
      if (userId === ownUserId) continue;
      const { identity, wasVerified } = await stateOf(userId);
      otherCount += 1;
      if (identity === "verified") verifiedCount += 1;
      if (identity === "changed") identityChanges.push({ userId, wasVerified });
    }
    if (identityChanges.length > 0) return { trust: "warning", identityChanges };
    return { trust: otherCount > 0 && verifiedCount === otherCount ? "verified" : "normal", identityChanges };
  }

  /** Throws `identity-changed` where one of these users must be looked at first. */
  async function assertCanSend(userIds: Iterable<UserId>): Promise<void> {
    const { identityChanges } = await roomTrust(userIds);
    if (identityChanges.length === 0) return;
    const names = identityChanges.slice(0, MAX_NAMED).map(({ userId }) => personOf(userId).displayName);
    const rest = identityChanges.length - names.length;
    const who = rest > 0 ? `${names.join(", ")} and ${rest} more` : names.join(", ");
    const whose = identityChanges.length === 1 ? `The identity of ${who} has` : `The identities of ${who} have`;
    throw new EngineError("identity-changed", `${whose} changed. Look at the change, then send again.`);
  }

  /** Takes a changed identity as it is; of a user who was verified, gives up the verification. */
  async function acknowledge(userId: UserId): Promise<void> {
    const identity = await olm.getIdentity(new WasmUserId(userId));
    if (!identity) throw new EngineError("not-found", "Nothing is known of this user's identity.");
    try {
      if (!(identity instanceof OwnUserIdentity)) await identity.pinCurrentMasterKey();
      if (identity.wasPreviouslyVerified() && !identity.isVerified()) await identity.withdrawVerification();
    } finally {
      identity.free();
    }
    identityUpdated(userId);
  }

  async function userTrust(userId: UserId): Promise<UserTrust> {
    const [state, devices] = await Promise.all([stateOf(userId), readDevices(olm, userId, ownDeviceId)]);
    return {
      key: userId,
      person: personOf(userId),
      ...state,
      devices: devices
        .toSorted((a, b) => (a.deviceId < b.deviceId ? -1 : 1))
        .map(({ deviceId, displayName, trust, fingerprint }) => ({
          deviceId,
          displayName: displayName ?? deviceId,
          trust,
          ...(fingerprint !== undefined && { fingerprint }),
        })),
    };
  }

  /** The machine has new keys of this user. */
  function identityUpdated(userId: UserId): void {
    // Whether others are verified hangs on our own identity: it is what signed theirs.
    if (userId === ownUserId) cache.clear();
    else cache.delete(userId);
    context.changed("trust");
  }

  /** The machine has new devices of these users. */
  function devicesUpdated(userIds: readonly UserId[]): void {
    for (const userId of userIds) cache.delete(userId);
    if (userIds.includes(ownUserId)) context.changed("trust", "devices");
    else if (userIds.length > 0) context.changed("trust");
  }

  return { stateOf, roomTrust, assertCanSend, acknowledge, userTrust, identityUpdated, devicesUpdated };
}
export type Trust = ReturnType<typeof openTrust>;

function toState(identity: OwnUserIdentity | OtherUserIdentity): IdentityState {
  const wasVerified = identity.wasPreviouslyVerified();
  if (identity.isVerified()) return { identity: "verified", wasVerified };
  const isChanged =
    identity.hasVerificationViolation() ||
    (!(identity instanceof OwnUserIdentity) && identity.identityNeedsUserApproval());
  return { identity: isChanged ? "changed" : "unverified", wasVerified };
}

/**
 * What to show at a message; undefined where there is nothing to say. For the machine's lax states: a sender whom
 * nobody has verified is the usual case, in which MSC4153 trusts the first identity seen and asks for attention
 * only when it changes; strict states would mark nearly every message, and soon no mark would be read.
 */
export function shieldOf(state: Pick<ShieldState, "color" | "code">): Shield | undefined {
  if (state.color === ShieldColor.None) return undefined;
  switch (state.code) {
    case ShieldStateCode.UnknownDevice:
      return "unknown-device";
    case ShieldStateCode.UnsignedDevice:
      return "unsigned-device";
    case ShieldStateCode.UnverifiedIdentity:
      return "unverified-identity";
    case ShieldStateCode.VerificationViolation:
      return "verification-violation";
    case ShieldStateCode.MismatchedSender:
      return "mismatched-sender";
    default:
      // A coloured shield of a kind that is not known yet still means: do not take this for granted.
      return "authenticity-not-guaranteed";
  }
}

/** What else is known of an event that cannot be decrypted. */
export type UndecryptableFacts = {
  /** Our own membership when it was sent, as the server says. spec: `unsigned.membership`. */
  membershipThen: string | undefined;
  /** It was sent before this device was made. */
  isHistorical: boolean;
  isDeviceVerified: boolean;
  /** The backup is there and its key is here. */
  isBackupUsable: boolean;
  /** The server has a backup, usable or not; undefined where that was not asked yet. */
  hasBackup?: boolean | undefined;
};

/** Why an event cannot be decrypted, with what can be done about it in mind. */
export function causeOf(
  error: Pick<MegolmDecryptionError, "code" | "withheldCode">,
  facts: UndecryptableFacts,
): UndecryptableCause {
  switch (error.code) {
    case DecryptionErrorCode.MissingRoomKey:
      return withheldCauseOf(error.withheldCode) ?? historyCauseOf(facts) ?? "missing-key";
    case DecryptionErrorCode.UnknownMessageIndex:
      return historyCauseOf(facts) ?? "key-too-new";
    case DecryptionErrorCode.MismatchedIdentityKeys:
    case DecryptionErrorCode.MismatchedSender:
      return "mismatched-sender";
    case DecryptionErrorCode.UnknownSenderDevice:
      return "unknown-device";
    case DecryptionErrorCode.UnsignedSenderDevice:
      return "unsigned-device";
    case DecryptionErrorCode.SenderIdentityVerificationViolation:
      return "verification-violation";
    default:
      return "malformed";
  }
}

/** spec: e2ee, `m.room_key.withheld`; MSC4268 for history that was not shared, which is about joining, not about us. */
function withheldCauseOf(code: string | undefined): UndecryptableCause | undefined {
  if (code === undefined || code.endsWith("history_not_shared")) return undefined;
  return code === "m.unverified" ? "withheld-unverified" : "withheld";
}

function historyCauseOf(facts: UndecryptableFacts): UndecryptableCause | undefined {
  if (facts.membershipThen === "leave" || facts.membershipThen === "ban") return "sent-before-we-joined";
  // With a usable backup the key may come any moment: that is no reason, only a wait.
  if (!facts.isHistorical || facts.isBackupUsable) return undefined;
  if (facts.hasBackup === false) return "history-without-backup";
  if (!facts.isDeviceVerified) return "history-unverified-device";
  // A backup that a verified device cannot use is broken, and may be mended: again only a wait.
  return facts.hasBackup === true ? undefined : "history-without-backup";
}
