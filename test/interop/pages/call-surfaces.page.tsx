/**
 * The page of call-surfaces.spec.ts: Alice's real call surfaces on an engine of paper (the call machine alone, once
 * for each of the others), and Bob and Carol as sides without a view. They hang on `window.bob` and `window.carol`.
 * Invariant: the engine answers through the same client interface as the app's, and later, never at once.
 */
import "../../../renderer/ui/base.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import type { AccountId, UserId } from "../../../preload/contract/ids.ts";
import type { AccountRow, CallSettings, CallView } from "../../../preload/contract/views.ts";
import type { EngineClient } from "../../../renderer/engine-client/engine-client.ts";
import { EngineProvider } from "../../../renderer/engine-client/EngineProvider.tsx";
import { CallButtons, CallSurfaces } from "../../../renderer/features/calls/index.ts";
import { setUpText } from "../../../renderer/text/text.ts";
import { ALICE, BOB, MachineSide, OurSide, ROOM_ID } from "./our-side.ts";
import type { WireContent } from "./our-side.ts";

declare global {
  interface Window {
    bob: OurSide;
    carol: OurSide;
    /** What Alice has set, and what was set since. */
    callSettings: CallSettings;
    setPublicStun: (publicStun: CallSettings["publicStun"]) => void;
    /** Puts a Bob there who has had no call yet: one side holds one call. */
    renewBob: () => void;
    /** Where the composer was asked for by "Reply with a message". */
    repliedIn: string | undefined;
  }
}

const ACCOUNT_ID = "aliceaccount0000" as AccountId;
const DELAY_MS = 10;

/** A topic that is set by hand. */
class PaperTopic<T> {
  #snapshot: { status: "ready"; items: readonly T[] };
  readonly #listeners = new Set<() => void>();

  constructor(items: readonly T[]) {
    this.#snapshot = { status: "ready", items };
  }

  readonly snapshot = () => this.#snapshot;
  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  set(items: readonly T[]): void {
    this.#snapshot = { status: "ready", items };
    for (const listener of this.#listeners) listener();
  }
}

const alice: AccountRow = {
  key: ACCOUNT_ID,
  accountId: ACCOUNT_ID,
  userId: ALICE,
  deviceId: "DEVICE" as AccountRow["deviceId"],
  homeserverUrl: "http://localhost",
  displayName: "Alice",
  state: "signed-in",
};
const CAROL = "@carol:localhost" as UserId;
window.callSettings = { key: "callSettings", isRelayOnly: false, publicStun: "refused", ringsInRooms: false };
const topics = {
  calls: new PaperTopic<CallView>([]),
  accounts: new PaperTopic<AccountRow>([alice]),
  callSettings: new PaperTopic<CallSettings>([window.callSettings]),
};

const later =
  (to: () => { receive(type: string, content: WireContent): void }) => (type: string, content: WireContent) => {
    setTimeout(() => to().receive(type, content), DELAY_MS);
  };
const views = new Map<UserId, CallView>();
function openEngine(peerUserId: UserId, displayName: string, peer: () => OurSide): MachineSide {
  return new MachineSide({
    userId: ALICE,
    peerUserId,
    send: later(peer),
    onView: (view) =>
      setTimeout(() => {
        views.set(peerUserId, { ...view, peer: { ...view.peer, displayName } });
        topics.calls.set([...views.values()]);
      }, DELAY_MS),
  });
}
const engine = openEngine(BOB, "Bob", () => window.bob);
const carolEngine = openEngine(CAROL, "Carol", () => window.carol);
const engineOf = (callId: unknown) => (carolEngine.state?.callId === callId ? carolEngine : engine);
window.renewBob = () => {
  window.bob = new OurSide({ userId: BOB, peerUserId: ALICE, send: later(() => engine) });
};
window.renewBob();
window.carol = new OurSide({ userId: CAROL, peerUserId: ALICE, send: later(() => carolEngine) });

/** One call is talked on at a time. */
function holdOthers(callId: unknown): void {
  for (const each of [engine, carolEngine])
    if (each.state?.phase === "connected" && each.state.callId !== callId && !each.state.isOnHold)
      each.take({ input: "hold", isOnHold: true });
}

function setSettings(settings: Partial<CallSettings>): void {
  window.callSettings = { ...window.callSettings, ...settings };
  topics.callSettings.set([window.callSettings]);
}
window.setPublicStun = (publicStun) => setSettings({ publicStun });

async function run(command: string, args: Record<string, unknown>): Promise<unknown> {
  await new Promise((resolve) => setTimeout(resolve, DELAY_MS));
  switch (command) {
    case "calls.place":
      return { callId: engine.place(args["media"] as "voice") };
    case "calls.answer":
      if (args["otherCalls"] === "hold") holdOthers(args["callId"]);
      return engineOf(args["callId"]).answer(args["media"] as "voice");
    case "calls.reject":
      return engineOf(args["callId"]).take({ input: "reject" });
    case "calls.hangUp":
      return engineOf(args["callId"]).take({ input: "hang-up", reason: "user-hangup" });
    case "calls.hold":
      if (args["isOnHold"] === false) holdOthers(args["callId"]);
      return engineOf(args["callId"]).take({ input: "hold", isOnHold: args["isOnHold"] as boolean });
    case "calls.setSettings":
      return setSettings(args["settings"] as Partial<CallSettings>);
    case "calls.report":
      return engineOf(args["callId"]).take({ input: "fact", fact: args["fact"] as never });
    default:
      throw new Error(`not on paper: ${command}`);
  }
}

const client = {
  call: run,
  view: (name: keyof typeof topics) => ({
    key: name,
    ...{ subscribe: topics[name].subscribe, snapshot: topics[name].snapshot },
  }),
  connection: () => ({ state: "connected", engineId: "paper" }),
  onConnection: () => () => {},
} as unknown as EngineClient;

setUpText("en");
const root = document.createElement("div");
root.id = "root";
document.body.append(root);
createRoot(root).render(
  <StrictMode>
    <EngineProvider
      client={client}
      hostInfo={{
        runtime: "browser",
        role: "main",
        version: "0",
        platform: "linux",
        mediaBase: "/media/",
        canPlaceWindows: false,
      }}
    >
      <main>
        <h1>Room</h1>
        <CallButtons accountId={ACCOUNT_ID} roomId={ROOM_ID} canCall />
        <label>
          Message <textarea />
        </label>
      </main>
      <CallSurfaces
        accountId={ACCOUNT_ID}
        onReply={(roomId) => {
          window.repliedIn = roomId;
        }}
      />
    </EngineProvider>
  </StrictMode>,
);
