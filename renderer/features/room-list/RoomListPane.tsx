/**
 * Connects the room list to the engine: rows, invites to accept or decline, filter, search, folding.
 * Mounted by renderer/app, which says which room is open and opens others; `handleRef` gives the app what its
 * keyboard map needs. Invariant: choosing a room is the app's business, the list only asks for it.
 */
import { useImperativeHandle, useRef, useState } from "react";
import type { Ref } from "react";
import type { AccountId, RoomId } from "../../../preload/contract/ids.ts";
import { useAvatarUrl } from "../../engine-client/media-url.ts";
import { useCommand } from "../../engine-client/use-command.ts";
import { useTopic, useTopicItem } from "../../engine-client/use-topic.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { isUnread, roomOrder } from "./room-list-model.ts";
import type { RoomFilter } from "./room-list-model.ts";
import { RoomListView } from "./RoomListView.tsx";
import { useFoldedSections } from "./use-folded-sections.ts";

/** What the app's keyboard map can do with the list. */
export type RoomListHandle = {
  focusSearch: () => void;
  /** The room before (-1) or after (1) the open one, in list order. */
  neighbour: (step: 1 | -1, options?: { onlyUnread?: boolean }) => RoomId | undefined;
};

export type RoomListPaneProps = {
  accountId: AccountId;
  openRoomId: RoomId | undefined;
  searchShortcut: string;
  handleRef?: Ref<RoomListHandle>;
  onOpenRoom: (roomId: RoomId) => void;
  onNewDirect: () => void;
  onNewRoom: () => void;
};

/** The room list at work. */
export function RoomListPane({
  accountId,
  openRoomId,
  searchShortcut,
  handleRef,
  onOpenRoom,
  onNewDirect,
  onNewRoom,
}: RoomListPaneProps) {
  const t = useText();
  const snapshot = useTopic("roomList", { accountId });
  const syncState = useTopicItem("syncState", { accountId });
  const avatarUrl = useAvatarUrl(accountId);
  const join = useCommand("rooms.join");
  const leave = useCommand("rooms.leave");
  const [filter, setFilter] = useState<RoomFilter>("all");
  const [query, setQuery] = useState("");
  const [folded, toggleSection] = useFoldedSections();
  const [busyInvites, setBusyInvites] = useState<ReadonlySet<RoomId>>(new Set());
  const searchRef = useRef<HTMLInputElement>(null);
  const rows = snapshot.status === "ready" ? snapshot.items : undefined;

  useImperativeHandle(handleRef, () => ({
    focusSearch: () => {
      searchRef.current?.focus();
      searchRef.current?.select();
    },
    neighbour: (step, options) => {
      const order = roomOrder(rows ?? []);
      const from = order.findIndex((row) => row.roomId === openRoomId);
      for (let at = from < 0 && step < 0 ? order.length - 1 : from + step; at >= 0 && at < order.length; at += step) {
        const row = order[at];
        if (row && (options?.onlyUnread !== true || isUnread(row))) return row.roomId;
      }
      return undefined;
    },
  }));

  const answerInvite = async (roomId: RoomId, isAccepted: boolean) => {
    setBusyInvites((before) => new Set(before).add(roomId));
    const result = isAccepted ? await join.run({ accountId, room: roomId }) : await leave.run({ accountId, roomId });
    setBusyInvites((before) => new Set([...before].filter((busy) => busy !== roomId)));
    if (result.ok && isAccepted) onOpenRoom(roomId);
  };

  const inviteError = join.error ?? leave.error;
  return (
    <RoomListView
      rows={rows}
      // An empty list before the first sync is not yet an empty account.
      isLoading={rows === undefined || (rows.length === 0 && syncState?.hasSynced !== true)}
      {...(snapshot.status === "lost" ? { problem: errorText(t, snapshot.error) } : {})}
      {...(inviteError === undefined ? {} : { inviteProblem: errorText(t, inviteError) })}
      openRoomId={openRoomId}
      filter={filter}
      query={query}
      folded={folded}
      busyInvites={busyInvites}
      searchRef={searchRef}
      searchShortcut={searchShortcut}
      avatarUrl={avatarUrl}
      onFilter={setFilter}
      onQuery={setQuery}
      onToggleSection={toggleSection}
      onOpenRoom={onOpenRoom}
      onAnswerInvite={(roomId, isAccepted) => void answerInvite(roomId, isAccepted)}
      onNewDirect={onNewDirect}
      onNewRoom={onNewRoom}
    />
  );
}
