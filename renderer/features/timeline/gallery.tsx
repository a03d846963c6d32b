/**
 * The timeline in each of its states, from canned props. Shown by renderer/app's gallery.
 * Invariant: no engine is needed, and times are relative to now, so that "Today" is today.
 */
import type { ReactNode } from "react";
import * as v from "valibot";
import { callIdSchema, eventIdSchema, txnIdSchema, userIdSchema } from "../../../preload/contract/ids.ts";
import type {
  FileView,
  Person,
  Reaction,
  Shield,
  TimelineItem,
  UndecryptableCause,
} from "../../../preload/contract/views.ts";
import { TimelineView, type TimelineViewProps } from "./TimelineView.tsx";
import type { CallItem, MessageItem, PlaceholderItem, StateItem } from "./group-items.ts";
import styles from "./gallery.module.css";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const todayAtNoonMs = new Date().setHours(11, 40, 0, 0);

const person = (localpart: string, displayName: string): Person => ({
  userId: v.parse(userIdSchema, `@${localpart}:example.org`),
  displayName,
});
const alice = person("alice", "Alice Reyes");
const bob = person("bob", "Bob Marsh");
const mira = person("mira", "Mira Okafor");
const noor = person("noor", "نور الحسن");
const longName = person(
  "long",
  "Maximiliane Alexandra von und zu Hohenstein-Wallersbach the Second of That Name, Esquire",
);
const readers = ["ines", "jonas", "sora", "lena", "omar", "petra", "quentin"].map((name) => person(name, name));

let serial = 0;
const txnId = v.parse(txnIdSchema, "txn-of-a-file");
const uploading = { state: "sending", upload: { sentBytes: 29_700_000, totalBytes: 48_200_000 } } as const;
const terrace =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 4 3' preserveAspectRatio='none'%3E%3Cpath fill='%2379b8d4' d='M0 0h4v3H0z'/%3E%3Cpath fill='%23476b52' d='m0 3 1.5-2L3 3l.5-.8L4 3z'/%3E%3C/svg%3E";
const eventId = (key: string) => v.parse(eventIdSchema, `$${key}`);

type Said = Partial<Omit<MessageItem, "kind">> & { minute?: number };
function message(sender: Person, body: string, { minute = 0, ...rest }: Said = {}): MessageItem {
  const key = rest.key ?? `m${++serial}`;
  return {
    kind: "message",
    key,
    eventId: eventId(key),
    sender,
    isOwn: sender === alice,
    originServerTs: todayAtNoonMs + minute * MINUTE_MS,
    msgtype: "text",
    body,
    isEdited: false,
    isMention: false,
    readBy: [],
    ...rest,
  };
}
function state(sender: Person, change: StateItem["change"], minute = 0): StateItem {
  const key = `s${++serial}`;
  return {
    kind: "state",
    key,
    eventId: eventId(key),
    sender,
    isOwn: false,
    originServerTs: todayAtNoonMs + minute * MINUTE_MS,
    change,
  };
}
function call(
  sender: Person,
  outcome: CallItem["outcome"],
  media: CallItem["media"],
  minute = 0,
  durationMs?: number,
): CallItem {
  const key = `c${++serial}`;
  return {
    kind: "call",
    key,
    eventId: eventId(key),
    callId: v.parse(callIdSchema, key),
    sender,
    isOwn: sender === alice,
    originServerTs: todayAtNoonMs + minute * MINUTE_MS,
    media,
    outcome,
    ...(durationMs === undefined ? {} : { durationMs }),
  };
}
function undecryptable(cause: UndecryptableCause, sender: Person, minute: number): PlaceholderItem {
  return { ...placeholder("undecryptable", sender, minute), cause };
}
function fileMessage(sender: Person, name: string, parts: Partial<FileView>, said: Said = {}): MessageItem {
  const file = { name, hasThumbnail: false, isEncrypted: true, ...parts };
  return message(sender, said.body ?? name, { msgtype: "file", ...said, file });
}
function placeholder(reason: PlaceholderItem["reason"], sender?: Person, minute = 0): PlaceholderItem {
  const key = `p${++serial}`;
  const known = sender === undefined ? {} : { sender, originServerTs: todayAtNoonMs + minute * MINUTE_MS };
  return { kind: "placeholder", key, eventId: eventId(key), reason, ...known };
}
const start: TimelineItem = { kind: "start", key: "start" };
const daysAgo = (days: number, minute: number) => minute - (days * DAY_MS) / MINUTE_MS;
const membership = (verb: "joined" | "left" | "invited" | "declined", subject: Person) =>
  ({ change: "membership", verb, subject }) as const;

const actions: TimelineViewProps["actions"] = {
  mediaUrl: () => undefined,
  fileUrl: ({ file }) => (file?.name.startsWith("broken") === true ? "data:image/png," : terrace),
  onOpenLink: () => {},
  onCopy: () => {},
  onRetry: () => {},
  onDiscard: () => {},
  onReply: () => {},
  onEdit: () => {},
  onRemove: () => {},
  onReact: () => {},
  onPaginate: () => {},
  onRetryDecryption: () => {},
  onVerify: () => {},
  onFetchFile: () => Promise.resolve({ code: "offline", message: "There is no connection." }),
};
const room = { avatarId: "!room:example.org", name: "Bob Marsh", isDirect: true, isEncrypted: true };
const hut = { avatarId: "!hut:example.org", name: "Climbing Saturday", isDirect: false, isEncrypted: true };

const everyday: readonly TimelineItem[] = [
  start,
  state(alice, { change: "room-created" }, daysAgo(3, 260)),
  message(bob, "The hut is booked for the weekend. Here is the view from the terrace: https://example.org/hut", {
    minute: daysAgo(3, 264),
  }),
  message(alice, "Wow. I am in. Mira wants to come too, is there a bed left?", { minute: daysAgo(3, 266) }),
  state(bob, { change: "room-topic", topic: "Hut" }, daysAgo(3, 267)),
  state(bob, membership("invited", mira), daysAgo(3, 267)),
  message(
    bob,
    "Two, in fact. The train is at 08:12, I put the plan in trip.md and the link is https://example.org/hut/plan?weekend=47#train",
    {
      minute: daysAgo(3, 269),
    },
  ),
  message(bob, "Bring:\n  • boots\n  • a warm layer\n  • the small stove", { minute: daysAgo(3, 270) }),
  message(alice, "🎉🏔️", { minute: daysAgo(3, 271), send: { state: "sent" } }),
  call(alice, "ended", "video", -9, 760_000),
  message(alice, "That was clear as glass.", { minute: -8, key: "last-read", send: { state: "sent" }, readBy: [bob] }),
  message(bob, "Lost you for a second in the tunnel, the call came back by itself though.", { minute: 0 }),
  message(bob, "@alice:example.org can you bring the small stove?", { minute: 1, isMention: true, key: "newest" }),
];

const reaction = (key: string, names: readonly string[], parts: Partial<Reaction> = {}): Reaction => ({
  key,
  count: names.length,
  isOwn: names.includes("Alice Reyes"),
  isFailed: false,
  names: [...names],
  ...parts,
});
const answered = v.parse(eventIdSchema, "$answered");
const related: readonly TimelineItem[] = [
  message(bob, "Who brings the small stove?", {
    minute: 0,
    eventId: answered,
    reactions: [reaction("👍", ["Mira Okafor", "Alice Reyes"]), reaction("🔥", ["Mira Okafor"])],
  }),
  message(alice, "I do. And gas for two days.", {
    minute: 1,
    isEdited: true,
    eventId: v.parse(eventIdSchema, "$answer"),
    send: { state: "sent" },
    replyTo: { eventId: answered, sender: bob, kind: "text", text: "Who brings the small stove?" },
    reactions: [
      reaction("🎉", ["Bob Marsh", "Mira Okafor"], { count: 1_204 }),
      reaction("a very long word that is no emoji at all", ["Bob Marsh"]),
    ],
  }),
  message(mira, "Then I bring coffee", {
    minute: 3,
    replyTo: {
      eventId: answered,
      sender: alice,
      kind: "text",
      text: "A message so long that one line cannot hold it, because somebody wrote down all that has to be carried up to the hut",
    },
    reactions: [reaction("❤️", ["Alice Reyes"], { isFailed: true })],
  }),
  message(mira, "and the map", { minute: 4, replyTo: { eventId: answered, text: "" } }),
  message(bob, "Not this one", { minute: 5, replyTo: { eventId: answered, sender: mira, kind: "redacted", text: "" } }),
  message(alice, "This could not be removed", {
    minute: 6,
    txnId,
    send: {
      state: "wedged",
      change: "removal",
      error: { code: "forbidden", message: "The server does not allow it." },
    },
  }),
];
const sending: readonly TimelineItem[] = [
  start,
  message(bob, "Shall we?", { minute: 0 }),
  message(alice, "This one arrived", { minute: 1, send: { state: "sent" } }),
  message(alice, "This one was read by many", { minute: 2, send: { state: "sent" }, readBy: [bob, mira, ...readers] }),
  message(alice, "This one arrived and nobody has read it yet", { minute: 3, send: { state: "sent" } }),
  message(alice, "This one waits for its turn", { minute: 4, send: { state: "sending" } }),
  message(alice, "This one waits for the server", {
    minute: 5,
    send: { state: "sending", retryAtMs: Date.now() + 12_000 },
  }),
  message(alice, "This one was refused, and the text is still here.", {
    minute: 6,
    txnId: v.parse(txnIdSchema, "txn-wedged-1"),
    send: { state: "wedged", error: { code: "forbidden", message: "You are not allowed to write in this room." } },
  }),
];

const quiet: readonly TimelineItem[] = [
  start,
  undecryptable("missing-key", bob, 0),
  message(bob, "Did you get that?", { minute: 0 }),
  placeholder("redacted", mira, 1),
  placeholder("malformed"),
  message(mira, "waves", { minute: 2, msgtype: "emote" }),
  message(mira, "Build 412 passed in 3 min 10 s", { minute: 2, msgtype: "notice" }),
  message(mira, "terrace.jpg", { minute: 3, msgtype: "image" }),
  message(bob, "trip-plan-final-really-final-2.pdf", { minute: 4, msgtype: "file" }),
  message(bob, "I changed my mind about this.", { minute: 5, isEdited: true }),
  call(bob, "missed", "video", 9),
  call(alice, "missed", "voice", 10),
  call(bob, "declined", "voice", 11),
  call(bob, "elsewhere", "video", 12),
  call(alice, "failed", "video", 13),
  call(bob, "running", "video", 14),
];

const changes: readonly TimelineItem[] = [
  start,
  state(bob, { change: "room-created" }),
  state(bob, { change: "encryption-on" }),
  state(bob, { change: "room-name", name: "Climbing Saturday" }),
  ...readers.map((reader) => state(bob, membership("invited", reader))),
  ...readers.map((reader) => state(reader, membership("joined", reader))),
  message(bob, "Welcome, all of you.", { minute: 1 }),
  state(mira, { change: "display-name", from: "Mira", to: "Mira Okafor" }),
  message(mira, "Better so.", { minute: 2 }),
  state(mira, { change: "avatar" }),
  state(readers[0] ?? bob, membership("left", readers[0] ?? bob)),
];

const causes: readonly UndecryptableCause[] = [
  "missing-key",
  "key-too-new",
  "sent-before-we-joined",
  "history-without-backup",
  "history-unverified-device",
  "withheld-unverified",
  "withheld",
  "unsigned-device",
  "unknown-device",
  "verification-violation",
  "mismatched-sender",
  "replayed",
  "unsupported-algorithm",
  "malformed",
];
const unreadable: readonly TimelineItem[] = [
  start,
  state(bob, { change: "encryption-on" }),
  ...causes.map((cause, index) => undecryptable(cause, [bob, mira][Math.floor(index / 3) % 2] ?? bob, index)),
  placeholder("undecryptable", alice, 20),
  message(bob, "This one can be read.", { minute: 21 }),
  undecryptable("missing-key", bob, 22),
  undecryptable("missing-key", bob, 22),
  undecryptable("missing-key", bob, 23),
];

const shields: readonly Shield[] = [
  "authenticity-not-guaranteed",
  "unknown-device",
  "unsigned-device",
  "unverified-identity",
  "verification-violation",
  "mismatched-sender",
  "sent-in-clear",
];
const shielded: readonly TimelineItem[] = [
  start,
  ...shields.flatMap((shield, index) => [
    message([bob, mira, longName][index % 3] ?? bob, `Shield: ${shield}`, { minute: index * 2, shield }),
    message([bob, mira, longName][index % 3] ?? bob, "and one more", { minute: index * 2, shield }),
  ]),
  { ...call(bob, "missed", "voice", 20), shield: "sent-in-clear" },
  message(bob, "This one is all right.", { minute: 21 }),
];

const files: readonly TimelineItem[] = [
  start,
  fileMessage(bob, "trip-plan.pdf", { contentType: "application/pdf", sizeBytes: 2_412_000 }),
  fileMessage(bob, "huge.png", { contentType: "image/png", sizeBytes: 48_000_000 }, { msgtype: "image" }),
  fileMessage(
    mira,
    "IMG_0412.MOV",
    {
      contentType: "video/quicktime",
      sizeBytes: 1_204_000_000,
      durationMs: 64_000,
      caption: "From the summit ⛰️ https://example.org/summit",
    },
    { msgtype: "video" },
  ),
  fileMessage(
    mira,
    "voice.ogg",
    { contentType: "audio/ogg", sizeBytes: 31_000, durationMs: 12_400 },
    { msgtype: "audio", minute: 1 },
  ),
  fileMessage(bob, `${"a-very-long-name-".repeat(12)}final.tar.gz`, { sizeBytes: 0 }, { minute: 2 }),
  fileMessage(bob, "setup.exe", { sizeBytes: Number.NaN, isEncrypted: false }, { minute: 2 }),
  fileMessage(noor, "خطة الرحلة.pdf", { sizeBytes: 910 }, { minute: 3 }),
  fileMessage(bob, "", {}, { minute: 4 }),
  fileMessage(alice, "plan.ods", { sizeBytes: 12_300 }, { minute: 5, send: { state: "sending" }, txnId }),
  fileMessage(alice, "hut.zip", { sizeBytes: 48_200_000 }, { minute: 5, send: uploading, txnId }),
];

/** A picture as its sender describes it. */
const picture = (sender: Person, name: string, parts: Partial<FileView>, said: Said = {}): MessageItem =>
  fileMessage(
    sender,
    name,
    { contentType: "image/jpeg", sizeBytes: 480_200, widthPx: 4_032, heightPx: 3_024, ...parts },
    { msgtype: "image", ...said },
  );
const pictures: readonly TimelineItem[] = [
  start,
  picture(bob, "terrace.jpg", { hasThumbnail: true }),
  picture(bob, "small.png", { widthPx: 24, heightPx: 24 }),
  picture(mira, "ribbon.png", { widthPx: 6_000, heightPx: 90, caption: "The whole ridge, from west to east." }),
  picture(mira, "broken.png", { widthPx: 800, heightPx: 600 }, { minute: 1 }),
  picture(alice, "sent.jpg", {}, { minute: 2, send: { state: "sent" } }),
  picture(alice, "on-its-way.jpg", {}, { minute: 3, send: uploading, txnId }),
  picture(
    alice,
    "refused.jpg",
    {},
    {
      minute: 4,
      txnId,
      send: { state: "wedged", error: { code: "rejected", message: "The server takes files of up to 50 MB." } },
    },
  ),
];

const identityHeld: readonly TimelineItem[] = [
  start,
  message(bob, "I have a new phone.", { minute: 0 }),
  message(alice, "Which one?", {
    minute: 1,
    txnId: v.parse(txnIdSchema, "txn-wedged-2"),
    send: {
      state: "wedged",
      error: {
        code: "identity-changed",
        message: "The identity of Bob Marsh changed. Look at the change, then send again.",
      },
    },
  }),
];

const hardText: readonly TimelineItem[] = [
  start,
  message(noor, "مرحبا! هل نلتقي يوم السبت في الساعة 8:12؟ الرابط https://example.org/hut مفيد.", { minute: 0 }),
  message(bob, "Yes, السبت works. See you at the station.", { minute: 1 }),
  message(longName, "A name should never push the time out of sight.", { minute: 2 }),
  message(longName, `Donaudampfschifffahrtsgesellschaftskapitän${"smütze".repeat(40)}`, { minute: 3 }),
  message(alice, "    four spaces\n\ttab\n\n\nthree lines further down", { minute: 4 }),
  message(bob, "👍", { minute: 5 }),
  message(bob, "👩‍👩‍👧‍👦 🏳️‍🌈 🇫🇷 🫶🏽", { minute: 5 }),
  message(bob, "\u202Eevil text that turns the direction\u202C and https://example.org/\u202Egpj.exe", { minute: 6 }),
];

const words =
  "The quick brown fox reads the timetable, packs a stove, and asks whether there is still a bed in the hut for one more".split(
    " ",
  );

/** A long history of rows of mixed heights, oldest first. */
function history(count: number, from = 0): readonly TimelineItem[] {
  return Array.from({ length: count }, (_, index) => {
    const at = from + index;
    const sender = [alice, bob, mira][Math.floor(at / 3) % 3] ?? bob;
    const body = Array.from({ length: 3 + ((at * 7919) % 45) }, (__, word) => words[(at + word) % words.length]).join(
      " ",
    );
    return message(sender, `${at}: ${body}`, { key: `h${at}`, minute: (at - 20_000) * 2 });
  });
}

const states: readonly { name: string; props: Partial<TimelineViewProps> }[] = [
  {
    name: "everyday",
    props: { content: { status: "ready", items: everyday }, readMark: { readUpTo: "$last-read", newestKey: "newest" } },
  },
  { name: "replies and reactions", props: { room: hut, content: { status: "ready", items: related } } },
  { name: "sending", props: { content: { status: "ready", items: sending } } },
  { name: "placeholders, tiles and calls", props: { content: { status: "ready", items: quiet } } },
  { name: "not readable", props: { content: { status: "ready", items: unreadable } } },
  {
    name: "not readable, nothing to offer",
    props: {
      actions: { ...actions, onVerify: undefined },
      content: { status: "ready", items: [start, undecryptable("history-unverified-device", bob, 0)] },
    },
  },
  { name: "shields", props: { room: hut, content: { status: "ready", items: shielded } } },
  { name: "files", props: { content: { status: "ready", items: files } } },
  { name: "pictures", props: { content: { status: "ready", items: pictures } } },
  {
    name: "files, not to be had",
    props: { actions: { ...actions, onFetchFile: undefined }, content: { status: "ready", items: files } },
  },
  { name: "held back by a changed identity", props: { content: { status: "ready", items: identityHeld } } },
  { name: "changes of state", props: { room: hut, content: { status: "ready", items: changes } } },
  { name: "long names, right to left, emoji", props: { room: hut, content: { status: "ready", items: hardText } } },
  {
    name: "10,000 messages",
    props: {
      room: hut,
      content: { status: "ready", items: history(10_000) },
      readMark: { readUpTo: "$h9990", newestKey: "h9999" },
    },
  },
  {
    name: "gap, filling",
    props: {
      content: {
        status: "ready",
        items: [start, ...history(2), { kind: "gap", key: "gap", isFilling: true }, ...history(2, 900)],
      },
    },
  },
  {
    name: "gap, failed",
    props: {
      content: {
        status: "ready",
        items: [
          start,
          ...history(2),
          { kind: "gap", key: "gap", isFilling: false, error: { code: "offline", message: "There is no connection." } },
          ...history(2, 900),
        ],
      },
    },
  },
  { name: "loading earlier messages", props: { isPaginating: true, content: { status: "ready", items: history(4) } } },
  {
    name: "earlier messages failed",
    props: {
      content: { status: "ready", items: history(3) },
      paginateError: { code: "server-error", message: "The server has a problem. Try again in a while." },
    },
  },
  { name: "empty direct room", props: { content: { status: "ready", items: [start] } } },
  {
    name: "empty room",
    props: { room: { ...hut, name: longName.displayName }, content: { status: "ready", items: [start] } },
  },
  { name: "loading", props: { content: { status: "loading" } } },
  {
    name: "lost",
    props: {
      content: { status: "lost", error: { code: "store-corrupt", message: "The data on this computer is damaged." } },
    },
  },
];

/** Every state of the timeline. */
export const gallery: readonly { name: string; render: () => ReactNode }[] = states.map(({ name, props }) => ({
  name: `Timeline: ${name}`,
  render: () => (
    <div className={styles["stage"]}>
      <TimelineView room={room} content={{ status: "loading" }} actions={actions} {...props} />
    </div>
  ),
}));
