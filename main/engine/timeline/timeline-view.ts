/**
 * The view of topic `timeline`: the newest events of a room that have a line of their own, then what we are
 * about to send. Opened by session for each room that someone looks at; grows by `paginate`.
 * Invariant: an item's key never changes while it is in the window: our own events keep their txnId as key.
 */
import * as v from "valibot";
import type { EventId, RoomId, UploadId, UserId } from "../../../preload/contract/ids.ts";
import { reactionKeySchema } from "../../../preload/contract/views.ts";
import type {
  Person,
  Reaction,
  Replied,
  SendStatus,
  Shield,
  StateChange,
  TimelineItem,
} from "../../../preload/contract/views.ts";
import { readMemberContent, readMessageContent, readRoomName, readTopic } from "../matrix/content.ts";
import { isSenderForged } from "../matrix/events.ts";
import { parseEventId } from "../matrix/ids.ts";
import { readObject, readString, type JsonObject } from "../matrix/json.ts";
import type { AccountStore } from "../store/account-store.ts";
import { rememberPeople, type People } from "../store/people.ts";
import type { Chunk, EventRecord, Place } from "../store/tables/event.ts";
import type { PendingEvent } from "../store/tables/outbox.ts";
import type { ChangeSet } from "../sync/change-set.ts";
import { asItReads, newContent, readEdits, type Edits } from "./edits.ts";
import { readFileView } from "./file-view.ts";
import type { History } from "./history.ts";
import { oneLine, whatIsSaid } from "./preview.ts";

type MessageItem = Extract<TimelineItem, { kind: "message" }>;
type CallItem = Extract<TimelineItem, { kind: "call" }>;

type UploadProgress = { sentBytes: number; totalBytes: number };

/** What waits to be sent, by what it will do to the timeline. */
type Pendings = {
  messages: PendingEvent[];
  reactions: PendingEvent[];
  /** The newest edit of each event. */
  edits: Map<EventId, PendingEvent>;
  removals: Map<EventId, PendingEvent>;
};

export type TimelineViewDeps = {
  store: AccountStore;
  people: People;
  history: History;
  ownUserId: UserId;
  retryAtOf: (roomId: RoomId) => number | undefined;
  /** How far a running upload has come. */
  uploadProgressOf: (uploadId: UploadId) => UploadProgress | undefined;
  /** What the events of one call amount to. */
  callTile: (events: readonly EventRecord[]) => Pick<CallItem, "media" | "outcome" | "durationMs">;
};

const FIRST_WINDOW = 60;
const GROWTH = 50;
/** Receipts of a big room: only the newest are worth a picture. */
const MAX_RECEIPTS = 50;
const MAX_READERS_SHOWN = 12;
const MAX_REACTION_KINDS = 20;
const CALL_TYPES = ["m.call.invite", "m.call.answer", "m.call.hangup", "m.call.reject", "m.call.select_answer"];

export function openTimelineView(deps: TimelineViewDeps, roomId: RoomId) {
  const { store, people, history, ownUserId } = deps;
  let window = FIRST_WINDOW;
  /** Where the room was encrypted: what stands in the clear behind it says so. Undefined in rooms that are not. */
  let encryptedFrom: Place | undefined;

  function read(): readonly TimelineItem[] {
    const personOf = rememberPeople(people, roomId);
    const events = store.events.readNewestShown(roomId, window);
    encryptedFrom = placeOfEncryption();
    const chunks = new Map<number, Chunk>(store.events.readChunks(roomId).map((chunk) => [chunk.chunk, chunk]));
    const edits = readEdits(store, roomId, events);
    const readers = readersByEvent(personOf);
    const calls = callEvents(events);
    const pendings = sortPendings(store.outbox.readRoom(roomId));
    const reactions = reactionsByEvent(events, pendings, personOf);

    const items: TimelineItem[] = [];
    if (events.length < window && !history.missingStart(roomId) && store.rooms.read(roomId)?.membership !== "invite") {
      items.push({ kind: "start", key: "start" });
    }
    let previous: EventRecord | undefined;
    for (const event of events) {
      if (previous && previous.chunk !== event.chunk) items.push(...gapsBetween(previous.chunk, event.chunk, chunks));
      items.push(toItem(event, { personOf, edits, readers, calls, pendings, reactions }));
      previous = event;
    }
    for (const pending of pendings.messages) {
      const item = toLocalEcho(pending, { personOf, edits, pendings, reactions });
      if (item) items.push(item);
    }
    return items;
  }

  function placeOfEncryption(): Place | undefined {
    if (!store.rooms.read(roomId)?.isEncrypted) return undefined;
    const eventId = store.state.read(roomId, "m.room.encryption", "")?.eventId;
    // Not in the stored timeline: it is older than all that is.
    return (eventId && store.events.read(roomId, eventId)) || { chunk: -Infinity, position: 0 };
  }

  function gapsBetween(older: number, newer: number, chunks: Map<number, Chunk>): TimelineItem[] {
    const gaps: TimelineItem[] = [];
    for (let chunk = older + 1; chunk <= newer; chunk += 1) {
      if (chunks.get(chunk)?.prevBatch === undefined) continue;
      const state = history.gapState(roomId, chunk);
      gaps.push({
        kind: "gap",
        key: `gap-${chunk}`,
        isFilling: state.isFilling,
        ...(state.error && { error: state.error }),
      });
    }
    return gaps;
  }

  function readersByEvent(personOf: (userId: UserId) => Person): Map<EventId, Person[]> {
    const readers = new Map<EventId, Person[]>();
    for (const { userId, ...place } of store.receipts.readNewestOfOthers(roomId, ownUserId, MAX_RECEIPTS)) {
      const eventId = store.events.lastShownAt(roomId, place);
      if (!eventId) continue;
      const list = readers.get(eventId) ?? [];
      if (list.length < MAX_READERS_SHOWN) list.push(personOf(userId));
      readers.set(eventId, list);
    }
    return readers;
  }

  /** The call events of the window, by call id. */
  function callEvents(events: readonly EventRecord[]): Map<string, EventRecord[]> {
    const byCall = new Map<string, EventRecord[]>();
    const first = events.find((event) => event.type === "m.call.invite");
    if (!first) return byCall;
    for (const event of store.events.readOfTypes(roomId, CALL_TYPES, first)) {
      const callId = readString(event.content, "call_id");
      if (callId === undefined) continue;
      byCall.set(callId, [...(byCall.get(callId) ?? []), event]);
    }
    return byCall;
  }

  function toItem(
    event: EventRecord,
    known: {
      personOf: (userId: UserId) => Person;
      edits: Edits;
      readers: Map<EventId, Person[]>;
      calls: Map<string, EventRecord[]>;
      pendings: Pendings;
      reactions: Map<EventId, Reaction[]>;
    },
  ): TimelineItem {
    const key = event.txnId ?? event.eventId;
    if (event.type === "") return { kind: "placeholder", key, reason: "malformed" };
    const sender = known.personOf(event.sender);
    const common = { key, eventId: event.eventId, sender, originServerTs: event.originServerTs };
    const isOwn = event.sender === ownUserId;
    if (event.stateKey !== undefined)
      return { kind: "state", ...common, isOwn, change: stateChange(event, known.personOf) };
    if (event.isRedacted) return { kind: "placeholder", ...common, reason: "redacted" };
    if (event.type === "m.room.encrypted") {
      return { kind: "placeholder", ...common, reason: "undecryptable", cause: event.encryption?.cause ?? "malformed" };
    }
    const removal = known.pendings.removals.get(event.eventId);
    if (removal && !removal.wedge) return { kind: "placeholder", ...common, reason: "redacted" };
    const shield = shieldOf(event);
    if (event.type === "m.call.invite") {
      const callId = readString(event.content, "call_id");
      if (callId === undefined || !/^[0-9A-Za-z._~-]{1,255}$/u.test(callId))
        return { kind: "placeholder", ...common, reason: "malformed" };
      const tile = deps.callTile(known.calls.get(callId) ?? [event]);
      return {
        kind: "call",
        ...common,
        isOwn,
        callId: callId as CallItem["callId"],
        ...tile,
        ...(shield && { shield }),
      };
    }
    const pendingEdit = known.pendings.edits.get(event.eventId);
    const edit = pendingEdit ?? known.edits.get(event.eventId);
    const message = readMessageContent(newContent(edit) ?? event.content);
    const reactions = known.reactions.get(event.eventId);
    const replyTo = repliedOf(event.content, known);
    const change = removal ?? pendingEdit;
    // Of the original: an edit changes words, never the file.
    const file = readFileView(event.type, event.content);
    if (!message) return { kind: "placeholder", ...common, reason: "malformed" };
    return {
      kind: "message",
      ...common,
      ...(event.txnId && { txnId: event.txnId, send: { state: "sent" as const } }),
      ...(change && { txnId: change.txnId, send: statusOf(change, removal ? "removal" : "edit") }),
      isOwn,
      msgtype: event.type === "m.sticker" ? "image" : shownType(message.msgtype),
      body: message.body,
      isEdited: edit !== undefined,
      isMention: event.push === 2,
      ...(shield && { shield }),
      ...(file && { file }),
      ...(replyTo && { replyTo }),
      ...(reactions && { reactions }),
      readBy: known.readers.get(event.eventId) ?? [],
    };
  }

  /** A message in the clear says so, from the moment on at which the room was encrypted. */
  function shieldOf(event: EventRecord): Shield | undefined {
    if (event.encryption) return event.encryption.shield;
    const isAfter =
      encryptedFrom &&
      (event.chunk > encryptedFrom.chunk ||
        (event.chunk === encryptedFrom.chunk && event.position > encryptedFrom.position));
    return isAfter ? "sent-in-clear" : undefined;
  }

  function statusOf(pending: PendingEvent, change?: "edit" | "removal", upload?: UploadProgress): SendStatus {
    if (pending.wedge) return { state: "wedged", error: pending.wedge, ...(change && { change }) };
    if (pending.eventId) return { state: "sent" };
    const retryAtMs = deps.retryAtOf(roomId);
    return {
      state: "sending",
      ...(retryAtMs !== undefined && { retryAtMs }),
      ...(upload && { upload: { ...upload } }),
    };
  }

  /** The reactions to each event, ours as they will be. Of one sender, each key counts once. */
  function reactionsByEvent(
    events: readonly EventRecord[],
    { reactions: ours, removals }: Pendings,
    personOf: (userId: UserId) => Person,
  ): Map<EventId, Reaction[]> {
    const byEvent = new Map<EventId, Map<string, Map<UserId, { isFailed: boolean }>>>();
    const note = (relatedId: EventId, content: JsonObject, sender: UserId, isFailed: boolean) => {
      const key = v.safeParse(reactionKeySchema, readObject(content, "m.relates_to")?.["key"]);
      if (!key.success) return;
      const byKey = byEvent.get(relatedId) ?? new Map<string, Map<UserId, { isFailed: boolean }>>();
      const senders = byKey.get(key.output) ?? new Map<UserId, { isFailed: boolean }>();
      if (!senders.has(sender)) senders.set(sender, { isFailed });
      if (byKey.has(key.output) || byKey.size < MAX_REACTION_KINDS) byKey.set(key.output, senders);
      byEvent.set(relatedId, byKey);
    };
    const ids = events.map((event) => event.eventId);
    for (const event of store.events.readRelated(roomId, ids, "m.annotation")) {
      const removal = removals.get(event.eventId);
      if (event.type !== "m.reaction" || !event.relatedId || isSenderForged(event)) continue;
      if (!removal || removal.wedge) note(event.relatedId, event.content, event.sender, false);
    }
    for (const pending of ours) {
      const relatedId = parseEventId(readObject(pending.content, "m.relates_to")?.["event_id"]);
      const isRemoved = pending.eventId !== undefined && removals.has(pending.eventId);
      if (relatedId && !isRemoved) note(relatedId, pending.content, ownUserId, pending.wedge !== undefined);
    }
    const toReaction = ([key, senders]: [string, Map<UserId, { isFailed: boolean }>]): Reaction => ({
      key,
      count: senders.size,
      isOwn: senders.has(ownUserId),
      isFailed: senders.get(ownUserId)?.isFailed ?? false,
      names: [...senders.keys()].slice(0, MAX_READERS_SHOWN).map((userId) => personOf(userId).displayName),
    });
    return new Map([...byEvent].map(([eventId, byKey]) => [eventId, [...byKey].map(toReaction)]));
  }

  /** The message that this one answers, as it reads now. */
  function repliedOf(
    content: JsonObject,
    known: { personOf: (userId: UserId) => Person; edits: Edits },
  ): Replied | undefined {
    const relation = readObject(content, "m.relates_to");
    // In a thread it is there for clients that know no threads. spec: client-server, "Threading", "Fallback".
    if (relation && readString(relation, "rel_type") === "m.thread" && relation["is_falling_back"] !== false)
      return undefined;
    const eventId = readMessageContent(content)?.replyTo;
    if (eventId === undefined) return undefined;
    const event = store.events.read(roomId, eventId);
    const said = event && whatIsSaid(asItReads(event, known.edits));
    if (!event || !said) return { eventId, text: "" };
    return { eventId, sender: known.personOf(event.sender), kind: said.kind, text: oneLine(said.text) };
  }

  function toLocalEcho(
    pending: PendingEvent,
    known: {
      personOf: (userId: UserId) => Person;
      edits: Edits;
      pendings: Pendings;
      reactions: Map<EventId, Reaction[]>;
    },
  ): TimelineItem | undefined {
    const { eventId } = pending;
    // One that the server has answered can be edited and removed before its echo is here.
    const removal = eventId && known.pendings.removals.get(eventId);
    const edit = eventId && known.pendings.edits.get(eventId);
    const message = readMessageContent(newContent(edit) ?? pending.content);
    if (!message) return undefined;
    const sender = known.personOf(ownUserId);
    if (removal && !removal.wedge) {
      const common = { key: pending.txnId, eventId, sender, originServerTs: pending.createdAtMs };
      return { kind: "placeholder", ...common, reason: "redacted" };
    }
    const change = removal ?? edit;
    const reactions = eventId && known.reactions.get(eventId);
    const isEncryptedRoom = store.rooms.read(roomId)?.isEncrypted ?? false;
    const file = readFileView(pending.type, pending.content, { isEncryptedRoom });
    const replyTo = repliedOf(pending.content, known);
    return {
      kind: "message",
      key: pending.txnId,
      txnId: change?.txnId ?? pending.txnId,
      ...(eventId && { eventId }),
      sender,
      isOwn: true,
      originServerTs: pending.createdAtMs,
      msgtype: shownType(message.msgtype),
      body: message.body,
      isEdited: edit !== undefined,
      isMention: false,
      ...(file && { file }),
      ...(replyTo && { replyTo }),
      ...(reactions && { reactions }),
      send: change
        ? statusOf(change, removal ? "removal" : "edit")
        : statusOf(pending, undefined, file?.uploadId && deps.uploadProgressOf(file.uploadId)),
      readBy: [],
    };
  }

  /** Makes room for older events, fetching them where the store has no more. True at the start of the room. */
  async function paginate(): Promise<boolean> {
    history.forgetFailures(roomId);
    const wanted = window + GROWTH;
    for (let page = 0; page < 5; page += 1) {
      const missing = missingIn(wanted);
      if (!missing) break;
      // One page after the other: each starts where the one before ended.
      await history.fetchBefore(roomId, missing.chunk);
    }
    window = wanted;
    return store.events.readNewestShown(roomId, window).length < window && !missingIn(window);
  }

  /** The newest chunk before which something is missing that belongs into a window of this size: a gap, or the start. */
  function missingIn(size: number): Chunk | undefined {
    const events = store.events.readNewestShown(roomId, size);
    const oldest = events.length < size ? -Infinity : (events[0]?.chunk ?? -Infinity);
    return store.events.readChunks(roomId).find((chunk) => chunk.chunk > oldest && chunk.prevBatch !== undefined);
  }

  /** The newest gap inside the window that nobody is filling and that has not failed. */
  function openGap(): number | undefined {
    const events = store.events.readNewestShown(roomId, window);
    const oldest = events[0]?.chunk;
    if (oldest === undefined) return undefined;
    const gap = store.events.readChunks(roomId).find((chunk) => chunk.chunk > oldest && chunk.prevBatch !== undefined);
    if (!gap) return undefined;
    const state = history.gapState(roomId, gap.chunk);
    return state.isFilling || state.error ? undefined : gap.chunk;
  }

  return {
    isTouchedBy: (changes: ChangeSet): boolean => changes.timelines.has(roomId),
    read,
    paginate,
    /** Fills the gap that the user would see next; failures show on its line. */
    async fillGaps(): Promise<void> {
      for (let chunk = openGap(); chunk !== undefined; chunk = openGap()) {
        await history.fetchBefore(roomId, chunk);
      }
    },
  };
}
export type TimelineView = ReturnType<typeof openTimelineView>;

function sortPendings(pendings: readonly PendingEvent[]): Pendings {
  const sorted: Pendings = { messages: [], reactions: [], edits: new Map(), removals: new Map() };
  for (const pending of pendings) {
    const redacted = pending.type === "m.room.redaction" ? parseEventId(pending.content["redacts"]) : undefined;
    if (redacted) sorted.removals.set(redacted, pending);
    else if (pending.type === "m.reaction") sorted.reactions.push(pending);
    else if (pending.type === "m.room.message") {
      const replaced = readMessageContent(pending.content)?.replacement?.eventId;
      if (replaced) sorted.edits.set(replaced, pending);
      else sorted.messages.push(pending);
    }
  }
  return sorted;
}

function shownType(msgtype: string): MessageItem["msgtype"] {
  const name = msgtype.startsWith("m.") ? msgtype.slice(2) : "";
  const known = ["text", "emote", "notice", "image", "video", "audio", "file", "location"] as const;
  return known.find((each) => each === name) ?? "unknown";
}

function stateChange(event: EventRecord, personOf: (userId: UserId) => Person): StateChange {
  switch (event.type) {
    case "m.room.member":
      return memberChange(event, personOf);
    case "m.room.name":
      return { change: "room-name", name: readRoomName(event.content) ?? "" };
    case "m.room.topic":
      return { change: "room-topic", topic: readTopic(event.content) ?? "" };
    case "m.room.avatar":
      return { change: "room-avatar" };
    case "m.room.create":
      return { change: "room-created" };
    case "m.room.encryption":
      return { change: "encryption-on" };
    default:
      return { change: "other", eventType: event.type.slice(0, 255) };
  }
}

function memberChange(event: EventRecord, personOf: (userId: UserId) => Person): StateChange {
  const subjectId = (event.stateKey ?? event.sender) as UserId;
  const subject = personOf(subjectId);
  const now = readMemberContent(event.content);
  const before = event.prevContent ? readMemberContent(event.prevContent) : undefined;
  const isSelf = event.sender === subjectId;
  if (now?.membership === "join" && before?.membership === "join") {
    if (now.displayName !== before.displayName)
      return { change: "display-name", from: before.displayName ?? "", to: now.displayName ?? "" };
    return { change: "avatar" };
  }
  const verb = (): Extract<StateChange, { change: "membership" }>["verb"] => {
    switch (now?.membership) {
      case "join":
        return "joined";
      case "invite":
        return "invited";
      case "knock":
        return "knocked";
      case "ban":
        return "banned";
      default:
        if (before?.membership === "ban") return "unbanned";
        if (before?.membership === "invite") return isSelf ? "declined" : "withdrew";
        return isSelf ? "left" : "kicked";
    }
  };
  return { change: "membership", verb: verb(), subject };
}
