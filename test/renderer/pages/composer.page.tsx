/**
 * The composer of a room over an engine that the test plays, by `window.composer`. Bundled and shown by
 * test/renderer/composer-pane.test.ts. Invariant: commands answer only when the test says so, and are recorded.
 */
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";
import * as v from "valibot";
import { accountIdSchema, eventIdSchema, roomIdSchema, userIdSchema } from "../../../preload/contract/ids.ts";
import type { RoomDetails } from "../../../preload/contract/views.ts";
import { EngineProvider } from "../../../renderer/engine-client/EngineProvider.tsx";
import type { EngineClient } from "../../../renderer/engine-client/engine-client.ts";
import { CommandError } from "../../../renderer/engine-client/command-error.ts";
import { type Aim, ComposerPane } from "../../../renderer/features/composer/index.ts";
import { setUpText } from "../../../renderer/text/text.ts";
import "../../../renderer/ui/base.css";
import { BROWSER_HOST } from "./browser-host.ts";

const accountId = v.parse(accountIdSchema, "abcdefgh12345678");
const roomId = v.parse(roomIdSchema, "!room:example.org");
const eventId = v.parse(eventIdSchema, "$question");
const bob = { userId: v.parse(userIdSchema, "@bob:example.org"), displayName: "Bob" };

const details: RoomDetails = {
  key: roomId,
  roomId,
  membership: "join",
  name: "Bob",
  topic: "",
  isDirect: true,
  isEncrypted: true,
  trust: "normal",
  identityChanges: [],
  draft: "",
  joinedCount: 2,
  invitedCount: 0,
  typing: [],
  canInvite: true,
  canSend: true,
  canCall: true,
  notificationCount: 0,
  highlightCount: 0,
};

type Call = { command: string; args: Record<string, unknown> };
const calls: Call[] = [];
const listeners = new Set<() => void>();
const snapshots = new Map<string, { status: "ready"; items: readonly RoomDetails[] }>();
const failing = new Set<string>();

const client = {
  call(command: string, args: Record<string, unknown>) {
    calls.push({ command, args });
    return failing.has(command)
      ? Promise.reject(new CommandError({ code: "disk-full", message: "The disk is full." }))
      : Promise.resolve({ flowId: "flow" });
  },
  view: (name: string) => ({
    key: name,
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    snapshot: () => snapshots.get(name) ?? { status: "loading" },
  }),
  connection: () => ({ state: "connected", engineId: "page" }),
  onConnection: () => () => {},
} as unknown as EngineClient;

/** As the app would hold it. */
let aim: Aim | undefined;
function take(next: Aim | undefined): void {
  aim = next;
  // Called while React handles an event, where it must not be told to draw at once.
  queueMicrotask(() => show(true));
}
const root = createRoot(document.body.appendChild(document.createElement("div")));

function show(isOpen: boolean): void {
  flushSync(() =>
    root.render(
      <EngineProvider client={client} hostInfo={BROWSER_HOST}>
        {isOpen ? (
          <ComposerPane
            accountId={accountId}
            roomId={roomId}
            autoFocus
            aim={aim}
            onAimDone={() => take(undefined)}
            onEditLast={() => take({ kind: "edit", eventId, text: "at thre" })}
          />
        ) : null}
        <button type="button">elsewhere</button>
      </EngineProvider>,
    ),
  );
}

const controls = {
  open: () => show(true),
  close: () => show(false),
  /** The room topic says this, as an echo would. */
  room(parts: Partial<RoomDetails>) {
    snapshots.set("room", { status: "ready", items: [{ ...details, ...parts }] });
    flushSync(() => {
      for (const listener of listeners) listener();
    });
  },
  change: (wasVerified: boolean) =>
    controls.room({ trust: "warning", identityChanges: [{ person: bob, wasVerified }] }),
  answerTo: (text: string) => take({ kind: "reply", eventId, name: "Bob", text }),
  fail: (command: string) => void failing.add(command),
  mend: () => failing.clear(),
  callsOf: (command: string) => calls.filter((call) => call.command === command).map(({ args }) => args),
};
declare global {
  interface Window {
    composer: typeof controls;
  }
}

setUpText("en");
window.composer = controls;
