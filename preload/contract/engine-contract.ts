/**
 * The one table of what the engine can be asked: commands (arguments → reply) and topics (arguments → items).
 * Both sides derive their types from it and parse with it what they receive.
 * To add a command: a line here, a handler in engine/port/command-handlers.ts; TypeScript names what is missing.
 * To add a topic: a line here, an item schema in views.ts, a view in the engine, opened in engine/port/topic-views.ts.
 * Invariant: payloads are plain data that survive both structured clone and JSON, with the one exception of
 * `media.fetch`, whose bytes travel only where the carrier can carry them (hosts, not windows).
 */
import * as v from "valibot";
import {
  accountIdSchema,
  callIdSchema,
  eventIdSchema,
  mxcUriSchema,
  roomAliasSchema,
  roomIdSchema,
  txnIdSchema,
  userIdSchema,
} from "./ids.ts";
import {
  accountRowSchema,
  badgeSchema,
  callEndReasonSchema,
  callViewSchema,
  candidateSchema,
  descriptionSchema,
  memberRowSchema,
  notificationSchema,
  roomDetailsSchema,
  roomRowSchema,
  streamMetadataSchema,
  syncStateSchema,
  timelineItemSchema,
} from "./views.ts";

/** Raised with every change that an older side would misread; both sides compare it in `hello`. */
export const CONTRACT_VERSION = 1;

/** The longest text that the composer takes: the event must stay under 65,536 bytes with its envelope. */
export const MAX_BODY_LENGTH = 40_000;

const nothing = v.object({});
const inAccount = { accountId: accountIdSchema };
const inRoom = { accountId: accountIdSchema, roomId: roomIdSchema };
const inCall = { accountId: accountIdSchema, callId: callIdSchema };
const shortText = v.pipe(v.string(), v.maxLength(1_000));
const callMediaSchema = v.picklist(["voice", "video"]);

/** What the user wrote. Formatted text and files come with their own variants. */
export const messageContentSchema = v.object({
  msgtype: v.picklist(["m.text", "m.emote"]),
  body: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_BODY_LENGTH)),
  /** Users that the text names; they are told. spec: client-server, "User and room mentions". */
  mentionedUserIds: v.optional(v.pipe(v.array(userIdSchema), v.maxLength(50))),
});
export type MessageContent = v.InferOutput<typeof messageContentSchema>;

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

  /** Resolves when the text is on disk, not when it is on the server: the timeline shows how far it has come. */
  "outbox.send": { args: v.object({ ...inRoom, txnId: txnIdSchema, content: messageContentSchema }), reply: nothing },
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
  /** The port that asks becomes the one that holds the media. */
  "calls.answer": { args: v.object({ ...inCall, media: callMediaSchema }), reply: nothing },
  "calls.reject": { args: v.object(inCall), reply: nothing },
  /** Ends an outgoing or running call. */
  "calls.hangUp": { args: v.object({ ...inCall, reason: v.optional(callEndReasonSchema) }), reply: nothing },
  "calls.report": { args: v.object({ ...inCall, fact: callFactSchema }), reply: nothing },

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
} as const;

export const engineTopics = {
  accounts: { args: nothing, item: accountRowSchema },
  syncState: { args: v.object(inAccount), item: syncStateSchema },
  roomList: { args: v.object(inAccount), item: roomRowSchema },
  room: { args: v.object(inRoom), item: roomDetailsSchema },
  members: { args: v.object(inRoom), item: memberRowSchema },
  timeline: { args: v.object(inRoom), item: timelineItemSchema },
  calls: { args: v.object(inAccount), item: callViewSchema },
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
