/**
 * Draws the list of calls from props: title, chips, days, calls. Used by CallLogPane and the gallery.
 * Invariants: beyond a screenful only what is near is drawn; arrow keys lead from call to call, Tab from the call to
 * its two buttons; a missed call is told by sign and word, not by colour alone.
 */
import { useEffect, useMemo, useRef, useState } from "react";
import type { CSSProperties, KeyboardEvent } from "react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { Phone, PhoneIncoming, PhoneMissed, PhoneOutgoing, Video } from "lucide-react";
import { Button as AriaButton } from "react-aria-components/Button";
import type { MxcUri, RoomId } from "../../../preload/contract/ids.ts";
import type { CallLogRow } from "../../../preload/contract/views.ts";
import { formatDuration, formatFull, formatTime } from "../../text/format.ts";
import { useText } from "../../text/text.ts";
import { Avatar } from "../../ui/Avatar.tsx";
import { Button } from "../../ui/Button.tsx";
import { Chips } from "../../ui/Chips.tsx";
import { EmptyState } from "../../ui/EmptyState.tsx";
import { IconButton } from "../../ui/IconButton.tsx";
import { Skeleton } from "../../ui/Skeleton.tsx";
import { VisuallyHidden } from "../../ui/VisuallyHidden.tsx";
import { callLogEntries, callWords, isMissed, outcomeWords } from "./call-log-model.ts";
import type { CallLogEntry, CallLogFilter } from "./call-log-model.ts";
import styles from "./call-log.module.css";

export type CallLogViewProps = {
  /** Undefined while they are being loaded. */
  calls: readonly CallLogRow[] | undefined;
  problem?: string | undefined;
  filter: CallLogFilter;
  /** A call runs in this window: no other is begun beside it. */
  isBusy: boolean;
  avatarUrl: (mxc: MxcUri | undefined) => string | undefined;
  onFilter: (filter: CallLogFilter) => void;
  onOpenRoom: (roomId: RoomId) => void;
  onCall: (roomId: RoomId, media: CallLogRow["media"]) => void;
  onLeave: () => void;
};

const ROW_REM = 3.25;
const DAY_REM = 2.125;
const SKELETON_ROWS = 7;
/** A list that is no longer than this is drawn as a whole. */
const MAX_DRAWN = 50;

/** The list of calls. */
export function CallLogView(props: CallLogViewProps) {
  const { calls, problem, filter } = props;
  const t = useText();
  const nowMs = useMinute();
  const entries = useMemo(() => callLogEntries(calls ?? [], filter, nowMs), [calls, filter, nowMs]);
  return (
    <nav className={styles["log"]} aria-label={t("callLog.title")}>
      <header className={styles["head"]}>
        <h1 className={styles["title"]}>{t("callLog.title")}</h1>
        <Chips<CallLogFilter>
          label={t("callLog.filters")}
          options={[
            { id: "all", label: t("callLog.filterAll") },
            { id: "missed", label: t("callLog.filterMissed") },
          ]}
          selected={filter}
          onSelect={props.onFilter}
        />
      </header>
      {problem !== undefined ? (
        <EmptyState title={t("callLog.lostTitle")} body={problem} />
      ) : calls === undefined ? (
        <div className={styles["skeletons"]} role="status" aria-label={t("callLog.loading")}>
          {Array.from({ length: SKELETON_ROWS }, (_, index) => (
            <div key={index} className={styles["skeleton"]}>
              <Skeleton shape="round" />
              <Skeleton width={`${9 - (index % 3) * 1.5}rem`} />
            </div>
          ))}
        </div>
      ) : entries.length === 0 ? (
        <EmptyState
          icon={<Phone />}
          title={t(filter === "missed" ? "callLog.emptyMissedTitle" : "callLog.emptyTitle")}
          body={t(filter === "missed" ? "callLog.emptyMissedBody" : "callLog.emptyBody")}
          action={filter === "missed" ? undefined : <Button onPress={props.onLeave}>{t("callLog.emptyAction")}</Button>}
        />
      ) : (
        <Entries {...props} entries={entries} />
      )}
    </nav>
  );
}

/** The present time, to the minute: "Today" becomes "Yesterday". */
function useMinute(): number {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 60_000);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}

/** Moves between calls by the arrow keys; only those that are drawn are there to be moved to. */
function onListKey(event: KeyboardEvent<HTMLElement>): void {
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-call]")];
  const from = rows.findIndex((row) => row.contains(document.activeElement));
  const to =
    event.key === "ArrowDown"
      ? from + 1
      : event.key === "ArrowUp"
        ? from - 1
        : event.key === "Home"
          ? 0
          : event.key === "End"
            ? rows.length - 1
            : undefined;
  const target = to === undefined ? undefined : rows[to]?.querySelector("button");
  if (!target) return;
  event.preventDefault();
  target.focus();
}

function Entries({ entries, ...props }: CallLogViewProps & { entries: readonly CallLogEntry[] }) {
  const list = useRef<HTMLDivElement>(null);
  const rootPx = useMemo(() => Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16, []);
  const isVirtual = entries.length > MAX_DRAWN;
  const virtualizer = useVirtualizer({
    enabled: isVirtual,
    count: entries.length,
    getScrollElement: () => list.current,
    estimateSize: (index) => (entries[index]?.kind === "day" ? DAY_REM : ROW_REM) * rootPx,
    getItemKey: (index) => entries[index]?.key ?? index,
    overscan: 8,
  });
  const drawn: { index: number; style?: CSSProperties }[] = isVirtual
    ? virtualizer.getVirtualItems().map(({ index, start }) => ({
        index,
        style: { position: "absolute", insetBlockStart: 0, insetInline: 0, transform: `translateY(${start}px)` },
      }))
    : entries.map((_, index) => ({ index }));
  return (
    // The list leads the arrow keys of the buttons within; the rule does not know that.
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions
    <div ref={list} className={styles["scroll"]} onKeyDown={onListKey}>
      <ul
        className={styles["entries"]}
        style={isVirtual ? { blockSize: `${virtualizer.getTotalSize()}px` } : undefined}
      >
        {drawn.map(({ index, style }) => {
          const entry = entries[index];
          if (!entry) return null;
          return (
            <li key={entry.key} style={style} {...(entry.kind === "call" ? { "data-call": "" } : {})}>
              {entry.kind === "day" ? (
                <h2 className={styles["day"]}>{entry.label}</h2>
              ) : (
                <Call {...props} call={entry.call} />
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function Call({ call, isBusy, avatarUrl, onOpenRoom, onCall }: Omit<CallLogViewProps, "calls"> & { call: CallLogRow }) {
  const t = useText();
  const { peer, roomId } = call;
  const name = peer.displayName;
  const hasMissed = isMissed(call);
  const Sign = hasMissed ? PhoneMissed : call.direction === "incoming" ? PhoneIncoming : PhoneOutgoing;
  const outcome = outcomeWords(call);
  const words = t(callWords(call));
  // For the eye the sign says the direction, and the picture the kind.
  const saysKind = hasMissed || (outcome === undefined && call.durationMs === undefined);
  const facts = [
    ...(saysKind ? [words] : []),
    ...(outcome === undefined ? [] : [t(outcome)]),
    ...(call.durationMs === undefined ? [] : [formatDuration(call.durationMs)]),
    ...(call.roomName === name || call.roomName === "" ? [] : [t("callLog.inRoom", { room: call.roomName })]),
  ];
  return (
    <div className={styles["row"]} data-new={call.isNew || undefined}>
      <AriaButton className={styles["main"] ?? ""} onPress={() => onOpenRoom(roomId)}>
        <Avatar name={name} id={peer.userId} src={avatarUrl(peer.avatarMxc)} />
        <span className={styles["lines"]}>
          <span className={styles["name"]}>{name}</span>
          <span className={styles["what"]} data-tone={hasMissed ? "missed" : undefined}>
            <Sign aria-hidden="true" />
            {call.media === "video" ? <Video aria-hidden="true" /> : null}
            {saysKind ? null : <VisuallyHidden>{`${words}, `}</VisuallyHidden>}
            <span className={styles["facts"]}>{facts.join(" · ")}</span>
          </span>
        </span>
        <span className={styles["time"]} title={formatFull(call.startedAtMs)}>
          {formatTime(call.startedAtMs)}
          {call.isNew ? (
            <>
              <span className={styles["dot"]} aria-hidden="true" />
              <VisuallyHidden>{t("callLog.new")}</VisuallyHidden>
            </>
          ) : null}
        </span>
      </AriaButton>
      <span className={styles["tools"]}>
        <IconButton
          size="small"
          icon={<Phone />}
          label={t("callLog.callVoice", { name })}
          isDisabled={isBusy}
          onPress={() => onCall(roomId, "voice")}
        />
        <IconButton
          size="small"
          icon={<Video />}
          label={t("callLog.callVideo", { name })}
          isDisabled={isBusy}
          onPress={() => onCall(roomId, "video")}
        />
      </span>
    </div>
  );
}
