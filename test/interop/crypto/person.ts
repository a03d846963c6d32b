/**
 * Person: one signed-in device of one user, as a test plays it. What scenarios.ts is written against, so that either
 * side of a scenario can be our engine (engine-person.ts) or matrix-js-sdk (peer.ts).
 * Invariant: every wait ends, with what was looked for or with an error that tells what was seen last; and what a
 * person says of trust, shields and causes is in the words of our own contract, whatever client stands behind.
 */
import type { DeviceRow, Shield, UndecryptableCause, UserTrust } from "../../../preload/contract/views.ts";

/** An event of a room's timeline, state events left out. */
export type PersonEvent = {
  eventId: string;
  sender: string;
  /** After decryption; `m.room.encrypted` where that failed. */
  type: string;
  /** After decryption, and after the last edit. */
  content: Record<string, unknown>;
  /** How it came over the wire. */
  isEncrypted: boolean;
  isEdited: boolean;
  isRedacted: boolean;
  /** The room key it was encrypted with. */
  sessionId: string | undefined;
  /** Why it cannot be read; undefined where it can. */
  cause: UndecryptableCause | undefined;
  shield: Shield | undefined;
  /** Annotations of it: who, with what. */
  reactions: readonly { sender: string; key: string }[];
};

export type RoomOptions = {
  name?: string;
  /** Default true. */
  isEncrypted?: boolean;
  isDirect?: boolean;
  isPublic?: boolean;
  invite?: readonly string[];
  historyVisibility?: "invited" | "joined" | "shared" | "world_readable";
  /** After how many messages the room key is replaced. */
  rotationMessages?: number;
  rotationMs?: number;
};

export type FileToSend = {
  name: string;
  contentType: string;
  bytes: Uint8Array;
  /** A picture of it, encrypted with a key of its own. */
  thumbnail?: { contentType: string; bytes: Uint8Array };
};

export type VerificationTarget =
  /** All other devices of the person's own user. */
  | { with: "own-devices" }
  | { with: "device"; userId: string; deviceId: string }
  /** A user, by messages in a room with him. */
  | { with: "user"; userId: string; roomId: string };

/** The phases of the contract's topic `verifications`. */
export type VerificationPhase = "requested" | "ready" | "waiting" | "emoji" | "scanned" | "done" | "cancelled";

export type VerificationState = {
  phase: VerificationPhase;
  isSelf: boolean;
  otherUserId: string;
  otherDeviceId: string | undefined;
  /** The seven symbols, from the moment they are shown. */
  emoji: readonly string[] | undefined;
  cancel: { code: string; byUs: boolean } | undefined;
};

/** One side of a verification. */
export interface PersonVerification {
  state(): Promise<VerificationState>;
  /** Waits for a phase; throws as soon as it cannot come any more. */
  until(phase: VerificationPhase, timeoutMs?: number): Promise<VerificationState>;
  accept(): Promise<void>;
  startEmoji(): Promise<void>;
  /** In phase `emoji`: they match. In phase `scanned`: the other side shows that it scanned us. */
  confirm(): Promise<void>;
  /** In phase `emoji`: they do not match. In phase `scanned`: it does not. */
  mismatch(): Promise<void>;
  cancel(): Promise<void>;
  /** The bytes of the QR code to show. */
  qrCode(): Promise<Uint8Array>;
  /** Scans the other side's code; throws where it is not one that fits. */
  scan(bytes: Uint8Array): Promise<void>;
}

/** What a person knows of a device; undefined where the device is unknown. */
export type DeviceTrust = DeviceRow["trust"] | undefined;

/** Whose devices get room keys: all, or those that their owners signed. */
export type DevicePolicy = "everyone" | "signed";

/**
 * What a client has no means for: scenarios leave out what needs it.
 *   changes           edits, reactions, replies and redactions of its own
 *   reactions         showing the reactions of others
 *   refuses-unsigned  with the policy "signed" it also refuses to show what unsigned devices say
 */
export type PersonGap = "changes" | "reactions" | "refuses-unsigned";

export type IdentityState = {
  /** The account has cross-signing keys. */
  hasIdentity: boolean;
  /** This device is signed by them. */
  isDeviceVerified: boolean;
  /** This device has the private halves. */
  hasPrivateKeys: boolean;
  /** Secret storage on the server has them. */
  isRecoverable: boolean;
  /** The backup that this device writes to. */
  backupVersion: string | undefined;
};

export interface Person extends AsyncDisposable {
  readonly userId: string;
  readonly deviceId: string;
  readonly lacks: ReadonlySet<PersonGap>;

  /** Makes cross-signing, secret storage and backup on an account that has none, and gives the recovery key. */
  setUpIdentity(options?: { passphrase?: string }): Promise<string>;
  /** Signs this device by the secrets in secret storage. Takes a recovery key or a passphrase; throws on a wrong one. */
  recover(secret: string): Promise<void>;
  /** Fetches all that the backup has, which must be unlocked. Gives the number of room keys that came in. */
  restoreBackup(): Promise<number>;
  /** Waits until the server's backup holds as many room keys as this device. */
  untilBackedUp(): Promise<void>;
  /** Replaces identity, secret storage and backup, and gives the new recovery key. */
  resetIdentity(): Promise<string>;
  identity(): Promise<IdentityState>;
  untilIdentity(what: string, fits: (state: IdentityState) => boolean): Promise<IdentityState>;

  createRoom(options?: RoomOptions): Promise<string>;
  invite(roomId: string, userId: string): Promise<void>;
  /** Waits for the invite where the room is not public, and joins; nothing to do for who is in it already. */
  join(roomId: string): Promise<void>;
  leave(roomId: string): Promise<void>;
  /** Waits until this person sees exactly these users joined in the room. */
  untilJoined(roomId: string, userIds: readonly string[]): Promise<void>;

  sendText(roomId: string, text: string): Promise<string>;
  edit(roomId: string, eventId: string, text: string): Promise<string>;
  react(roomId: string, eventId: string, key: string): Promise<string>;
  reply(roomId: string, eventId: string, text: string): Promise<string>;
  redact(roomId: string, eventId: string): Promise<void>;
  sendFile(roomId: string, file: FileToSend): Promise<string>;
  /** The decrypted bytes of a file, or of its thumbnail; throws where the hash does not fit. */
  downloadFile(roomId: string, eventId: string, part?: "file" | "thumbnail"): Promise<Uint8Array>;

  timeline(roomId: string): Promise<readonly PersonEvent[]>;
  /** Waits for an event that fits. */
  untilEvent(
    roomId: string,
    what: string,
    fits: (event: PersonEvent) => boolean,
    timeoutMs?: number,
  ): Promise<PersonEvent>;
  /** The next message starts a new room key. */
  startNewRoomKey(roomId: string): Promise<void>;

  requestVerification(target: VerificationTarget): Promise<PersonVerification>;
  /** Waits for a request of this user that still runs and that was not taken before. */
  incomingVerification(from: { userId: string; deviceId?: string }): Promise<PersonVerification>;

  /** Waits until a user's device is known: a message sent before that is rightly unreadable on it. */
  untilDevice(userId: string, deviceId: string): Promise<void>;
  deviceTrust(userId: string, deviceId: string): Promise<DeviceTrust>;
  untilDeviceTrust(userId: string, deviceId: string, trust: DeviceTrust): Promise<void>;
  userTrust(userId: string): Promise<UserTrust["identity"]>;
  untilUserTrust(userId: string, trust: UserTrust["identity"]): Promise<void>;
  /** Takes a changed identity as it is. */
  acknowledgeIdentity(userId: string): Promise<void>;
  setDevicePolicy(policy: DevicePolicy): Promise<void>;

  /** All room keys as a key file. spec: e2ee, "Key exports". */
  exportKeys(passphrase: string): Promise<string>;
  /** Throws on a wrong passphrase, and then takes nothing. */
  importKeys(keyFile: string, passphrase: string): Promise<void>;

  /** Cuts this device off the server, without its knowing. */
  goOffline(): Promise<void>;
  goOnline(): Promise<void>;
}
