/**
 * The room list in each of its states, from canned rows. Shown by renderer/app's gallery, which also borrows
 * the rows for the whole window. Invariant: no engine is needed.
 */
import type { ReactNode } from "react";
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import type { RoomRow } from "../../../preload/contract/views.ts";
import type { RoomFilter } from "./room-list-model.ts";
import { RoomListView } from "./RoomListView.tsx";
import type { RoomListViewProps } from "./RoomListView.tsx";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const nowMs = Date.now();

function room(localId: string, name: string, parts: Partial<RoomRow> = {}): RoomRow {
  const roomId = `!${localId}:example.org` as RoomId;
  return {
    key: roomId,
    roomId,
    membership: "join",
    name,
    isDirect: false,
    notificationCount: 0,
    highlightCount: 0,
    isFavourite: false,
    isLowPriority: false,
    isMuted: false,
    typingNames: [],
    hasRunningCall: false,
    hasDraft: false,
    ...parts,
  };
}
const said = (senderName: string, text: string, isOwn = false): NonNullable<RoomRow["preview"]> => ({
  senderName,
  text,
  isOwn,
  kind: "text",
});
const person = (localpart: string, name: string, parts: Partial<RoomRow> = {}): RoomRow =>
  room(localpart, name, { isDirect: true, directUserId: `@${localpart}:example.org` as UserId, ...parts });

export const galleryRows: readonly RoomRow[] = [
  room("house", "House", {
    membership: "invite",
    inviter: { userId: "@lena:example.org" as UserId, displayName: "Lena" },
  }),
  person("bob", "Bob Marsh", { isFavourite: true, typingNames: ["Bob"], activityTs: nowMs }),
  room("design", "Design review", {
    isFavourite: true,
    preview: said("Mira", "the contrast on the badge is too low"),
    activityTs: nowMs - HOUR_MS,
    notificationCount: 2,
    highlightCount: 1,
  }),
  person("mira", "Mira Okafor", {
    preview: said("Alice", "see you at three", true),
    activityTs: nowMs - 2 * HOUR_MS,
    hasDraft: true,
  }),
  person("jonas", "Jonas Lindqvist", {
    preview: { senderName: "Jonas", text: "Missed video call", isOwn: false, kind: "missed-call" },
    activityTs: nowMs - 3 * HOUR_MS,
    notificationCount: 1,
  }),
  person("sora", "Sora Tanaka", {
    preview: { senderName: "Sora", text: "", isOwn: false, kind: "image" },
    activityTs: nowMs - 2 * DAY_MS,
  }),
  room("clients", "Matrix clients", {
    preview: said("Ines", "sliding sync is in"),
    activityTs: nowMs - HOUR_MS,
    notificationCount: 34,
  }),
  room("garden", "Garden", { hasDraft: true, activityTs: nowMs - 2 * HOUR_MS }),
  room("harbour", "Harbour choir", {
    preview: { senderName: "Noor", text: "", isOwn: false, kind: "undecryptable" },
    activityTs: nowMs - 2 * HOUR_MS,
  }),
  room("office", "Office", { hasRunningCall: true, activityTs: nowMs - 2 * HOUR_MS }),
  room("release", "Release train", {
    isMuted: true,
    notificationCount: 1204,
    preview: said("Build", "Tag 0.4.0 is out"),
    activityTs: nowMs - 2 * DAY_MS,
  }),
  room("climbing", "Climbing Saturday, with everybody who has ever been there", {
    preview: said("Theodora Papadopoulou", "which hall? the one by the river has new routes"),
    activityTs: nowMs - 3 * DAY_MS,
  }),
  room("arabic", "غرفة القراءة", { preview: said("ليلى", "نلتقي غدا في المكتبة"), activityTs: nowMs - 4 * DAY_MS }),
  room("old", "Archive", {
    isLowPriority: true,
    preview: { senderName: "", text: "The room was upgraded", isOwn: false, kind: "state" },
    activityTs: nowMs - 400 * DAY_MS,
  }),
];

const base: RoomListViewProps = {
  rows: galleryRows,
  isLoading: false,
  openRoomId: "!bob:example.org" as RoomId,
  filter: "all",
  query: "",
  folded: new Set(),
  busyInvites: new Set(),
  searchShortcut: "Ctrl K",
  avatarUrl: () => undefined,
  onFilter: () => {},
  onQuery: () => {},
  onToggleSection: () => {},
  onOpenRoom: () => {},
  onAnswerInvite: () => {},
  onNewDirect: () => {},
  onNewRoom: () => {},
};
const manyRows = Array.from({ length: 10_000 }, (_, index) =>
  room(`r${index}`, `Room ${index + 1}`, {
    preview: said("Ines", `message ${index}`),
    activityTs: nowMs - index * HOUR_MS,
    notificationCount: index % 7 === 0 ? index : 0,
  }),
);

const states: readonly { name: string; props: Partial<RoomListViewProps> }[] = [
  { name: "in use", props: {} },
  { name: "folded", props: { folded: new Set(["people", "rooms"]) } },
  { name: "unread only", props: { filter: "unread" satisfies RoomFilter } },
  { name: "search", props: { query: "ma" } },
  { name: "nothing found", props: { query: "zzz" } },
  { name: "loading", props: { rows: undefined, isLoading: true } },
  { name: "empty", props: { rows: [] } },
  { name: "10,000 rooms", props: { rows: manyRows } },
  { name: "invite failed", props: { inviteProblem: "The server does not allow you to join this room." } },
  { name: "lost", props: { rows: undefined, problem: "This account is not on this computer any more." } },
];

/** Room list views for the gallery. */
export const roomListGallery: readonly { name: string; render: () => ReactNode }[] = states.map(({ name, props }) => ({
  name: `room list: ${name}`,
  render: () => <RoomListView {...base} {...props} />,
}));
