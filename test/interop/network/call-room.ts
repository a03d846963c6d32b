/**
 * Seats for a call over a bad network: a homeserver that hands out credentials for our TURN server, a direct room, the
 * whole app or matrix-js-sdk in a page, and the network between them and the relay. Used by the specs of this folder
 * and by the bench of calls. Invariant: closing the room ends everything that was started for it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "@playwright/test";
import { startHostProcess, type HostProcess } from "../../../main/tools/host-process.ts";
import { startHomeserver, type Homeserver } from "../../support/homeserver.ts";
import type { RegisteredUser } from "../../support/register-user.ts";
import { startTurnServer } from "../../support/turn-server.ts";
import { startUdpForwarder, type UdpForwarder } from "../../support/udp-forwarder.ts";
import { openBundle } from "../support/page-bundle.ts";
import { installProbe, type Marker } from "./call-probe.ts";

const SDK_PAGE = fileURLToPath(new URL("../pages/sdk-user.page.ts", import.meta.url));

export type CallRoomOptions = {
  /** A coturn, which the homeserver then names; everybody reaches it through `relayNetwork` only. */
  turnServer?: string;
  /** Default a new one. One that is given is left running. */
  homeserver?: Homeserver;
};

/** One user of the room at a page; each page shows and plays what the other side sends. */
export type CallSeat = { user: RegisteredUser; page: Page };

export type SeatOptions = {
  browser: Browser;
  isRelayOnly?: boolean;
  /** What camera and microphone give in place of the browser's fake ones. */
  marker?: Marker;
};

export interface CallRoom extends AsyncDisposable {
  readonly homeserver: Homeserver;
  readonly roomId: string;
  readonly alice: RegisteredUser;
  readonly bob: RegisteredUser;
  /** Between everybody and the relay; only where there is a TURN server. */
  readonly relayNetwork: UdpForwarder | undefined;
  /** The whole app. */
  openApp(who: "alice" | "bob", options: SeatOptions): Promise<CallSeat>;
  /** matrix-js-sdk, driven by `window.sdkUser`. */
  openSdk(who: "alice" | "bob", options: SeatOptions): Promise<CallSeat>;
  /** The content of everything about calls that the user has sent to the room, as text. */
  callEventsOf(who: "alice" | "bob"): Promise<{ type: string; content: string }[]>;
}

/** Starts a homeserver with Alice and Bob in a direct room. */
export async function openCallRoom({ turnServer, homeserver: given }: CallRoomOptions = {}): Promise<CallRoom> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "lattice-call-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const relay = turnServer === undefined ? undefined : stack.use(await startTurnServer(turnServer));
  const relayNetwork = relay && stack.use(await startUdpForwarder(relay.port));
  const homeserver = given ?? stack.use(await startHomeserver(relayNetwork ? { turnPort: relayNetwork.port } : {}));
  const users = {
    alice: await homeserver.registerUser(undefined, "correct horse", { displayName: "Alice" }),
    bob: await homeserver.registerUser(undefined, "battery staple", { displayName: "Bob" }),
  };
  const roomId = await makeDirectRoom(homeserver, users.alice, users.bob);

  const owner = stack.move();
  let hosts = 0;
  return {
    homeserver,
    roomId,
    ...users,
    relayNetwork,
    async openApp(who, { browser, isRelayOnly = false, marker }) {
      hosts += 1;
      const host = owner.use(await startHostProcess({ dataDir: join(folder, `host-${hosts}`) }));
      const context = await browser.newContext({ viewport: { width: 1_200, height: 800 }, locale: "en-GB" });
      owner.defer(() => context.close());
      if (marker) await installProbe(context, marker);
      // The page at hand holds the call, as the desktop app's window of calls does, which is loaded while it rings.
      await context.addInitScript(() => {
        window.open = () => null;
      });
      await context.grantPermissions(["microphone", "camera"], { origin: new URL(host.url).origin });
      const page = await context.newPage();
      const peerName = who === "alice" ? "Bob" : "Alice";
      await signIn(page, host, { serverUrl: homeserver.baseUrl, user: users[who], peerName });
      if (isRelayOnly) await page.evaluate(setRelayOnly);
      return { user: users[who], page };
    },
    async openSdk(who, { browser, isRelayOnly = false, marker }) {
      const context = await browser.newContext();
      owner.defer(() => context.close());
      if (marker) await installProbe(context, marker);
      const page = await context.newPage();
      await openBundle(page, SDK_PAGE);
      const { localpart: user, password } = users[who];
      const login = { baseUrl: homeserver.baseUrl, user, password, isRelayOnly };
      await page.evaluate((asked) => window.sdkUser.start(asked), login);
      return { user: users[who], page };
    },
    async callEventsOf(who) {
      const query = new URLSearchParams({ dir: "b", limit: "500" });
      const path = `rooms/${encodeURIComponent(roomId)}/messages?${query}`;
      const { chunk } = (await ask(homeserver, users.bob, "GET", path)) as {
        chunk: { type: string; sender: string; content: unknown }[];
      };
      return chunk
        .filter(({ type, sender }) => type.startsWith("m.call.") && sender === users[who].userId)
        .map(({ type, content }) => ({ type, content: JSON.stringify(content) }));
    },
    [Symbol.asyncDispose]: () => owner.disposeAsync(),
  };
}

async function makeDirectRoom(homeserver: Homeserver, alice: RegisteredUser, bob: RegisteredUser): Promise<string> {
  const wish = { preset: "trusted_private_chat", is_direct: true, invite: [bob.userId] };
  const roomId = String((await ask(homeserver, alice, "POST", "createRoom", wish))["room_id"]);
  await ask(homeserver, bob, "POST", `rooms/${encodeURIComponent(roomId)}/join`, {});
  for (const [user, peer] of [[alice, bob] as const, [bob, alice] as const]) {
    const path = `user/${encodeURIComponent(user.userId)}/account_data/m.direct`;
    await ask(homeserver, user, "PUT", path, { [peer.userId]: [roomId] });
  }
  return roomId;
}

async function ask(
  homeserver: Homeserver,
  user: RegisteredUser,
  method: string,
  path: string,
  body?: unknown,
): Promise<Record<string, unknown>> {
  const reply = await fetch(`${homeserver.baseUrl}/_matrix/client/v3/${path}`, {
    method,
    headers: { authorization: `Bearer ${user.accessToken}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`);
  return (await reply.json()) as Record<string, unknown>;
}

/** Signs in through the form, and opens the room. */
async function signIn(
  page: Page,
  host: HostProcess,
  { serverUrl, user, peerName }: { serverUrl: string; user: RegisteredUser; peerName: string },
): Promise<void> {
  await page.goto(host.url);
  await page.getByRole("textbox", { name: "Account or server" }).fill(serverUrl);
  await page.getByRole("textbox", { name: "User name" }).fill(user.localpart);
  await page.getByLabel("Password").fill(user.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("list", { name: "Rooms" }).getByRole("button").filter({ hasText: peerName }).first().click();
  await page.getByRole("button", { name: "Video call" }).waitFor();
}

/** Runs in the app's page, as a client of its engine beside the window: calls go over a relay from now on. */
function setRelayOnly(): Promise<void> {
  const socket = new WebSocket(`ws://${window.location.host}/engine`);
  const send = (frame: unknown) => socket.send(JSON.stringify(frame));
  return new Promise((resolve, reject) => {
    socket.addEventListener("error", () => reject(new Error("the engine cannot be reached")));
    socket.addEventListener("open", () => send({ t: "subscribe", id: 1, topic: "accounts", args: {} }));
    socket.addEventListener("message", ({ data }) => {
      const frame = JSON.parse(String(data)) as {
        t: string;
        id?: number;
        error?: unknown;
        ops?: { items?: { accountId: string }[] }[];
      };
      const accountId = frame.t === "patch" ? frame.ops?.[0]?.items?.[0]?.accountId : undefined;
      if (accountId !== undefined)
        send({ t: "call", id: 2, command: "calls.setSettings", args: { accountId, settings: { isRelayOnly: true } } });
      if (frame.t === "failed") reject(new Error(JSON.stringify(frame.error)));
      if (frame.t !== "reply" || frame.id !== 2) return;
      socket.close();
      resolve();
    });
  });
}
