/**
 * The gallery's views of the frame: whole windows, banners, headers, invites, the info panel, and the parts of
 * renderer/ui. Used by Gallery only. Invariant: canned data only.
 */
import { useState } from "react";
import type { ReactNode } from "react";
import { Phone, Plus, Trash, Video } from "lucide-react";
import type { AccountId, CallId, DeviceId, EventId, RoomId, TxnId, UserId } from "../../preload/contract/ids.ts";
import type { HostInfo } from "../../preload/contract/shell-contract.ts";
import type {
  AccountRow,
  MemberRow,
  Person,
  RoomDetails,
  SyncState,
  TimelineItem,
} from "../../preload/contract/views.ts";
import { EngineProvider } from "../engine-client/EngineProvider.tsx";
import type { EngineConnection } from "../engine-client/engine-client.ts";
import { NewDirectDialog, NewRoomDialog } from "../features/room-list/index.ts";
import { galleryRows } from "../features/room-list/gallery.tsx";
import { Avatar } from "../ui/Avatar.tsx";
import { Badge } from "../ui/Badge.tsx";
import { Banner } from "../ui/Banner.tsx";
import { Button } from "../ui/Button.tsx";
import { Chips } from "../ui/Chips.tsx";
import { EmptyState } from "../ui/EmptyState.tsx";
import { IconButton } from "../ui/IconButton.tsx";
import { Menu } from "../ui/Menu.tsx";
import { Skeleton } from "../ui/Skeleton.tsx";
import { Switch } from "../ui/Switch.tsx";
import { TextField } from "../ui/TextField.tsx";
import { AppShell } from "./AppShell.tsx";
import { CallsWindow } from "./CallsWindow.tsx";
import { openCannedClient } from "./canned-client.ts";
import type { CannedTopics } from "./canned-client.ts";
import { ConnectionBannerView } from "./ConnectionBanner.tsx";
import type { ConnectionTrouble } from "./connection-trouble.ts";
import styles from "./gallery.module.css";
import { InviteView } from "./InvitePane.tsx";
import { RoomHeader } from "./RoomHeader.tsx";
import { RoomInfoView } from "./RoomInfoPane.tsx";
import { ShortcutsDialog } from "./ShortcutsDialog.tsx";
import { StartingView } from "./StartingView.tsx";

const nothing = () => {};
const GALLERY_HOST: HostInfo = {
  runtime: "browser",
  role: "main",
  version: "0",
  platform: "",
  mediaBase: "/media/",
  canPlaceWindows: false,
};
const nowMs = Date.now();
const MINUTE_MS = 60_000;

const alice: Person = { userId: "@alice:example.org" as UserId, displayName: "Alice Reyes" };
const bob: Person = { userId: "@bob:example.org" as UserId, displayName: "Bob Marsh" };
const account: AccountRow = {
  key: "a".repeat(16) as AccountId,
  accountId: "a".repeat(16) as AccountId,
  userId: alice.userId,
  deviceId: "DEVICE" as DeviceId,
  homeserverUrl: "https://example.org",
  displayName: alice.displayName,
  state: "signed-in",
};
const direct: RoomDetails = {
  key: "!bob:example.org" as RoomId,
  roomId: "!bob:example.org" as RoomId,
  membership: "join",
  name: bob.displayName,
  topic: "",
  isDirect: true,
  directUserId: bob.userId,
  isEncrypted: true,
  trust: "verified",
  identityChanges: [],
  draft: "",
  joinedCount: 2,
  invitedCount: 0,
  typing: [bob],
  canInvite: true,
  canSend: true,
  canCall: true,
  notificationCount: 0,
  highlightCount: 0,
};
const group: RoomDetails = {
  ...direct,
  key: "!climbing:example.org" as RoomId,
  roomId: "!climbing:example.org" as RoomId,
  name: "Climbing Saturday, with everybody who has ever been there",
  topic: "Which hall, which train, who brings the rope. Old plans are pinned.",
  isDirect: false,
  trust: "normal",
  joinedCount: 128,
  typing: [],
  canCall: false,
};
const invite: RoomDetails = {
  ...group,
  membership: "invite",
  name: "House",
  inviter: { userId: "@lena:example.org" as UserId, displayName: "Lena" },
};

type Message = Extract<TimelineItem, { kind: "message" }>;
const message = (
  key: string,
  sender: Person,
  minutesAgo: number,
  body: string,
  parts: Partial<Message> = {},
): TimelineItem => ({
  kind: "message",
  key,
  eventId: `$${key}` as EventId,
  sender,
  isOwn: sender === alice,
  originServerTs: nowMs - minutesAgo * MINUTE_MS,
  msgtype: "text",
  body,
  isEdited: false,
  isMention: false,
  readBy: [],
  ...parts,
});
const timeline: readonly TimelineItem[] = [
  message("m1", bob, 1_500, "The hut is booked for three nights, from Friday on."),
  message("m2", alice, 1_496, "Wow. I am in. Mira wants to come too, is there a bed left?"),
  {
    kind: "state",
    key: "s1",
    eventId: "$s1" as EventId,
    sender: bob,
    isOwn: false,
    originServerTs: nowMs - 1_495 * MINUTE_MS,
    change: { change: "room-topic", topic: "Hut" },
  },
  message("m3", bob, 1_493, "Two, in fact. The train is at 08:12, and the plan is at https://example.org/hut"),
  message("m4", bob, 1_492, "Bring warm things."),
  {
    kind: "call",
    key: "c1",
    eventId: "$c1" as EventId,
    callId: "c1" as CallId,
    sender: alice,
    isOwn: true,
    originServerTs: nowMs - 40 * MINUTE_MS,
    media: "video",
    outcome: "ended",
    durationMs: 760_000,
  },
  message("m5", bob, 22, "Lost you for a second in the tunnel, the call came back by itself though."),
  message("m6", bob, 21, "Alice, can you bring the small stove?", { isMention: true }),
  message("m7", alice, 3, "Packed already.", { readBy: [bob], send: { state: "sent" } }),
  message("m8", alice, 1, "And the good coffee.", { txnId: "txn-00000008" as TxnId, send: { state: "sending" } }),
];
const live: SyncState = { key: "sync", state: "live", hasSynced: true };
const topics: CannedTopics = {
  accounts: [account],
  syncState: [live],
  roomList: galleryRows,
  room: [direct],
  members: [],
  timeline,
  calls: [],
  badge: [
    { key: "badge", unreadRoomCount: 4, notificationCount: 40, highlightCount: 1, inviteCount: 1, missedCallCount: 2 },
  ],
};
const members: readonly MemberRow[] = Array.from({ length: 128 }, (_, index) => ({
  key: `@member${index}:example.org` as UserId,
  userId: `@member${index}:example.org` as UserId,
  displayName: index === 0 ? "Theodora Papadopoulou-Vandenberghe" : `Member ${index}`,
  membership: index > 124 ? "invite" : "join",
  powerLevel: index === 0 ? 100 : 0,
}));

function CannedWindow(props: {
  topics?: Partial<CannedTopics>;
  account?: Partial<AccountRow>;
  connection?: EngineConnection;
  startsClosed?: boolean;
}) {
  const [openRoomId, setOpenRoomId] = useState<RoomId | undefined>(
    props.startsClosed === true ? undefined : direct.roomId,
  );
  const [client] = useState(() => openCannedClient({ ...topics, ...props.topics }, props.connection));
  return (
    <EngineProvider client={client} hostInfo={GALLERY_HOST}>
      <AppShell
        account={{ ...account, ...props.account }}
        host={{ onRoute: () => nothing, onScreenSources: () => nothing, chooseScreenSource: nothing }}
        openRoomId={openRoomId}
        onOpenRoom={setOpenRoomId}
      />
    </EngineProvider>
  );
}

/** The window of calls before it was asked for anything. */
function CannedCallsWindow() {
  const [client] = useState(() => openCannedClient(topics));
  return (
    <EngineProvider client={client} hostInfo={GALLERY_HOST}>
      <CallsWindow
        host={{
          info: GALLERY_HOST,
          onCallRequest: () => nothing,
          onScreenSources: () => nothing,
          chooseScreenSource: nothing,
          openMain: nothing,
          closeWindow: nothing,
          setCompact: nothing,
        }}
      />
    </EngineProvider>
  );
}

/** Views that run commands: here they all fail as cancelled. */
function CannedEngine({ children }: { children: ReactNode }) {
  const [client] = useState(() => openCannedClient(topics));
  return (
    <EngineProvider client={client} hostInfo={GALLERY_HOST}>
      {children}
    </EngineProvider>
  );
}
const newRoom = { accountId: account.accountId, ownUserId: alice.userId, onClose: nothing, onCreated: nothing };

const troubles: readonly ConnectionTrouble[] = [
  { kind: "offline" },
  { kind: "waiting", isBusy: false, retryAtMs: nowMs + 12_000 },
  { kind: "waiting", isBusy: true, retryAtMs: nowMs + 45_000 },
  { kind: "waiting", isBusy: false, retryAtMs: undefined },
  { kind: "sign-in-again" },
  { kind: "signed-out" },
  { kind: "engine-restarting" },
  { kind: "engine-failed", message: "The disk is full. Free some space and try again." },
  { kind: "stopped", message: "The data on this computer is damaged and cannot be read." },
];

function Parts() {
  const [chip, setChip] = useState<"a" | "b" | "c">("a");
  const [isOn, setIsOn] = useState(true);
  const [text, setText] = useState("@alice:example.org");
  return (
    <main className={styles["parts"]}>
      <div className={styles["line"]}>
        <Button variant="primary">Primary</Button>
        <Button>Plain</Button>
        <Button variant="quiet">Quiet</Button>
        <Button variant="danger">Decline</Button>
        <Button variant="positive">Answer</Button>
        <Button isDisabled>Disabled</Button>
        <Button isPending>Pending</Button>
        <Button size="small">Small</Button>
        <Button size="large" icon={<Plus />}>
          Large
        </Button>
      </div>
      <div className={styles["line"]}>
        <IconButton icon={<Phone />} label="Voice" shortcut="Ctrl Y" />
        <IconButton icon={<Video />} label="Video" isSelected />
        <IconButton icon={<Plus />} label="New" variant="primary" />
        <IconButton icon={<Trash />} label="Remove" variant="danger" />
        <IconButton icon={<Phone />} label="Answer" variant="positive" size="small" />
        <Menu
          label="Actions"
          trigger={<Button>Menu</Button>}
          entries={[
            { id: "a", label: "First", icon: <Plus />, shortcut: "Ctrl A", onAction: nothing },
            { kind: "separator", id: "s" },
            { id: "b", label: "Remove", icon: <Trash />, isDanger: true, onAction: nothing },
          ]}
        />
        <Badge count={3} label="3 unread" />
        <Badge count={12} tone="mention" label="12 for you" />
        <Badge count={10_000} tone="quiet" label="10,000 unread" />
        <Chips
          label="Filter"
          options={[
            { id: "a", label: "All" },
            { id: "b", label: "Unread" },
            { id: "c", label: "People" },
          ]}
          selected={chip}
          onSelect={setChip}
        />
      </div>
      <div className={styles["line"]}>
        {["Bob Marsh", "Mira Okafor", "Jonas", "Sora", "Ines", "ليلى", "👩‍🚀 Crew", "@x:y.z"].map((name, index) => (
          <Avatar
            key={name}
            name={name}
            id={`@u${index}:example.org`}
            {...(index === 0 ? { presence: "online" } : {})}
          />
        ))}
        {["Design review", "Matrix clients", "Office"].map((name) => (
          <Avatar key={name} name={name} id={`!${name}`} shape="squircle" />
        ))}
        <Avatar name="Bob" id="@bob:example.org" sizePx={64} />
        <Avatar name="Bob" id="@bob:example.org" sizePx={16} />
      </div>
      <div className={styles["fields"]}>
        <TextField
          label="With a note"
          value={text}
          onChange={setText}
          description="example.org answers, password"
          descriptionTone="positive"
        />
        <TextField
          label="With an error"
          value={text}
          onChange={setText}
          error="That is not a Matrix id. It looks like @name:example.org."
        />
        <TextField label="Several lines" isMultiline description="Separated by commas" />
        <Switch label="Public" description="Anyone may find and join it." isSelected={isOn} onChange={setIsOn} />
      </div>
      <Banner tone="neutral">Neutral</Banner>
      <Banner tone="positive">Positive</Banner>
      <div className={styles["line"]}>
        <Skeleton shape="round" />
        <Skeleton shape="squircle" />
        <Skeleton width="10rem" />
      </div>
      <EmptyState
        title="Nothing here"
        body="One sentence, one action."
        action={<Button variant="primary">Begin</Button>}
      />
    </main>
  );
}

function HeaderTools() {
  return (
    <>
      <IconButton icon={<Phone />} label="Voice call" />
      <IconButton icon={<Video />} label="Video call" />
    </>
  );
}

/** Views of the frame and of the parts. */
export const appGallery: readonly { name: string; render: () => ReactNode }[] = [
  { name: "window: a room", render: () => <CannedWindow /> },
  {
    name: "window: identity changed",
    render: () => (
      <CannedWindow
        topics={{
          room: [
            {
              ...direct,
              trust: "warning",
              identityChanges: [{ person: bob, wasVerified: true }],
              draft: "Did you get a new phone?",
            },
          ],
        }}
      />
    ),
  },
  { name: "window: no room", render: () => <CannedWindow startsClosed /> },
  { name: "window: first use", render: () => <CannedWindow startsClosed topics={{ roomList: [] }} /> },
  {
    name: "window: server away",
    render: () => (
      <CannedWindow
        topics={{
          syncState: [
            { ...live, state: "waiting", retryAtMs: nowMs + 30_000, error: { code: "offline", message: "No answer." } },
          ],
        }}
      />
    ),
  },
  { name: "window: sign in again", render: () => <CannedWindow account={{ state: "soft-logged-out" }} /> },
  { name: "window: calls, none yet", render: () => <CannedCallsWindow /> },
  { name: "window: starting", render: () => <StartingView /> },
  {
    name: "banners",
    render: () => (
      <main>
        {troubles.map((trouble) => (
          <ConnectionBannerView
            key={JSON.stringify(trouble)}
            trouble={trouble}
            onTryNow={nothing}
            onSignInAgain={nothing}
            onRemoveAccount={nothing}
          />
        ))}
      </main>
    ),
  },
  {
    name: "room headers",
    render: () => (
      <main>
        <RoomHeader
          room={direct}
          avatarSrc={undefined}
          callButtons={<HeaderTools />}
          onToggleInfo={nothing}
          onBack={nothing}
        />
        <RoomHeader
          room={group}
          avatarSrc={undefined}
          callButtons={<HeaderTools />}
          isInfoOpen
          onToggleInfo={nothing}
          onBack={nothing}
        />
        <RoomHeader
          room={{ ...direct, trust: "normal", joinedCount: 1, invitedCount: 1 }}
          avatarSrc={undefined}
          onBack={nothing}
        />
        <RoomHeader room={{ ...direct, trust: "warning" }} avatarSrc={undefined} onBack={nothing} />
        <RoomHeader room={{ ...group, trust: "warning" }} avatarSrc={undefined} onBack={nothing} />
        <RoomHeader room={{ ...direct, isEncrypted: false, trust: "normal" }} avatarSrc={undefined} onBack={nothing} />
      </main>
    ),
  },
  {
    name: "invite to a room",
    render: () => (
      <div className={styles["panel"]}>
        <InviteView
          room={invite}
          avatarSrc={undefined}
          isAccepting={false}
          isDeclining={false}
          problem={undefined}
          onAccept={nothing}
          onDecline={nothing}
          onBack={nothing}
        />
      </div>
    ),
  },
  {
    name: "invite from a person, refused",
    render: () => (
      <div className={styles["panel"]}>
        <InviteView
          room={{ ...direct, membership: "invite", inviter: bob }}
          avatarSrc={undefined}
          isAccepting={false}
          isDeclining={false}
          problem="The server does not allow you to join this room."
          onAccept={nothing}
          onDecline={nothing}
          onBack={nothing}
        />
      </div>
    ),
  },
  {
    name: "about a room",
    render: () => (
      <div className={styles["panel"]}>
        <RoomInfoView
          room={group}
          avatarSrc={undefined}
          members={members}
          avatarUrl={() => undefined}
          onInvite={nothing}
          onLeave={nothing}
          onMember={nothing}
          onClose={nothing}
        />
      </div>
    ),
  },
  {
    name: "new direct room",
    render: () => (
      <CannedEngine>
        <NewDirectDialog {...newRoom} />
      </CannedEngine>
    ),
  },
  {
    name: "new room",
    render: () => (
      <CannedEngine>
        <NewRoomDialog {...newRoom} />
      </CannedEngine>
    ),
  },
  { name: "keyboard shortcuts", render: () => <ShortcutsDialog onClose={nothing} /> },
  { name: "parts", render: () => <Parts /> },
];
