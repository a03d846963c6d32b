/**
 * What topics carry: one schema for each kind of item. Items are self-sufficient (name, avatar, status
 * inside), so that a view never asks back. Made by the engine's views, drawn by the renderer's features.
 * Invariant: every item has a `key`, unique and stable within its topic; two items with the same key are
 * the same thing at two times.
 */
import * as v from "valibot";
import {
  accountIdSchema,
  callIdSchema,
  deviceIdSchema,
  eventIdSchema,
  mxcUriSchema,
  roomIdSchema,
  txnIdSchema,
  uploadIdSchema,
  userIdSchema,
} from "./ids.ts";
import { engineErrorDataSchema } from "./errors.ts";

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Milliseconds since the epoch. From a server it may be any number: for showing, never for deciding. */
const timestampMs = v.number();

/** A user as shown beside what he did. `displayName` is disambiguated within the room where it must be. */
export const personSchema = v.object({
  userId: userIdSchema,
  displayName: v.string(),
  avatarMxc: v.optional(mxcUriSchema),
});
export type Person = v.InferOutput<typeof personSchema>;

export const accountStateSchema = v.picklist([
  /** In use: it has a token, and the sync runs. */
  "signed-in",
  /** The server wants the password again; all data is kept. spec: client-server, "Soft logout". */
  "soft-logged-out",
  /** The server ended this session for good; what was written stays readable until the user removes it. */
  "signed-out",
]);
export type AccountState = v.InferOutput<typeof accountStateSchema>;

/** Topic `accounts`. */
export const accountRowSchema = v.object({
  key: accountIdSchema,
  accountId: accountIdSchema,
  userId: userIdSchema,
  deviceId: deviceIdSchema,
  homeserverUrl: v.string(),
  displayName: v.string(),
  avatarMxc: v.optional(mxcUriSchema),
  state: accountStateSchema,
});
export type AccountRow = v.InferOutput<typeof accountRowSchema>;

/** Topic `syncState`: exactly one item, with key "sync". */
export const syncStateSchema = v.object({
  key: v.literal("sync"),
  state: v.picklist([
    /** The first answer of this run is awaited. */
    "connecting",
    /** Caught up; a long poll waits for news. */
    "live",
    /** The last attempt failed; `retryAtMs` says when the next one comes. */
    "waiting",
    /** The user has to act: see the account's state. */
    "stopped",
  ]),
  error: v.optional(engineErrorDataSchema),
  retryAtMs: v.optional(timestampMs),
  /** True once a sync response was ever stored: the list is real, not merely empty. */
  hasSynced: v.boolean(),
});
export type SyncState = v.InferOutput<typeof syncStateSchema>;

export const membershipSchema = v.picklist(["join", "invite", "knock", "leave", "ban"]);
export type Membership = v.InferOutput<typeof membershipSchema>;

/** The last thing said in a room, as one line. */
export const previewSchema = v.object({
  /** Whose it is: "" for state changes that name nobody. */
  senderName: v.string(),
  isOwn: v.boolean(),
  kind: v.picklist([
    "text",
    "image",
    "video",
    "audio",
    "file",
    "call",
    "missed-call",
    "state",
    "undecryptable",
    "redacted",
  ]),
  /** Plain text, at most 200 characters; "" where the kind says it all. */
  text: v.string(),
});
export type Preview = v.InferOutput<typeof previewSchema>;

/** Topic `roomList`: in list order, the most recent first; invites before all others. */
export const roomRowSchema = v.object({
  key: roomIdSchema,
  roomId: roomIdSchema,
  membership: v.picklist(["join", "invite"]),
  name: v.string(),
  avatarMxc: v.optional(mxcUriSchema),
  /** True where m.direct names it: a conversation with one person. */
  isDirect: v.boolean(),
  /** The other user of a direct room. */
  directUserId: v.optional(userIdSchema),
  preview: v.optional(previewSchema),
  /** Time of the last message; absent in an empty room. */
  activityTs: v.optional(timestampMs),
  notificationCount: count,
  highlightCount: count,
  isFavourite: v.boolean(),
  isLowPriority: v.boolean(),
  isMuted: v.boolean(),
  /** Names of those who type now, ourselves excepted. */
  typingNames: v.array(v.string()),
  /** Who invited us, where membership is invite. */
  inviter: v.optional(personSchema),
  hasRunningCall: v.boolean(),
  /** Something is written here and not sent; topic `room` has the words. */
  hasDraft: v.boolean(),
});
export type RoomRow = v.InferOutput<typeof roomRowSchema>;

/** Topic `room`: exactly one item, with the room id as key. */
export const roomDetailsSchema = v.object({
  key: roomIdSchema,
  roomId: roomIdSchema,
  membership: membershipSchema,
  name: v.string(),
  avatarMxc: v.optional(mxcUriSchema),
  topic: v.string(),
  isDirect: v.boolean(),
  directUserId: v.optional(userIdSchema),
  isEncrypted: v.boolean(),
  /**
   * Of an encrypted room: `verified` where every member is, `warning` where someone's identity changed since it
   * was last looked at: nothing is sent until the user has said what to do. spec: e2ee, "Cross-signing".
   */
  trust: v.picklist(["normal", "verified", "warning"]),
  /** Whose identity changed, where trust is `warning`. */
  identityChanges: v.array(v.object({ person: personSchema, wasVerified: v.boolean() })),
  /** What was written here and not sent, kept sealed on this device; "" where nothing was. */
  draft: v.string(),
  joinedCount: count,
  invitedCount: count,
  typing: v.array(personSchema),
  inviter: v.optional(personSchema),
  canInvite: v.boolean(),
  canSend: v.boolean(),
  /** True where exactly one other joined member makes a call possible. */
  canCall: v.boolean(),
  notificationCount: count,
  highlightCount: count,
  /** The newest event that our read receipt names. */
  readUpTo: v.optional(eventIdSchema),
});
export type RoomDetails = v.InferOutput<typeof roomDetailsSchema>;

/** Topic `members`: joined, then invited, by name. */
export const memberRowSchema = v.object({
  key: userIdSchema,
  userId: userIdSchema,
  displayName: v.string(),
  avatarMxc: v.optional(mxcUriSchema),
  membership: membershipSchema,
  powerLevel: v.number(),
});
export type MemberRow = v.InferOutput<typeof memberRowSchema>;

/** How far an event of ours has come. */
export const sendStatusSchema = v.variant("state", [
  /** It waits for its turn, for the network, or for the server to be ready. */
  v.object({
    state: v.literal("sending"),
    retryAtMs: v.optional(timestampMs),
    /** While its file goes to the server. */
    upload: v.optional(v.object({ sentBytes: count, totalBytes: count })),
  }),
  /** The server has it. */
  v.object({ state: v.literal("sent") }),
  /** The server refused it for good: the user retries or discards it. */
  v.object({
    state: v.literal("wedged"),
    error: engineErrorDataSchema,
    /** Set where the message itself is on the server, and what was refused is this. */
    change: v.optional(v.picklist(["edit", "removal"])),
  }),
]);
export type SendStatus = v.InferOutput<typeof sendStatusSchema>;

/**
 * Why a message of an encrypted room deserves a second look; absent where there is nothing to say.
 * `sent-in-clear` is ours; the others are the states that the crypto knows. spec: e2ee; MSC4153.
 */
export const shieldSchema = v.picklist([
  /** The key came from a backup, a file or another device: who wrote it cannot be proved. */
  "authenticity-not-guaranteed",
  /** The device that sent it is unknown or was deleted. */
  "unknown-device",
  /** Its owner has not signed the device that sent it. */
  "unsigned-device",
  /** Its sender is not verified, though he once was expected to be. */
  "unverified-identity",
  /** Its sender was verified, and has another identity now. */
  "verification-violation",
  /** The event says another sender than the key does. */
  "mismatched-sender",
  /** It was sent without encryption into an encrypted room. */
  "sent-in-clear",
]);
export type Shield = v.InferOutput<typeof shieldSchema>;

/** Why an event cannot be decrypted; each has its own words and its own remedy. */
export const undecryptableCauseSchema = v.picklist([
  /** Its key has not come yet; it may still. */
  "missing-key",
  /** The key that came starts later than this message. */
  "key-too-new",
  "sent-before-we-joined",
  /** Sent before this device was signed in, and no backup is in use. */
  "history-without-backup",
  /** Sent before this device was signed in; verifying it opens the backup. */
  "history-unverified-device",
  /** The sender shares keys only with verified devices, and this one is not. */
  "withheld-unverified",
  "withheld",
  /** Our own rules refuse it: the sender's device is not signed by him. */
  "unsigned-device",
  "unknown-device",
  /** The sender's identity changed after it was verified. */
  "verification-violation",
  "mismatched-sender",
  /** It was decrypted already under another event id: someone plays it again. */
  "replayed",
  "unsupported-algorithm",
  "malformed",
]);
export type UndecryptableCause = v.InferOutput<typeof undecryptableCauseSchema>;

/** What a state event did, for one quiet line. */
export const stateChangeSchema = v.variant("change", [
  v.object({
    change: v.literal("membership"),
    verb: v.picklist(["joined", "left", "invited", "kicked", "banned", "unbanned", "declined", "knocked", "withdrew"]),
    subject: personSchema,
  }),
  v.object({ change: v.literal("display-name"), from: v.string(), to: v.string() }),
  v.object({ change: v.literal("avatar") }),
  v.object({ change: v.literal("room-name"), name: v.string() }),
  v.object({ change: v.literal("room-topic"), topic: v.string() }),
  v.object({ change: v.literal("room-avatar") }),
  v.object({ change: v.literal("room-created") }),
  v.object({ change: v.literal("encryption-on") }),
  /** Any other state event: shown only as a line that something was changed. */
  v.object({ change: v.literal("other"), eventType: v.string() }),
]);
export type StateChange = v.InferOutput<typeof stateChangeSchema>;

/**
 * A file that a message carries. Its bytes are had by an address, see file-address.ts.
 * spec: client-server, "Sending encrypted attachments".
 */
export const fileSchema = v.object({
  /** On one line and without what deceives the eye. */
  name: v.string(),
  /** What its sender says about it, beside the name. */
  caption: v.optional(v.string()),
  /** As the sender says; shown, never trusted. So are the figures below. */
  contentType: v.optional(v.string()),
  sizeBytes: v.optional(v.number()),
  widthPx: v.optional(v.number()),
  heightPx: v.optional(v.number()),
  durationMs: v.optional(v.number()),
  hasThumbnail: v.boolean(),
  /** False: its server can read it. */
  isEncrypted: v.boolean(),
  /** Of a message that is being sent: its files have these names until it has an event id. */
  uploadId: v.optional(uploadIdSchema),
  thumbnailUploadId: v.optional(uploadIdSchema),
});
export type FileView = v.InferOutput<typeof fileSchema>;

/** An emoji, as a rule. */
export const reactionKeySchema = v.pipe(v.string(), v.minLength(1), v.maxLength(100));

/** All reactions to a message with one key. spec: client-server, "Event annotations and reactions". */
export const reactionSchema = v.object({
  key: reactionKeySchema,
  count,
  /** One of them is ours. */
  isOwn: v.boolean(),
  /** Ours was refused by the server; taking it back forgets it. */
  isFailed: v.boolean(),
  /** Whose they are, the first ones. */
  names: v.array(v.string()),
});
export type Reaction = v.InferOutput<typeof reactionSchema>;

/** The message that is answered, as one line; without sender and kind where it is not on this device. */
export const repliedSchema = v.object({
  eventId: eventIdSchema,
  sender: v.optional(personSchema),
  kind: v.optional(previewSchema.entries.kind),
  text: v.string(),
});
export type Replied = v.InferOutput<typeof repliedSchema>;

export const callOutcomeSchema = v.picklist([
  "ringing",
  "running",
  "ended",
  "missed",
  "declined",
  "cancelled",
  "failed",
  "elsewhere",
]);

/** Topic `timeline`: in the order of the room, the oldest first. */
export const timelineItemSchema = v.variant("kind", [
  v.object({
    kind: v.literal("message"),
    /** The txnId of our own events for as long as they are in the window, so that the echo never flickers; else the event id. */
    key: v.string(),
    eventId: v.optional(eventIdSchema),
    txnId: v.optional(txnIdSchema),
    sender: personSchema,
    isOwn: v.boolean(),
    originServerTs: timestampMs,
    msgtype: v.picklist(["text", "emote", "notice", "image", "video", "audio", "file", "location", "unknown"]),
    /** Plain text. */
    body: v.string(),
    isEdited: v.boolean(),
    /** True where it names us, or the whole room. */
    isMention: v.boolean(),
    shield: v.optional(shieldSchema),
    /** Of a message that carries a file. */
    file: v.optional(fileSchema),
    replyTo: v.optional(repliedSchema),
    /** By the first of each kind, at most twenty kinds; absent where there are none. */
    reactions: v.optional(v.array(reactionSchema)),
    send: v.optional(sendStatusSchema),
    /** Who has read up to here, ourselves excepted. */
    readBy: v.array(personSchema),
  }),
  v.object({
    kind: v.literal("state"),
    key: v.string(),
    eventId: eventIdSchema,
    sender: personSchema,
    isOwn: v.boolean(),
    originServerTs: timestampMs,
    change: stateChangeSchema,
  }),
  v.object({
    kind: v.literal("call"),
    key: v.string(),
    eventId: eventIdSchema,
    callId: callIdSchema,
    sender: personSchema,
    isOwn: v.boolean(),
    originServerTs: timestampMs,
    media: v.picklist(["voice", "video"]),
    outcome: callOutcomeSchema,
    durationMs: v.optional(v.number()),
    shield: v.optional(shieldSchema),
  }),
  /** Something that cannot be shown: redacted, undecryptable, of an unknown type, or malformed. */
  v.object({
    kind: v.literal("placeholder"),
    key: v.string(),
    eventId: v.optional(eventIdSchema),
    sender: v.optional(personSchema),
    originServerTs: v.optional(timestampMs),
    reason: v.picklist(["redacted", "undecryptable", "malformed"]),
    /** Where the reason is `undecryptable`. */
    cause: v.optional(undecryptableCauseSchema),
  }),
  /** Events of the room are missing here; they are being fetched, or will be when the user comes near. */
  v.object({
    kind: v.literal("gap"),
    key: v.string(),
    isFilling: v.boolean(),
    error: v.optional(engineErrorDataSchema),
  }),
  /** The start of the room. */
  v.object({ kind: v.literal("start"), key: v.literal("start") }),
]);
export type TimelineItem = v.InferOutput<typeof timelineItemSchema>;

/** How a call ended. spec: voip, `m.call.hangup` reasons, and our own. */
export const callEndReasonSchema = v.picklist([
  "user-hangup",
  "remote-hangup",
  "declined",
  "remote-declined",
  "answered-elsewhere",
  "declined-elsewhere",
  "invite-timeout",
  "missed",
  "ice-failed",
  "ice-timeout",
  "user-media-failed",
  "user-busy",
  "remote-left",
  "unknown-error",
]);
export type CallEndReason = v.InferOutput<typeof callEndReasonSchema>;

const sdpSchema = v.pipe(v.string(), v.maxLength(1_000_000));
export const descriptionSchema = v.object({
  type: v.picklist(["offer", "answer", "pranswer", "rollback"]),
  sdp: sdpSchema,
});
export type Description = v.InferOutput<typeof descriptionSchema>;

/** One ICE candidate; `candidate: ""` says that there are no more. */
export const candidateSchema = v.object({
  candidate: v.pipe(v.string(), v.maxLength(10_000)),
  sdpMid: v.optional(v.string()),
  sdpMLineIndex: v.optional(v.number()),
});
export type Candidate = v.InferOutput<typeof candidateSchema>;

export const iceServerSchema = v.object({
  urls: v.array(v.string()),
  username: v.optional(v.string()),
  credential: v.optional(v.string()),
});
export type IceServer = v.InferOutput<typeof iceServerSchema>;

/** What a stream of the call is for. spec: voip, `sdp_stream_metadata`. */
export const streamMetadataSchema = v.record(
  v.string(),
  v.object({
    purpose: v.string(),
    audioMuted: v.boolean(),
    videoMuted: v.boolean(),
  }),
);
export type StreamMetadata = v.InferOutput<typeof streamMetadataSchema>;

/**
 * What the engine wants of the peer connection: the renderer reconciles its transport to it.
 * `remote` is a log, numbered without gaps: the renderer applies what it has not yet applied, in order.
 */
export const desiredMediaSchema = v.object({
  role: v.picklist(["caller", "callee"]),
  media: v.picklist(["voice", "video"]),
  /** Perfect negotiation: the polite side yields. */
  isPolite: v.boolean(),
  iceServers: v.array(iceServerSchema),
  isRelayOnly: v.boolean(),
  remote: v.array(
    v.variant("kind", [
      v.object({ kind: v.literal("description"), seq: count, description: descriptionSchema }),
      v.object({ kind: v.literal("candidates"), seq: count, candidates: v.array(candidateSchema) }),
    ]),
  ),
  /** Absent where the other side knows nothing of streams: it is sent one, and of its own the first is shown. */
  remoteStreams: v.optional(streamMetadataSchema),
  /** We hold the call: nothing of ours goes out, and nothing of theirs is played. */
  isOnHold: v.boolean(),
});
export type DesiredMedia = v.InferOutput<typeof desiredMediaSchema>;

/** Topic `calls`: calls that ring or run, and those that ended within the last seconds, so that a view can say why. */
export const callViewSchema = v.object({
  key: callIdSchema,
  callId: callIdSchema,
  roomId: roomIdSchema,
  roomName: v.string(),
  /** The other side. */
  peer: personSchema,
  direction: v.picklist(["incoming", "outgoing"]),
  media: v.picklist(["voice", "video"]),
  isEncrypted: v.boolean(),
  state: v.picklist([
    /** Outgoing: local media is being opened and the offer made; nothing was sent yet. */
    "preparing",
    /** Outgoing: the other side rings. */
    "inviting",
    /** Incoming: we ring. */
    "ringing",
    /** Answered; the connection is being made. */
    "connecting",
    /** Media flows. */
    "connected",
    /** Over: `endReason` says why. */
    "ended",
  ]),
  /** False where push rules or settings ask for silence. */
  isAudible: v.boolean(),
  startedAtMs: timestampMs,
  connectedAtMs: v.optional(timestampMs),
  endedAtMs: v.optional(timestampMs),
  endReason: v.optional(callEndReasonSchema),
  /** True for the one port that placed or answered the call: it alone holds the media. */
  isMediaHere: v.boolean(),
  desired: v.optional(desiredMediaSchema),
  /** We hold it. Whether the other side does only the connection shows. */
  isOnHold: v.boolean(),
  /** Whether the other side takes changes within the call: pictures, a shared screen, hold. spec: voip, "version". */
  canRenegotiate: v.boolean(),
  /** Whether the other side takes telephone tones. MSC2747. */
  canTakeTones: v.boolean(),
  /** Whom the other side says that it has connected us with. For display alone: nobody vouches for it. MSC3086. */
  assertedName: v.optional(v.string()),
  /** What is wrong with the device that the other side calls from: the media is as trustworthy as that. */
  shield: v.optional(shieldSchema),
});
export type CallView = v.InferOutput<typeof callViewSchema>;

/** Topic `callLog`: the calls that ended, the newest first. Up to `MAX_CALL_LOG` of them. */
export const callLogRowSchema = v.object({
  key: callIdSchema,
  callId: callIdSchema,
  roomId: roomIdSchema,
  roomName: v.string(),
  peer: personSchema,
  direction: v.picklist(["incoming", "outgoing"]),
  media: v.picklist(["voice", "video"]),
  outcome: callOutcomeSchema,
  startedAtMs: timestampMs,
  /** While media flowed. Absent where it never did. */
  durationMs: v.optional(v.number()),
  /** Missed since the log was looked at last. */
  isNew: v.boolean(),
});
export type CallLogRow = v.InferOutput<typeof callLogRowSchema>;
export const MAX_CALL_LOG = 200;

/** Topic `callSettings`: one item; how calls are made and announced on this device. */
export const callSettingsSchema = v.object({
  key: v.literal("callSettings"),
  /** Our addresses are kept from the other side; calls need a relay of the homeserver then. */
  isRelayOnly: v.boolean(),
  /**
   * Whether the public STUN server may be asked for our address where the homeserver has none: "unasked" until the
   * user has said, and it is not asked before.
   */
  publicStun: v.picklist(["unasked", "allowed", "refused"]),
  /** Calls also ring in rooms that are not direct. */
  ringsInRooms: v.boolean(),
});
export type CallSettings = v.InferOutput<typeof callSettingsSchema>;

/** Topic `notifications`: what the user should be told now. An item goes when its room is read or its call is over. */
export const notificationSchema = v.object({
  key: v.string(),
  accountId: accountIdSchema,
  roomId: roomIdSchema,
  eventId: v.optional(eventIdSchema),
  callId: v.optional(callIdSchema),
  kind: v.picklist(["message", "invite", "call"]),
  /** Plain text. */
  title: v.string(),
  body: v.string(),
  isHighlight: v.boolean(),
  /** Absent: no sound. */
  sound: v.optional(v.string()),
  shownAtMs: timestampMs,
});
export type NotificationItem = v.InferOutput<typeof notificationSchema>;

/** Topic `badge`: exactly one item, over all accounts. */
export const badgeSchema = v.object({
  key: v.literal("badge"),
  unreadRoomCount: count,
  notificationCount: count,
  highlightCount: count,
  inviteCount: count,
  missedCallCount: count,
});
export type Badge = v.InferOutput<typeof badgeSchema>;

const secretStateSchema = v.object({
  /** This device has it. */
  isHere: v.boolean(),
  /** Secret storage on the server has it, for whoever holds the recovery key. */
  isStored: v.boolean(),
});

/** Topic `encryption`: exactly one item, with key "encryption": all that the health page says, and what comes next. */
export const encryptionViewSchema = v.object({
  key: v.literal("encryption"),
  /** `waiting` and `failed` come with an error; nothing encrypted can be read or sent meanwhile, and nothing is lost. */
  state: v.picklist(["opening", "ready", "waiting", "failed"]),
  error: v.optional(engineErrorDataSchema),
  /**
   * The one thing to do next:
   *   create   this account has no cross-signing identity yet: make one, with recovery
   *   verify   it has one, and this device is not signed by it: verify, or enter the recovery key
   *   recovery this device is signed, and no recovery is set up
   *   none     all is well
   */
  nextStep: v.picklist(["create", "verify", "recovery", "none"]),
  isDeviceVerified: v.boolean(),
  /** Another own device can verify this one. */
  canVerifyWithDevice: v.boolean(),
  /** Secret storage exists: a recovery key, or passphrase, opens it. */
  hasRecovery: v.boolean(),
  /** Secret storage can be opened with a passphrase as well. */
  hasPassphrase: v.boolean(),
  secrets: v.object({
    masterKey: secretStateSchema,
    selfSigningKey: secretStateSchema,
    userSigningKey: secretStateSchema,
    backupKey: secretStateSchema,
  }),
  backup: v.object({
    /**
     *   none        the server has no backup
     *   active      keys go there
     *   key-missing the server has one, whose key is not here
     *   untrusted   the server has one that nobody whom we trust has signed: no key goes there
     */
    state: v.picklist(["unknown", "none", "active", "key-missing", "untrusted"]),
    version: v.optional(v.string()),
    /** Room keys on this device, and how many of them are in the backup. */
    keyCount: count,
    backedUpCount: count,
    /** While history is being fetched from the backup. */
    restoring: v.optional(v.object({ doneCount: count, totalCount: count })),
    error: v.optional(engineErrorDataSchema),
  }),
  /** Our own identity was replaced from elsewhere and the user has not said that he knows. spec: "MUST alert". */
  hasIdentityChanged: v.boolean(),
  /** Setting: room keys go to devices that their owners signed, and to no others. */
  sendsToSignedDevicesOnly: v.boolean(),
  undecryptableCount: count,
  fingerprint: v.string(),
});
export type EncryptionView = v.InferOutput<typeof encryptionViewSchema>;

/** Topic `undecryptable`: the newest messages that cannot be read, at most 100. */
export const undecryptableRowSchema = v.object({
  key: eventIdSchema,
  roomId: roomIdSchema,
  roomName: v.string(),
  eventId: eventIdSchema,
  sender: personSchema,
  originServerTs: timestampMs,
  cause: undecryptableCauseSchema,
});
export type UndecryptableRow = v.InferOutput<typeof undecryptableRowSchema>;

/** Topic `verifications`: those that run, and those that ended within the last seconds, so that a view can say how. */
export const verificationViewSchema = v.object({
  key: v.string(),
  flowId: v.string(),
  other: personSchema,
  otherDeviceId: v.optional(deviceIdSchema),
  otherDeviceName: v.optional(v.string()),
  /** With another device of our own. */
  isSelf: v.boolean(),
  direction: v.picklist(["incoming", "outgoing"]),
  phase: v.picklist([
    /** Asked, not accepted. */
    "requested",
    /** Both agree: a method is chosen now. `qrCode`, `canScan` and `canCompareEmoji` say which there are. */
    "ready",
    /** A method runs, and waits for the other side. */
    "waiting",
    /** The user compares the emoji. */
    "emoji",
    /** The other side scanned our code: the user says whether it shows a tick. */
    "scanned",
    "done",
    "cancelled",
  ]),
  canCompareEmoji: v.boolean(),
  canScan: v.boolean(),
  /** The bytes of our QR code, base64. spec: e2ee, "QR codes". */
  qrCode: v.optional(v.string()),
  /** Seven of them. `number` is the specification's, for translated names. */
  emoji: v.optional(v.array(v.object({ number: count, symbol: v.string(), description: v.string() }))),
  decimals: v.optional(v.array(v.number())),
  cancel: v.optional(
    v.object({
      /** spec: e2ee, `m.key.verification.cancel`; an unknown one is given as it came. */
      code: v.string(),
      byUs: v.boolean(),
      /** What happened and what to do, fit to show. */
      message: v.string(),
    }),
  ),
  startedAtMs: timestampMs,
  expiresAtMs: timestampMs,
});
export type VerificationView = v.InferOutput<typeof verificationViewSchema>;

const deviceTrustSchema = v.picklist([
  /** Signed by its owner, whose identity is verified (or who is ourselves). */
  "verified",
  /** Signed by its owner. */
  "signed",
  "unsigned",
  /** It has published no keys. */
  "no-encryption",
]);

/** Topic `devices`: our own, this one first, then the most recently seen. */
export const deviceRowSchema = v.object({
  key: deviceIdSchema,
  deviceId: deviceIdSchema,
  displayName: v.string(),
  lastSeenTs: v.optional(timestampMs),
  lastSeenAddress: v.optional(v.string()),
  isThisDevice: v.boolean(),
  trust: deviceTrustSchema,
  /** The Ed25519 key in groups of four, to compare by eye. */
  fingerprint: v.optional(v.string()),
});
export type DeviceRow = v.InferOutput<typeof deviceRowSchema>;

/** Topic `userTrust`: exactly one item, with the user id as key. */
export const userTrustSchema = v.object({
  key: userIdSchema,
  person: personSchema,
  identity: v.picklist(["none", "unverified", "verified", "changed"]),
  wasVerified: v.boolean(),
  devices: v.array(
    v.object({
      deviceId: deviceIdSchema,
      displayName: v.string(),
      trust: deviceTrustSchema,
      fingerprint: v.optional(v.string()),
    }),
  ),
});
export type UserTrust = v.InferOutput<typeof userTrustSchema>;
