/**
 * Draws the room list from props: title, search, chips, and the virtual list of sections and rows.
 * Used by RoomListPane and the gallery. One tab stop for the whole list: arrow keys, Home and End move within.
 * Invariant: the row with the focus is always rendered, also when it is scrolled out of sight.
 */
import { useMemo, useRef, useState } from "react";
import type { KeyboardEvent, RefObject, Ref } from "react";
import { defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import { ChevronDown, Hash, MessageCirclePlus, Plus, Search, Users, X } from "lucide-react";
import { SearchField } from "react-aria-components/SearchField";
import { Input } from "react-aria-components/Input";
import { Button as AriaButton } from "react-aria-components/Button";
import type { MxcUri, RoomId } from "../../../preload/contract/ids.ts";
import type { RoomRow } from "../../../preload/contract/views.ts";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { Chips } from "../../ui/Chips.tsx";
import { cx } from "../../ui/cx.ts";
import { EmptyState } from "../../ui/EmptyState.tsx";
import { IconButton } from "../../ui/IconButton.tsx";
import { Menu } from "../../ui/Menu.tsx";
import { Skeleton } from "../../ui/Skeleton.tsx";
import { listEntries } from "./room-list-model.ts";
import type { RoomFilter, RoomListEntry, SectionId } from "./room-list-model.ts";
import { RoomRowView } from "./RoomRowView.tsx";
import { useMinute } from "./use-minute.ts";
import styles from "./room-list.module.css";

export type RoomListViewProps = {
  rows: readonly RoomRow[] | undefined;
  isLoading: boolean;
  /** The list cannot be had at all. */
  problem?: string;
  /** The last answer to an invite failed. */
  inviteProblem?: string;
  openRoomId: RoomId | undefined;
  filter: RoomFilter;
  query: string;
  folded: ReadonlySet<SectionId>;
  busyInvites: ReadonlySet<RoomId>;
  searchRef?: Ref<HTMLInputElement>;
  searchShortcut: string;
  avatarUrl: (mxc: MxcUri | undefined) => string | undefined;
  onFilter: (filter: RoomFilter) => void;
  onQuery: (query: string) => void;
  onToggleSection: (section: SectionId) => void;
  onOpenRoom: (roomId: RoomId) => void;
  onAnswerInvite: (roomId: RoomId, isAccepted: boolean) => void;
  onNewDirect: () => void;
  onNewRoom: () => void;
};

const ROW_REM = 3.1875;
const SECTION_REM = 2.125;
const SKELETON_ROWS = 9;
const sectionKeys = {
  invites: "roomList.sectionInvites",
  favourites: "roomList.sectionFavourites",
  people: "roomList.sectionPeople",
  rooms: "roomList.sectionRooms",
  lowPriority: "roomList.sectionLowPriority",
} as const;

/** The room list. */
export function RoomListView(props: RoomListViewProps) {
  const t = useText();
  const { rows, filter, query, folded, openRoomId } = props;
  const listRef = useRef<HTMLDivElement>(null);
  const entries = useMemo(
    () => listEntries({ rows: rows ?? [], filter, query, folded, openRoomId }),
    [rows, filter, query, folded, openRoomId],
  );
  const isSearching = query.trim() !== "";

  const onSearchKey = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") {
      event.preventDefault();
      listRef.current?.querySelector<HTMLElement>("[data-entry]")?.focus();
    } else if (event.key === "Enter") {
      const first = entries.find((entry) => entry.kind === "room");
      if (!first || !isSearching) return;
      event.preventDefault();
      props.onQuery("");
      props.onOpenRoom(first.row.roomId);
    }
  };

  return (
    <nav className={styles["list"]} aria-label={t("roomList.label")}>
      <header className={styles["head"]}>
        <div className={styles["titleLine"]}>
          <h1 className={styles["title"]}>{t("roomList.title")}</h1>
          <Menu
            label={t("roomList.new")}
            trigger={<IconButton size="small" icon={<Plus className={styles["plus"]} />} label={t("roomList.new")} />}
            entries={[
              {
                id: "direct",
                label: t("roomList.newDirect"),
                icon: <MessageCirclePlus />,
                onAction: props.onNewDirect,
              },
              { id: "room", label: t("roomList.newRoom"), icon: <Hash />, onAction: props.onNewRoom },
            ]}
          />
        </div>
        <SearchField
          aria-label={t("roomList.search")}
          // What is looked for is nobody's business; the browser would keep it.
          autoComplete="off"
          value={query}
          onChange={props.onQuery}
          className={styles["search"] ?? ""}
        >
          <Search aria-hidden="true" />
          <Input
            className={styles["searchInput"] ?? ""}
            placeholder={t("roomList.searchPlaceholder")}
            onKeyDown={onSearchKey}
            {...(props.searchRef ? { ref: props.searchRef } : {})}
          />
          {query === "" ? (
            <kbd className={styles["searchKey"]} aria-hidden="true">
              {props.searchShortcut}
            </kbd>
          ) : (
            <AriaButton className={styles["clear"] ?? ""} aria-label={t("roomList.clearSearch")}>
              <X />
            </AriaButton>
          )}
        </SearchField>
        <Chips<RoomFilter>
          label={t("roomList.filters")}
          options={[
            { id: "all", label: t("roomList.filterAll") },
            { id: "unread", label: t("roomList.filterUnread") },
            { id: "people", label: t("roomList.filterPeople") },
            { id: "rooms", label: t("roomList.filterRooms") },
          ]}
          selected={filter}
          onSelect={props.onFilter}
        />
      </header>
      {props.inviteProblem === undefined ? null : (
        <p className={styles["problem"]} role="alert">
          {props.inviteProblem}
        </p>
      )}
      {props.problem !== undefined ? (
        <EmptyState title={t("roomList.lostTitle")} body={props.problem} />
      ) : props.isLoading ? (
        <RoomListSkeleton label={t("roomList.loading")} />
      ) : entries.length === 0 ? (
        <NothingToShow {...props} isSearching={isSearching} />
      ) : (
        <EntryList {...props} entries={entries} listRef={listRef} />
      )}
    </nav>
  );
}

type EntryListProps = RoomListViewProps & {
  entries: readonly RoomListEntry[];
  listRef: RefObject<HTMLDivElement | null>;
};

function EntryList({ entries, listRef, ...props }: EntryListProps) {
  const t = useText();
  const nowMs = useMinute();
  const [focusKey, setFocusKey] = useState<string>();
  const rootPx = useMemo(() => Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16, []);
  const focusIndex = Math.max(
    0,
    entries.findIndex((entry) =>
      focusKey === undefined ? entry.kind === "room" && entry.row.roomId === props.openRoomId : entry.key === focusKey,
    ),
  );
  const virtualizer = useVirtualizer({
    count: entries.length,
    getScrollElement: () => listRef.current,
    estimateSize: (index) => (entries[index]?.kind === "section" ? SECTION_REM : ROW_REM) * rootPx,
    getItemKey: (index) => entries[index]?.key ?? index,
    overscan: 8,
    rangeExtractor: (range) => {
      const indexes = defaultRangeExtractor(range);
      return indexes.includes(focusIndex) || focusIndex >= range.count
        ? indexes
        : [...indexes, focusIndex].toSorted((a, b) => a - b);
    },
  });

  const focusEntry = (index: number) => {
    const entry = entries[index];
    if (!entry) return;
    setFocusKey(entry.key);
    virtualizer.scrollToIndex(index, { align: "auto" });
    // The entry may be rendered only by the state change above.
    requestAnimationFrame(() => {
      for (const element of listRef.current?.querySelectorAll<HTMLElement>("[data-entry]") ?? []) {
        if (element.dataset["entry"] === entry.key) element.focus();
      }
    });
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const target = { ArrowDown: focusIndex + 1, ArrowUp: focusIndex - 1, Home: 0, End: entries.length - 1 }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    focusEntry(Math.min(Math.max(target, 0), entries.length - 1));
  };

  return (
    <div className={styles["scroller"]} ref={listRef}>
      {/* The keys of the entries' buttons bubble up to here. */}
      {/* oxlint-disable jsx-a11y/no-noninteractive-element-interactions */}
      <div
        role="list"
        aria-label={t("roomList.label")}
        className={styles["entries"]}
        style={{ blockSize: virtualizer.getTotalSize() }}
        onKeyDown={onKeyDown}
      >
        {virtualizer.getVirtualItems().map((item) => {
          const entry = entries[item.index];
          if (!entry) return null;
          const isTabStop = item.index === focusIndex;
          return (
            <div
              key={entry.key}
              role="listitem"
              aria-setsize={entries.length}
              aria-posinset={item.index + 1}
              ref={virtualizer.measureElement}
              data-index={item.index}
              className={styles["entry"]}
              style={{ transform: `translateY(${item.start}px)` }}
              onFocus={() => setFocusKey(entry.key)}
            >
              {entry.kind === "section" ? (
                <h2 className={styles["section"]}>
                  <button
                    type="button"
                    className={styles["sectionButton"]}
                    aria-expanded={!entry.isFolded}
                    tabIndex={isTabStop ? 0 : -1}
                    data-entry={entry.key}
                    onClick={() => props.onToggleSection(entry.section)}
                  >
                    <ChevronDown
                      className={cx(styles["chevron"], entry.isFolded && styles["folded"])}
                      aria-hidden="true"
                    />
                    {t(sectionKeys[entry.section])}
                    {entry.isFolded && entry.unreadCount > 0 ? (
                      <span className={styles["foldedCount"]}>{entry.unreadCount}</span>
                    ) : null}
                  </button>
                </h2>
              ) : (
                <RoomRowView
                  row={entry.row}
                  isOpen={entry.row.roomId === props.openRoomId}
                  isTabStop={isTabStop}
                  isBusy={props.busyInvites.has(entry.row.roomId)}
                  nowMs={nowMs}
                  avatarSrc={props.avatarUrl(entry.row.avatarMxc)}
                  onOpen={props.onOpenRoom}
                  onAnswerInvite={props.onAnswerInvite}
                />
              )}
            </div>
          );
        })}
      </div>
      {/* oxlint-enable jsx-a11y/no-noninteractive-element-interactions */}
    </div>
  );
}

function NothingToShow({
  rows,
  filter,
  query,
  isSearching,
  onFilter,
  onNewDirect,
}: RoomListViewProps & { isSearching: boolean }) {
  const t = useText();
  if (isSearching) {
    return (
      <EmptyState
        icon={<Search />}
        title={t("roomList.noMatchTitle", { query: query.trim() })}
        body={t("roomList.noMatchBody")}
        action={<Button onPress={onNewDirect}>{t("roomList.newDirect")}</Button>}
      />
    );
  }
  if (filter !== "all" && (rows?.length ?? 0) > 0) {
    const words = {
      unread: [t("roomList.noUnreadTitle"), t("roomList.noUnreadBody")],
      people: [t("roomList.noPeopleTitle"), undefined],
      rooms: [t("roomList.noRoomsTitle"), undefined],
    }[filter];
    return (
      <EmptyState
        title={words[0] ?? ""}
        {...(words[1] === undefined ? {} : { body: words[1] })}
        action={<Button onPress={() => onFilter("all")}>{t("roomList.showAll")}</Button>}
      />
    );
  }
  return (
    <EmptyState
      icon={<Users />}
      title={t("roomList.emptyTitle")}
      body={t("roomList.emptyBody")}
      action={
        <Button variant="primary" onPress={onNewDirect}>
          {t("roomList.emptyAction")}
        </Button>
      }
    />
  );
}

function RoomListSkeleton({ label }: { label: string }) {
  return (
    <div className={styles["scroller"]} role="status" aria-label={label}>
      {Array.from({ length: SKELETON_ROWS }, (_, index) => (
        <div key={index} className={styles["skeletonRow"]}>
          <Skeleton shape={index % 3 === 1 ? "squircle" : "round"} />
          <div className={styles["skeletonWords"]}>
            <Skeleton width={`${45 + ((index * 17) % 30)}%`} />
            <Skeleton width={`${60 + ((index * 23) % 35)}%`} height="0.5rem" />
          </div>
        </div>
      ))}
    </div>
  );
}
