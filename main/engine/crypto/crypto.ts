/**
 * Crypto: the end-to-end encryption of one account. Opened by session; sync, timeline, outbox and calls ask it to
 * encrypt and decrypt, the port asks it for what the user sees and does.
 *   parts.ts     all that exists once the machine is open:
 *     machine.ts   the OlmMachine and its store        outgoing.ts   what it wants sent
 *     decryptor.ts encryptor.ts                        events in and out
 *     recovery.ts  cross-signing.ts secret-storage.ts backup.ts key-file.ts
 *     verification.ts devices.ts trust.ts              people and their devices
 * Invariants: until the machine is open nothing is read from the sync and nothing goes out, so that no key is
 * lost; a store that cannot be opened is told and tried again on the user's word, never deleted.
 */
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import type { EngineErrorData } from "../../../preload/contract/errors.ts";
import type { DeviceRow, EncryptionView, VerificationView } from "../../../preload/contract/views.ts";
import { toErrorData } from "../base/errors.ts";
import type { ParsedRoomEvent, RoomEvent } from "../matrix/events.ts";
import type { JsonObject } from "../matrix/json.ts";
import type { SyncBody } from "../matrix/sync-body.ts";
import type { CryptoDelta, CryptoDeps } from "./context.ts";
import type { Parts } from "./parts.ts";

export type RoomEntryDecryptor = (roomId: RoomId, entries: readonly ParsedRoomEvent[]) => Promise<ParsedRoomEvent[]>;

type State = { name: "opening" } | { name: "ready"; parts: Parts } | { name: "failed"; error: EngineErrorData };

export function openCrypto(deps: CryptoDeps) {
  let state: State = { name: "opening" };
  let opening: Promise<Parts> | undefined;

  /** The open machine with all its parts. Throws `encryption-not-ready` where it cannot be opened. */
  function parts(): Promise<Parts> {
    opening ??= import("./parts.ts")
      .then(({ openParts }) => openParts(deps))
      .then(
        (opened) => {
          state = { name: "ready", parts: opened };
          deps.changed("encryption");
          return opened;
        },
        (error: unknown) => {
          state = { name: "failed", error: toErrorData(error) };
          // Whoever asks next tries again: there may be space then.
          if (state.error.code === "disk-full") opening = undefined;
          if (!deps.signal.aborted) deps.log.error("the key store could not be opened", error);
          deps.changed("encryption");
          throw error;
        },
      );
    return opening;
  }

  return {
    parts,
    /** What is known without waiting. */
    state: (): State => state,
    /** The user asks to try again what could not be opened. */
    retry(): void {
      if (state.name !== "failed") return;
      state = { name: "opening" };
      opening = undefined;
      parts().catch(() => undefined);
    },
    receiveSync: async (body: SyncBody): Promise<void> => (await parts()).receiveSync(body),
    afterSync: async (delta: CryptoDelta): Promise<void> => (await parts()).afterSync(delta),
    decryptEntries: async (roomId: RoomId, entries: readonly ParsedRoomEvent[]): Promise<ParsedRoomEvent[]> =>
      (await parts()).decryptor.decryptEntries(roomId, entries),
    decryptor: {
      decrypt: async (roomId: RoomId, event: RoomEvent) => (await parts()).decryptor.decrypt(roomId, event),
      currentShield: async (roomId: RoomId, event: RoomEvent) => (await parts()).decryptor.currentShield(roomId, event),
    },
    rememberRoom: async (roomId: RoomId, content: JsonObject): Promise<void> =>
      (await parts()).encryptor.remember(roomId, content),
    /** For verification between users, whose events are those of a room. */
    receiveRoomEvent(roomId: RoomId, event: RoomEvent): void {
      if (state.name === "ready") state.parts.verifications.receiveRoomEvent(roomId, event);
    },
    noteMembership(roomId: RoomId, userId: UserId): void {
      if (state.name === "ready") state.parts.encryptor.noteMembership(roomId, userId);
    },
    async noteInvited(roomId: RoomId, userIds: readonly UserId[]): Promise<void> {
      const { encryptor } = await parts();
      for (const userId of userIds) encryptor.noteInvited(roomId, userId);
    },
    encrypt: async (
      roomId: RoomId,
      type: string,
      content: JsonObject,
    ): Promise<{ type: string; content: JsonObject }> => (await parts()).encryptor.encrypt(roomId, type, content),
    prepareToSend: async (roomId: RoomId): Promise<void> => (await parts()).encryptor.prepare(roomId),
    /** For topic `encryption`. */
    view: async (): Promise<EncryptionView> => {
      if (state.name === "failed") return waitingView(state.error);
      return (await parts()).view();
    },
    verificationViews: (): readonly VerificationView[] =>
      state.name === "ready" ? state.parts.verifications.views() : [],
    deviceRows: (): readonly DeviceRow[] => (state.name === "ready" ? state.parts.devices.rows() : []),
    /** The network is back. */
    wake(): void {
      if (state.name !== "ready") return;
      state.parts.outgoing.wake();
      state.parts.outgoing.flushSoon();
      state.parts.recovery.wake();
    },
    async close(): Promise<void> {
      const opened = await opening?.catch(() => undefined);
      opened?.close();
    },
  };
}
export type Crypto = ReturnType<typeof openCrypto>;

const NOWHERE = { isHere: false, isStored: false };

/** What there is to say while the key store cannot be opened. */
function waitingView(error: EngineErrorData): EncryptionView {
  return {
    key: "encryption",
    state: "failed",
    error,
    nextStep: "none",
    isDeviceVerified: false,
    canVerifyWithDevice: false,
    hasRecovery: false,
    hasPassphrase: false,
    secrets: { masterKey: NOWHERE, selfSigningKey: NOWHERE, userSigningKey: NOWHERE, backupKey: NOWHERE },
    backup: { state: "unknown", keyCount: 0, backedUpCount: 0 },
    hasIdentityChanged: false,
    sendsToSignedDevicesOnly: true,
    undecryptableCount: 0,
    fingerprint: "",
  };
}
