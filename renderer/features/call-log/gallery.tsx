/**
 * The list of calls in its states, from canned props. Shown by renderer/app's gallery. Invariant: no engine is needed.
 */
import type { ReactNode } from "react";
import { useState } from "react";
import type { CallId, RoomId, UserId } from "../../../preload/contract/ids.ts";
import type { CallLogRow } from "../../../preload/contract/views.ts";
import type { CallLogFilter } from "./call-log-model.ts";
import { CallLogView } from "./CallLogView.tsx";

const nothing = () => {};
const HOUR_MS = 3_600_000;
const people = ["Bob Marsh", "Mira Okafor", "Jonas Lindqvist", "Theodora Papadopoulou-Vandenberghe of Long Names"];

const call = (index: number, hoursAgo: number, more: Partial<CallLogRow> = {}): CallLogRow => {
  const name = people[index % people.length] ?? "";
  return {
    key: `call${index}` as CallId,
    callId: `call${index}` as CallId,
    roomId: `!room${index % people.length}:example.org` as RoomId,
    roomName: name,
    peer: { userId: `@person${index % people.length}:example.org` as UserId, displayName: name },
    direction: "incoming",
    media: "voice",
    outcome: "ended",
    startedAtMs: Date.now() - hoursAgo * HOUR_MS,
    isNew: false,
    ...more,
  };
};

const calls: readonly CallLogRow[] = [
  call(2, 0.2, { outcome: "missed", media: "video", isNew: true }),
  call(0, 1, { direction: "outgoing", media: "video", durationMs: 760_000 }),
  call(3, 2, { outcome: "missed", roomName: "Climbing Saturday", isNew: true }),
  call(1, 26, { durationMs: 4_000_000 }),
  call(4, 27, { direction: "outgoing", outcome: "missed" }),
  call(5, 28, { outcome: "elsewhere" }),
  call(6, 100, { direction: "outgoing", outcome: "failed", media: "video" }),
  call(7, 101, { outcome: "declined" }),
  call(8, 102, { direction: "outgoing", outcome: "cancelled" }),
];
const many = Array.from({ length: 200 }, (_, index) => call(index, index * 3, { durationMs: (index + 1) * 31_000 }));

function CannedLog({
  items,
  problem,
  startsWith = "all",
}: {
  items: readonly CallLogRow[] | undefined;
  problem?: string;
  startsWith?: CallLogFilter;
}) {
  const [filter, setFilter] = useState<CallLogFilter>(startsWith);
  return (
    <div style={{ inlineSize: "19rem", maxInlineSize: "100%", blockSize: "44rem", background: "var(--surface-panel)" }}>
      <CallLogView
        calls={items}
        problem={problem}
        filter={filter}
        isBusy={false}
        avatarUrl={() => undefined}
        onFilter={setFilter}
        onOpenRoom={nothing}
        onCall={nothing}
        onLeave={nothing}
      />
    </div>
  );
}

/** For the gallery. */
export const callLogGallery: readonly { name: string; render: () => ReactNode }[] = [
  { name: "call log", render: () => <CannedLog items={calls} /> },
  { name: "call log: missed", render: () => <CannedLog items={calls} startsWith="missed" /> },
  { name: "call log: none", render: () => <CannedLog items={[]} /> },
  { name: "call log: none missed", render: () => <CannedLog items={[]} startsWith="missed" /> },
  { name: "call log: many", render: () => <CannedLog items={many} /> },
  { name: "call log: loading", render: () => <CannedLog items={undefined} /> },
  { name: "call log: lost", render: () => <CannedLog items={undefined} problem="The disk is full." /> },
];
