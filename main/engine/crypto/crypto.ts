/**
 * Crypto: the end-to-end encryption of one account. Opened by session; sync, timeline, outbox and calls ask it to
 * encrypt and decrypt, the port asks it for what the user sees and does.
 *   parts.ts     all that exists once the machine is open:
 *     machine.ts   the OlmMachine and its store        outgoing.ts   what it wants sent
 *     decryptor.ts encryptor.ts                        events in and out
 *     recovery.ts  cross-signing.ts secret-storage.ts backup.ts key-file.ts
 *     verification.ts devices.ts trust.ts              people and their devices
 * Invariants: until the machine is open nothing is read from the sync and nothing goes out, so that no key is
 * lost; a store that cannot be opened is told and tried again on the user's word, never deleted; after a store has
 * failed, on a full disk say, the next machine goes on from its last commit.
 */
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import type { EngineErrorData } from "../../../preload/contract/errors.ts";
import type { DeviceRow, EncryptionView, VerificationView } from "../../../preload/contract/views.ts";
import { toErrorData } from "../base/errors.ts";
import type { ParsedRoomEvent, RoomEvent } from "../matrix/events.ts";
import type { JsonObject } from "../matrix/json.ts";
import type { SyncBody } from "../matrix/sync-body.ts";
import type { CryptoDelta, CryptoDeps, EncryptedRoom } from "./context.ts";
import type { Parts } from "./parts.ts";

export type RoomEntryDecryptor = (roomId: RoomId, entries: readonly ParsedRoomEvent[]) => Promise<ParsedRoomEvent[]>;

type State = { name: "opening" } | { name: "ready"; parts: Parts } | { name: "failed"; error: EngineErrorData };

export function openCrypto(deps: CryptoDeps) {
  let state: State = { name: "opening" };
  let opening: Promise<Parts> | undefined;
  let hasStartedOver = false;

  /** The open machine with all its parts. Throws why it cannot be opened, which waits for space or for the user. */
  function parts(): Promise<Parts> {
    opening ??= open();
    return opening;
  }

  async function open(): Promise<Parts> {
    state = { name: "opening" };
    try {
      deps.signal.throwIfAborted();
      const { openParts } = await import("./parts.ts");
      const opened = await openParts(deps, startOver);
      state = { name: "ready", parts: opened };
      if (hasStartedOver) settleAgain(opened);
      return opened;
    } catch (error) {
      state = { name: "failed", error: toErrorData(error) };
      // Whoever asks next tries again: there may be space then.
      if (state.error.code === "disk-full") opening = undefined;
      if (!deps.signal.aborted) deps.log.error("the key store could not be opened", error);
      throw error;
    } finally {
      deps.changed("encryption");
    }
  }

  /**
   * The store has failed, and the machine's memory is ahead of it: another machine is needed. It is opened for the sync
   * or the outbox, which wait between their tries, and never for the view, which would ask again at once.
   */
  function startOver(): void {
    if (state.name !== "ready" || deps.signal.aborted) return;
    const failed = state.parts;
    state = { name: "failed", error: toErrorData(failed.failure()) };
    opening = undefined;
    hasStartedOver = true;
    deps.log.warn("the key store has failed", { code: state.error.code });
    failed.close();
    deps.changed("encryption", "verifications", "devices");
  }

  /** What was looked up for the machine before, and is not on the disk. */
  function settleAgain(opened: Parts): void {
    opened.devices.refreshSoon();
    opened.settleIdentity(undefined).catch((error: unknown) => {
      if (!deps.signal.aborted && !opened.failure())
        deps.log.warn("the identity was not looked up", { code: toErrorData(error).code });
    });
  }

  /** Does what must not get lost: where the store fails meanwhile it throws that, whatever came of the work. */
  async function kept<T>(work: (opened: Parts) => Promise<T>): Promise<T> {
    const opened = await parts();
    const result = await work(opened).catch((error: unknown) => {
      throw opened.failure() ?? error;
    });
    const failure = opened.failure();
    if (failure) throw failure;
    return result;
  }

  return {
    parts,
    /** What is known without waiting. */
    state: (): State => state,
    /** The user asks to try again what could not be opened. */
    retry(): void {
      if (state.name !== "failed") return;
      opening = undefined;
      parts().catch(() => undefined);
    },
    receiveSync: (body: SyncBody): Promise<void> => kept((opened) => opened.receiveSync(body)),
    afterSync: (delta: CryptoDelta): Promise<void> => kept((opened) => opened.afterSync(delta)),
    decryptEntries: (roomId: RoomId, entries: readonly ParsedRoomEvent[]): Promise<ParsedRoomEvent[]> =>
      kept((opened) => opened.decryptor.decryptEntries(roomId, entries)),
    decryptor: {
      decrypt: (roomId: RoomId, event: RoomEvent) => kept((opened) => opened.decryptor.decrypt(roomId, event)),
      currentShield: async (roomId: RoomId, event: RoomEvent) => (await parts()).decryptor.currentShield(roomId, event),
    },
    /** What a response says of how its rooms are encrypted; on the disk when this resolves. */
    rememberRooms: async (rooms: readonly EncryptedRoom[]): Promise<void> => {
      if (rooms.length > 0) await kept((opened) => opened.rememberRooms(rooms));
    },
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
    encrypt: (roomId: RoomId, type: string, content: JsonObject): Promise<{ type: string; content: JsonObject }> =>
      kept((opened) => opened.encryptor.encrypt(roomId, type, content)),
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
