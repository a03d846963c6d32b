/**
 * The timeline in each of its states, from canned props. Shown by renderer/app's gallery.
 * Invariant: no engine is needed, and times are relative to now, so that "Today" is today.
 */
import type { ReactNode } from "react";
import * as v from "valibot";
import { callIdSchema, eventIdSchema, txnIdSchema, userIdSchema } from "../../../preload/contract/ids.ts";
import type { Person, TimelineItem } from "../../../preload/contract/views.ts";
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
  onOpenLink: () => {},
  onCopy: () => {},
  onRetry: () => {},
  onDiscard: () => {},
  onPaginate: () => {},
};
const room = { avatarId: "!room:example.org", name: "Bob Marsh", isDirect: true };
const hut = { avatarId: "!hut:example.org", name: "Climbing Saturday", isDirect: false };

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
  placeholder("encrypted", bob, 0),
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
  { name: "sending", props: { content: { status: "ready", items: sending } } },
  { name: "placeholders, tiles and calls", props: { content: { status: "ready", items: quiet } } },
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
