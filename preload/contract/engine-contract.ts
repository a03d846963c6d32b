/**
 * The one table of what the engine can be asked: commands (arguments → reply) and topics (arguments → items).
 * Both sides derive their types from it and parse with it what they receive.
 * To add a command: a line here, a handler in engine/port/command-handlers.ts; TypeScript names what is missing.
 * To add a topic: a line here, an item schema in views.ts, a view in the engine, opened in engine/port/topic-views.ts.
 * Invariant: payloads are plain data that survive both structured clone and JSON, with the one exception of
 * `media.fetch`, `files.append` and `files.read`, whose bytes travel only where the carrier can carry them (hosts,
 * not windows).
 */
import * as v from "valibot";
import {
  accountIdSchema,
  callIdSchema,
  deviceIdSchema,
  eventIdSchema,
  mxcUriSchema,
  roomAliasSchema,
  roomIdSchema,
  txnIdSchema,
  uploadIdSchema,
  userIdSchema,
} from "./ids.ts";
import {
  accountRowSchema,
  badgeSchema,
  callEndReasonSchema,
  callLogRowSchema,
  callSettingsSchema,
  callViewSchema,
  candidateSchema,
  descriptionSchema,
  desiredMediaSchema,
  deviceRowSchema,
  encryptionViewSchema,
  iceServerSchema,
  memberRowSchema,
  notificationSchema,
  reactionKeySchema,
  roomDetailsSchema,
  roomRowSchema,
  streamMetadataSchema,
  syncStateSchema,
  timelineItemSchema,
  undecryptableRowSchema,
  userTrustSchema,
  verificationViewSchema,
} from "./views.ts";

/** Raised with every change that an older side would misread; both sides compare it in `hello`. */
export const CONTRACT_VERSION = 4;

/** The longest text that the composer takes: the event must stay under 65,536 bytes with its envelope. */
export const MAX_BODY_LENGTH = 40_000;

const nothing = v.object({});
const inAccount = { accountId: accountIdSchema };
const inRoom = { accountId: accountIdSchema, roomId: roomIdSchema };
const inCall = { accountId: accountIdSchema, callId: callIdSchema };
const shortText = v.pipe(v.string(), v.maxLength(1_000));
const inFlow = { accountId: accountIdSchema, flowId: v.pipe(v.string(), v.maxLength(255)) };
const passwordSchema = v.pipe(v.string(), v.maxLength(10_000));
/** A recovery key or a passphrase, as typed. */
const recoverySecretSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(10_000));
/** The text of an exported key file. */
const keyFileSchema = v.pipe(v.string(), v.maxLength(200_000_000));
/** The most bytes that one `files.append` or `files.read` carries. */
export const MAX_CHUNK_BYTES = 2 ** 20;
const chunkSchema = v.pipe(
  v.instance(Uint8Array),
  v.check((bytes) => bytes.byteLength <= MAX_CHUNK_BYTES, "too many bytes at once"),
);
const offsetSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const inUpload = { accountId: accountIdSchema, uploadId: uploadIdSchema };
const sidePxSchema = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100_000));

/** A file of a message, or one that waits to be sent. */
export const fileRefSchema = v.variant("of", [
  v.object({
    of: v.literal("event"),
    roomId: roomIdSchema,
    eventId: eventIdSchema,
    part: v.picklist(["file", "thumbnail"]),
  }),
  v.object({ of: v.literal("upload"), uploadId: uploadIdSchema }),
]);
export type FileRef = v.InferOutput<typeof fileRefSchema>;

const callMediaSchema = v.picklist(["voice", "video"]);

/** What the user wrote. Formatted text and files come with their own variants. */
export const messageContentSchema = v.object({
  msgtype: v.picklist(["m.text", "m.emote"]),
  body: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_BODY_LENGTH)),
  /** Users that the text names; they are told. spec: client-server, "User and room mentions". */
  mentionedUserIds: v.optional(v.pipe(v.array(userIdSchema), v.maxLength(50))),
});
export type MessageContent = v.InferOutput<typeof messageContentSchema>;

/** An answer that was ready before the user gave it. */
export const givenAnswerSchema = v.object({
  /** The rule that it was made under: whether it names relays alone. */
  isRelayOnly: v.boolean(),
  description: descriptionSchema,
  streams: streamMetadataSchema,
  /** No candidates will follow those in the description. */
  isGathered: v.boolean(),
});
export type GivenAnswer = v.InferOutput<typeof givenAnswerSchema>;

/**
 * What the renderer saw its peer connection do: facts go up, desired state comes down.
 * spec: voip. Descriptions carry the candidates found so far.
 */
export const callFactSchema = v.variant("fact", [
  v.object({ fact: v.literal("description"), description: descriptionSchema, streams: streamMetadataSchema }),
  /** A batch is the engine's business: each candidate is reported as it is found; `candidate: ""` ends them. */
  v.object({ fact: v.literal("candidate"), candidate: candidateSchema }),
  v.object({ fact: v.literal("connection"), state: v.picklist(["connecting", "connected", "disconnected", "failed"]) }),
  v.object({ fact: v.literal("streams"), streams: streamMetadataSchema }),
  /** Local media could not be had; the message is fit to show. */
  v.object({ fact: v.literal("media-failed"), message: shortText }),
]);
export type CallFact = v.InferOutput<typeof callFactSchema>;

export const engineCommands = {
  /** Finds the homeserver behind a user id, a server name or a URL. spec: client-server, "Server discovery". */
  "accounts.discover": {
    args: v.object({ address: shortText }),
    reply: v.object({
      homeserverUrl: v.string(),
      serverName: v.string(),
      canUsePassword: v.boolean(),
      canUseSingleSignOn: v.boolean(),
    }),
  },
  "accounts.signIn": {
    args: v.object({
      /** Base URL as `accounts.discover` gave it. */
      homeserverUrl: shortText,
      /** A user id, or the local part of one. */
      user: shortText,
      password: v.pipe(v.string(), v.maxLength(10_000)),
      deviceName: v.optional(shortText),
    }),
    reply: v.object(inAccount),
  },
  /** Takes an account whose state is soft-logged-out back into use, with all its data. */
  "accounts.signInAgain": {
    args: v.object({ ...inAccount, password: v.pipe(v.string(), v.maxLength(10_000)) }),
    reply: nothing,
  },
  /** Ends the session on the server where it can be reached, and removes everything of the account from this device. */
  "accounts.signOut": { args: v.object(inAccount), reply: nothing },
  "profile.setDisplayName": {
    args: v.object({ ...inAccount, displayName: v.pipe(v.string(), v.maxLength(255)) }),
    reply: nothing,
  },
  /** Tries the homeserver now instead of at the end of the back-off. */
  "sync.retryNow": { args: v.object(inAccount), reply: nothing },

  /** The existing direct room with this user, or a new one. */
  "rooms.createDirect": {
    args: v.object({ ...inAccount, userId: userIdSchema }),
    reply: v.object({ roomId: roomIdSchema }),
  },
  "rooms.create": {
    args: v.object({
      ...inAccount,
      name: v.pipe(v.string(), v.minLength(1), v.maxLength(255)),
      topic: v.optional(shortText),
      isPublic: v.boolean(),
      /** Private rooms are encrypted unless told otherwise; public ones never are. */
      isEncrypted: v.optional(v.boolean()),
      invite: v.pipe(v.array(userIdSchema), v.maxLength(100)),
    }),
    reply: v.object({ roomId: roomIdSchema }),
  },
  "rooms.invite": { args: v.object({ ...inRoom, userId: userIdSchema }), reply: nothing },
  "rooms.join": {
    args: v.object({
      ...inAccount,
      room: v.union([roomIdSchema, roomAliasSchema]),
      via: v.optional(v.pipe(v.array(shortText), v.maxLength(5))),
    }),
    reply: v.object({ roomId: roomIdSchema }),
  },
  /** Leaves a room, or declines an invite. */
  "rooms.leave": { args: v.object(inRoom), reply: nothing },
  "rooms.setTyping": { args: v.object({ ...inRoom, isTyping: v.boolean() }), reply: nothing },

  /** The user is about to write: the room key is shared ahead of the first message. */
  "rooms.prepareToSend": { args: v.object(inRoom), reply: nothing },
  /** Keeps what is written and not sent; "" forgets it. */
  "rooms.setDraft": {
    args: v.object({ ...inRoom, text: v.pipe(v.string(), v.maxLength(MAX_BODY_LENGTH)) }),
    reply: nothing,
  },

  /** Resolves when the text is on disk, not when it is on the server: the timeline shows how far it has come. */
  "outbox.send": {
    args: v.object({
      ...inRoom,
      txnId: txnIdSchema,
      content: messageContentSchema,
      /** The message that is answered. */
      replyTo: v.optional(eventIdSchema),
    }),
    reply: nothing,
  },
  /** Puts this in place of a message of ours. It and the next two resolve, and show how far they are, as a send does. */
  "outbox.edit": {
    args: v.object({ ...inRoom, txnId: txnIdSchema, eventId: eventIdSchema, content: messageContentSchema }),
    reply: nothing,
  },
  /** Adds a reaction of ours, or takes it back; what is so already stays. */
  "outbox.react": {
    args: v.object({
      ...inRoom,
      txnId: txnIdSchema,
      eventId: eventIdSchema,
      key: reactionKeySchema,
      isOn: v.boolean(),
    }),
    reply: nothing,
  },
  /** Removes a message of ours for everyone. */
  "outbox.redact": { args: v.object({ ...inRoom, txnId: txnIdSchema, eventId: eventIdSchema }), reply: nothing },
  "outbox.retry": { args: v.object({ ...inAccount, txnId: txnIdSchema }), reply: nothing },
  "outbox.discard": { args: v.object({ ...inAccount, txnId: txnIdSchema }), reply: nothing },

  /** Grows the window of the room's timeline topic toward the start, and tries gaps that failed once more. */
  "timeline.paginate": { args: v.object(inRoom), reply: v.object({ hasReachedStart: v.boolean() }) },
  /** Sends the read receipt and moves the fully-read marker. */
  "timeline.markRead": { args: v.object({ ...inRoom, eventId: eventIdSchema }), reply: nothing },

  /** Says which room this port's window shows in front of the user: nothing notifies for it meanwhile. */
  "attention.set": {
    args: v.object({ looksAt: v.optional(v.object(inRoom)) }),
    reply: nothing,
  },

  "calls.place": { args: v.object({ ...inRoom, media: callMediaSchema }), reply: v.object({ callId: callIdSchema }) },
  /**
   * The port that asks becomes the one that holds the media. Other calls that run are ended, unless they are to be
   * held. `prepared` is what the port made of `calls.prepare`: it is sent where the call is still to go over the same
   * ways, else the port is to begin anew; `desired.isRelayOnly` says which.
   */
  "calls.answer": {
    args: v.object({
      ...inCall,
      media: callMediaSchema,
      otherCalls: v.optional(v.picklist(["end", "hold"])),
      prepared: v.optional(givenAnswerSchema),
    }),
    reply: nothing,
  },
  /**
   * What the media of a call that rings would begin with, were it answered now as it is offered; nothing where it rings
   * no longer. It stays ringing, and the other side learns nothing.
   */
  "calls.prepare": { args: v.object(inCall), reply: v.object({ desired: v.optional(desiredMediaSchema) }) },
  "calls.reject": { args: v.object(inCall), reply: nothing },
  /** Ends an outgoing or running call. */
  "calls.hangUp": { args: v.object({ ...inCall, reason: v.optional(callEndReasonSchema) }), reply: nothing },
  /** Holds a running call, or goes on with it; any other that runs is held then. `rejected` where the other side cannot. */
  "calls.hold": { args: v.object({ ...inCall, isOnHold: v.boolean() }), reply: nothing },
  /** The user has seen the log: nothing in it is new any more. */
  "calls.markLogSeen": { args: v.object(inAccount), reply: nothing },
  "calls.setSettings": {
    args: v.object({ ...inAccount, settings: v.partial(v.omit(callSettingsSchema, ["key"])) }),
    reply: nothing,
  },
  /**
   * The servers that a call would be given now. `isAnswered` is false where the homeserver could not be asked: then
   * nothing is known of its relays.
   */
  "calls.iceServers": {
    args: v.object(inAccount),
    reply: v.object({ iceServers: v.array(iceServerSchema), isAnswered: v.boolean() }),
  },
  "calls.report": { args: v.object({ ...inCall, fact: callFactSchema }), reply: nothing },

  /** Makes a recovery key for the user to keep. Nothing is stored before `encryption.setUpRecovery`. */
  "encryption.makeRecoveryKey": {
    args: v.object({ ...inAccount, passphrase: v.optional(recoverySecretSchema) }),
    reply: v.object({ recoveryKey: v.string() }),
  },
  /**
   * Makes what is missing of cross-signing, secret storage and backup, locked with a key from
   * `encryption.makeRecoveryKey`. `password-needed` where the server wants to see the password.
   */
  "encryption.setUpRecovery": {
    args: v.object({ ...inAccount, recoveryKey: recoverySecretSchema, password: v.optional(passwordSchema) }),
    reply: nothing,
  },
  /** Opens secret storage, signs this device, and starts to fetch history from the backup. */
  "encryption.recover": { args: v.object({ ...inAccount, secret: recoverySecretSchema }), reply: nothing },
  /** Replaces a backup that is lost or not trusted; the identity stays. */
  "encryption.replaceBackup": {
    args: v.object({ ...inAccount, recoveryKey: v.optional(recoverySecretSchema) }),
    reply: nothing,
  },
  /** Fetches again what the backup has. */
  "encryption.restoreBackup": { args: v.object(inAccount), reply: nothing },
  /** The last resort: a new identity. Everyone who verified this user must do so again. */
  "encryption.resetIdentity": {
    args: v.object({ ...inAccount, recoveryKey: recoverySecretSchema, password: v.optional(passwordSchema) }),
    reply: nothing,
  },
  /** The user knows that the own identity was changed from elsewhere. */
  "encryption.acknowledgeIdentityChange": { args: v.object(inAccount), reply: nothing },
  "encryption.setSendsToSignedDevicesOnly": { args: v.object({ ...inAccount, isOn: v.boolean() }), reply: nothing },
  /** All room keys as a key file, in the format that other clients read. spec: e2ee, "Key exports". */
  "encryption.exportKeys": {
    args: v.object({ ...inAccount, passphrase: recoverySecretSchema }),
    reply: v.object({ keyFile: keyFileSchema, keyCount: v.number() }),
  },
  "encryption.importKeys": {
    args: v.object({ ...inAccount, keyFile: keyFileSchema, passphrase: recoverySecretSchema }),
    reply: v.object({ importedCount: v.number(), totalCount: v.number() }),
  },
  /** Asks for missing keys once more: of the backup, and of own devices. */
  "encryption.retryDecryption": { args: v.object({ ...inAccount, roomId: v.optional(roomIdSchema) }), reply: nothing },

  /** Without a device: all other own devices are asked, or the user, in the direct room with him. */
  "verifications.request": {
    args: v.object({ ...inAccount, userId: userIdSchema, deviceId: v.optional(deviceIdSchema) }),
    reply: v.object({ flowId: v.string() }),
  },
  "verifications.accept": { args: v.object(inFlow), reply: nothing },
  "verifications.startEmoji": { args: v.object(inFlow), reply: nothing },
  /** Of the emoji, or of the tick that the scanning side shows. `false` cancels for good. */
  "verifications.confirm": { args: v.object({ ...inFlow, isMatch: v.boolean() }), reply: nothing },
  /** The bytes of the other side's code, base64. */
  "verifications.scan": {
    args: v.object({ ...inFlow, qrCode: v.pipe(v.string(), v.maxLength(4_000)) }),
    reply: nothing,
  },
  "verifications.cancel": { args: v.object(inFlow), reply: nothing },
  /** Takes a changed identity as it is; of a verified user, gives up the verification. */
  "trust.acknowledge": { args: v.object({ ...inAccount, userId: userIdSchema }), reply: nothing },

  "devices.rename": {
    args: v.object({ ...inAccount, deviceId: deviceIdSchema, displayName: v.pipe(v.string(), v.maxLength(255)) }),
    reply: nothing,
  },
  /** Signs other devices out. `password-needed` where the server wants to see the password. */
  "devices.signOut": {
    args: v.object({
      ...inAccount,
      deviceIds: v.pipe(v.array(deviceIdSchema), v.minLength(1), v.maxLength(1_000)),
      password: v.optional(passwordSchema),
    }),
    reply: nothing,
  },

  /** Downloads, or takes from the cache, a media file or its thumbnail. For hosts; see the invariant above. */
  "media.fetch": {
    args: v.object({
      ...inAccount,
      mxc: mxcUriSchema,
      thumbnail: v.optional(
        v.object({ widthPx: v.number(), heightPx: v.number(), method: v.picklist(["crop", "scale"]) }),
      ),
    }),
    reply: v.object({ contentType: v.string(), bytes: v.instance(Uint8Array) }),
  },

  /**
   * Starts to take a file in that the user attaches: begin, append in order, finish; then `files.send`. It is
   * ciphertext on disk from the first byte on. A window gives its bytes to the host, see file-address.ts.
   */
  "files.begin": {
    args: v.object({
      ...inAccount,
      name: shortText,
      /** As the system says; "" where it does not know. */
      contentType: v.pipe(v.string(), v.maxLength(255)),
      /** Set to be told at once what is too large for the server. */
      sizeBytes: v.optional(offsetSchema),
    }),
    reply: v.object({ uploadId: uploadIdSchema }),
  },
  /** For hosts. Resolves when the bytes are on disk. `offset` is what was appended before. */
  "files.append": {
    args: v.object({ ...inUpload, offset: offsetSchema, bytes: chunkSchema }),
    reply: v.object({ sizeBytes: offsetSchema }),
  },
  "files.finish": { args: v.object(inUpload), reply: v.object({ sizeBytes: offsetSchema }) },
  /** Forgets a file that was not sent. */
  "files.abort": { args: v.object(inUpload), reply: nothing },
  /** Resolves when the message is on disk; it goes the way of `outbox.send`, after its file is on the server. */
  "files.send": {
    args: v.object({
      ...inRoom,
      txnId: txnIdSchema,
      uploadId: uploadIdSchema,
      /** A smaller picture of it, taken in as a file of its own. */
      thumbnail: v.optional(v.object({ uploadId: uploadIdSchema, widthPx: sidePxSchema, heightPx: sidePxSchema })),
      widthPx: v.optional(sidePxSchema),
      heightPx: v.optional(sidePxSchema),
      durationMs: v.optional(offsetSchema),
      caption: v.optional(v.pipe(v.string(), v.maxLength(MAX_BODY_LENGTH))),
      /** The message that is answered. */
      replyTo: v.optional(eventIdSchema),
      mentionedUserIds: v.optional(v.pipe(v.array(userIdSchema), v.maxLength(50))),
    }),
    reply: nothing,
  },
  /** Has the file here, whole and verified, when it resolves: that may take as long as its download. */
  "files.open": {
    args: v.object({ ...inAccount, file: fileRefSchema }),
    /** The content type is the sender's word; the name can be saved under on every system. */
    reply: v.object({ sizeBytes: offsetSchema, contentType: v.string(), name: v.string() }),
  },
  /** For hosts. Fewer bytes than asked for at the end of the file only. */
  "files.read": {
    args: v.object({
      ...inAccount,
      file: fileRefSchema,
      offset: offsetSchema,
      length: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_CHUNK_BYTES)),
    }),
    reply: v.object({ bytes: chunkSchema }),
  },
} as const;

export const engineTopics = {
  accounts: { args: nothing, item: accountRowSchema },
  syncState: { args: v.object(inAccount), item: syncStateSchema },
  roomList: { args: v.object(inAccount), item: roomRowSchema },
  room: { args: v.object(inRoom), item: roomDetailsSchema },
  members: { args: v.object(inRoom), item: memberRowSchema },
  timeline: { args: v.object(inRoom), item: timelineItemSchema },
  calls: { args: v.object(inAccount), item: callViewSchema },
  callLog: { args: v.object(inAccount), item: callLogRowSchema },
  callSettings: { args: v.object(inAccount), item: callSettingsSchema },
  encryption: { args: v.object(inAccount), item: encryptionViewSchema },
  undecryptable: { args: v.object(inAccount), item: undecryptableRowSchema },
  verifications: { args: v.object(inAccount), item: verificationViewSchema },
  devices: { args: v.object(inAccount), item: deviceRowSchema },
  userTrust: { args: v.object({ ...inAccount, userId: userIdSchema }), item: userTrustSchema },
  notifications: { args: nothing, item: notificationSchema },
  badge: { args: nothing, item: badgeSchema },
} as const;

export type CommandName = keyof typeof engineCommands;
export type CommandArgs<C extends CommandName> = v.InferOutput<(typeof engineCommands)[C]["args"]>;
export type CommandReply<C extends CommandName> = v.InferOutput<(typeof engineCommands)[C]["reply"]>;
export type TopicName = keyof typeof engineTopics;
export type TopicArgs<T extends TopicName> = v.InferOutput<(typeof engineTopics)[T]["args"]>;
export type TopicItem<T extends TopicName> = v.InferOutput<(typeof engineTopics)[T]["item"]>;

export const isCommandName = (name: string): name is CommandName => Object.hasOwn(engineCommands, name);
export const isTopicName = (name: string): name is TopicName => Object.hasOwn(engineTopics, name);
