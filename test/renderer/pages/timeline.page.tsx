/**
 * A room's timeline over items that the test changes from outside, by `window.timeline`. Bundled and shown by
 * test/renderer/timeline-motion.test.ts. Invariant: rows of mixed heights, the same on every run.
 */
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";
import * as v from "valibot";
import { eventIdSchema, txnIdSchema, userIdSchema } from "../../../preload/contract/ids.ts";
import type { EngineErrorData } from "../../../preload/contract/errors.ts";
import type { Shield, TimelineItem, UndecryptableCause } from "../../../preload/contract/views.ts";
import { TimelineView } from "../../../renderer/features/timeline/TimelineView.tsx";
import type { MessageItem } from "../../../renderer/features/timeline/group-items.ts";
import { setUpText } from "../../../renderer/text/text.ts";
import "../../../renderer/ui/base.css";

const WORDS = "The quick brown fox reads the timetable packs a stove and asks whether there is a bed in the hut".split(
  " ",
);
const people = ["alice", "bob", "mira"].map((name) => ({
  userId: v.parse(userIdSchema, `@${name}:example.org`),
  displayName: name,
}));
const noonMs = new Date().setHours(12, 0, 0, 0);

function message(at: number): TimelineItem {
  const distance = Math.abs(at);
  const turn = Math.floor(distance / 3) % people.length;
  const words = Array.from(
    { length: 3 + ((distance * 7919) % 60) },
    (_, word) => WORDS[(distance + word) % WORDS.length],
  );
  return {
    kind: "message",
    key: `h${at}`,
    eventId: v.parse(eventIdSchema, `$h${at}`),
    sender: people[turn]!,
    isOwn: turn === 0,
    originServerTs: noonMs + at * 60_000,
    msgtype: "text",
    body: `${at}: ${words.join(" ")}${at % 5 === 0 ? "\n\nhttps://example.org/hut" : ""}`,
    isEdited: false,
    isMention: false,
    readBy: [],
  };
}

let items: readonly TimelineItem[] = Array.from({ length: 50 }, (_, index) => message(index - 50));
let belowPx = 100;
/** What becomes of a file that is asked for. */
let fetchAnswer: EngineErrorData | undefined | "never";
const seen: {
  opened: string[];
  copied: string[];
  left: number;
  retries: number;
  verifies: number;
  fetched: string[];
  discarded: string[];
  /** What was asked for a message, by its tools. */
  done: string[];
} = {
  opened: [],
  copied: [],
  left: 0,
  retries: 0,
  verifies: 0,
  fetched: [],
  discarded: [],
  done: [],
};
const root = createRoot(document.body.appendChild(document.createElement("div")));

const actions = {
  mediaUrl: () => undefined,
  fileUrl: (item: MessageItem, part: string) => `/file/${item.key}/${part}`,
  onOpenLink: (href: string) => void seen.opened.push(href),
  onCopy: (text: string) => void seen.copied.push(text),
  onRetry: () => {},
  onDiscard: (txnId: string) => void seen.discarded.push(txnId),
  onReply: ({ key }: MessageItem) => void seen.done.push(`reply ${key}`),
  onEdit: ({ key }: MessageItem) => void seen.done.push(`edit ${key}`),
  onRemove: ({ key }: MessageItem) => void seen.done.push(`remove ${key}`),
  onReact: ({ key }: MessageItem, reaction: string, isOn: boolean) =>
    void seen.done.push(`${isOn ? "react" : "take back"} ${reaction} ${key}`),
  onPaginate: () => {},
  onRetryDecryption: () => void (seen.retries += 1),
  onVerify: () => void (seen.verifies += 1),
  onFetchFile(item: MessageItem, purpose: "open" | "save", signal: AbortSignal) {
    seen.fetched.push(`${purpose} ${item.key}`);
    if (fetchAnswer !== "never") return Promise.resolve(fetchAnswer);
    return new Promise<EngineErrorData>((resolve) => {
      signal.addEventListener("abort", () => {
        seen.fetched.push(`stop ${item.key}`);
        resolve({ code: "cancelled", message: "Cancelled." });
      });
    });
  },
};

function draw(next: readonly TimelineItem[] = items): void {
  items = next;
  flushSync(() =>
    root.render(
      <div style={{ height: "100vh", display: "flex", flexDirection: "column" }}>
        <TimelineView
          room={{ avatarId: "!hut:example.org", name: "Hut", isDirect: false, isEncrypted: true }}
          content={{ status: "ready", items }}
          actions={actions}
          onLeave={() => (seen.left += 1)}
        />
        <button type="button" style={{ flex: "none", height: belowPx }}>
          below
        </button>
      </div>,
    ),
  );
}

const numberOf = (item: TimelineItem | undefined) => Number(item?.key.slice(1));
function grow(key: string | undefined): void {
  const longer = (item: TimelineItem) =>
    item.key === key && item.kind === "message" ? { ...item, body: `${item.body}\nmore\nmore` } : item;
  draw(items.map(longer));
}

/** Puts this in place of the item of that key; what is not named stays a message of the same sender. */
const change = (key: string, parts: object) =>
  draw(items.map((item) => (item.key === key ? { ...item, ...parts } : item)));

const unreadable = (at: number, cause: UndecryptableCause): TimelineItem => {
  const { key, eventId, sender, originServerTs } = message(at) as Extract<TimelineItem, { kind: "message" }>;
  return { kind: "placeholder", key, eventId, sender, originServerTs, reason: "undecryptable", cause };
};

const controls = {
  /** Makes the rows from `from` to `to` unreadable. */
  lock: (from: number, to: number) =>
    draw(
      items.map((item) =>
        numberOf(item) >= from && numberOf(item) <= to ? unreadable(numberOf(item), "missing-key") : item,
      ),
    ),
  /** Their keys arrive. */
  unlock: () => draw(items.map((item) => (item.kind === "placeholder" ? message(numberOf(item)) : item))),
  showCauses: (causes: readonly UndecryptableCause[]) =>
    draw(causes.map((cause, index) => unreadable(index * 6, cause))),
  showShields: (shields: readonly Shield[]) =>
    draw(shields.map((shield, index) => ({ ...message(index * 6), shield }) as TimelineItem)),
  change,
  answerFetch: (answer: typeof fetchAnswer) => void (fetchAnswer = answer),
  seen,
  prepend(count: number) {
    const first = numberOf(items[0]);
    draw([...Array.from({ length: count }, (_, index) => message(first - count + index)), ...items]);
  },
  append: () => draw([...items, message(numberOf(items.at(-1)) + 1)]),
  write() {
    const own = { ...message(numberOf(items.at(-1)) + 1), isOwn: true, txnId: v.parse(txnIdSchema, "txn-00000001") };
    draw([...items, { ...own, send: { state: "sending" } } as TimelineItem]);
  },
  grow,
  growLast: () => grow(items.at(-1)?.key),
  openGap(key: string) {
    const at = items.findIndex((item) => item.key === key);
    draw([...items.slice(0, at), { kind: "gap", key: "gap", isFilling: true }, ...items.slice(at)]);
  },
  fillGap() {
    const at = items.findIndex((item) => item.kind === "gap");
    const found = Array.from({ length: 30 }, (_, index) => message(5_000 + index));
    draw([...items.slice(0, at), ...found, ...items.slice(at + 1)]);
  },
  growComposer() {
    belowPx = 320;
    draw();
  },
};
declare global {
  interface Window {
    timeline: typeof controls;
  }
}

setUpText("en");
window.timeline = controls;
draw();
