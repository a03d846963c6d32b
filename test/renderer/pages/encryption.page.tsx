/**
 * The encryption views at work over an engine that the test plays, by `window.encryption`. Bundled and shown by
 * test/renderer/encryption-views.test.ts.
 * Invariant: commands are recorded, and answer with what the test laid ready, else with success.
 */
import { useState } from "react";
import type { ReactNode } from "react";
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";
import * as v from "valibot";
import { accountIdSchema, deviceIdSchema, userIdSchema } from "../../../preload/contract/ids.ts";
import type { EngineErrorCode } from "../../../preload/contract/errors.ts";
import type { AccountRow, DeviceRow, EncryptionView, VerificationView } from "../../../preload/contract/views.ts";
import { CommandError } from "../../../renderer/engine-client/command-error.ts";
import type { EngineClient } from "../../../renderer/engine-client/engine-client.ts";
import { EngineProvider } from "../../../renderer/engine-client/EngineProvider.tsx";
import { HEALTHY } from "../../../renderer/features/encryption/canned-view.ts";
import {
  DevicesSection,
  EncryptionSection,
  SetUpDialog,
  UserTrustPanel,
  VerificationHost,
} from "../../../renderer/features/encryption/index.ts";
import { modulesOf } from "../../../renderer/features/encryption/qr-bytes.ts";
import { SettingsDialog } from "../../../renderer/features/settings/index.ts";
import { setUpText } from "../../../renderer/text/text.ts";
import "../../../renderer/ui/base.css";
import { BROWSER_HOST } from "./browser-host.ts";

const alice = { userId: v.parse(userIdSchema, "@alice:example.org"), displayName: "Alice" };
const bob = { userId: v.parse(userIdSchema, "@bob:example.org"), displayName: "Bob" };
const account: AccountRow = {
  key: v.parse(accountIdSchema, "abcdefgh12345678"),
  accountId: v.parse(accountIdSchema, "abcdefgh12345678"),
  userId: alice.userId,
  deviceId: v.parse(deviceIdSchema, "THISDEVICE"),
  homeserverUrl: "https://example.org",
  displayName: "Alice",
  state: "signed-in",
};
const verification: VerificationView = {
  key: "flow",
  flowId: "flow",
  other: bob,
  isSelf: false,
  direction: "incoming",
  phase: "requested",
  canCompareEmoji: true,
  canScan: true,
  startedAtMs: Date.now(),
  expiresAtMs: Date.now() + 600_000,
};
const device = (deviceId: string, parts: Partial<DeviceRow>): DeviceRow => ({
  key: v.parse(deviceIdSchema, deviceId),
  deviceId: v.parse(deviceIdSchema, deviceId),
  displayName: deviceId,
  isThisDevice: false,
  trust: "verified",
  ...parts,
});
const devices = [
  device("THISDEVICE", { isThisDevice: true }),
  device("PHONE", { displayName: "Phone" }),
  device("LAPTOP", { displayName: "Laptop", trust: "unsigned" }),
];

type Call = { command: string; args: Record<string, unknown> };
type Answer = { reply: unknown } | { code: EngineErrorCode };
const calls: Call[] = [];
const answers = new Map<string, Answer[]>();
const listeners = new Set<() => void>();
const loading = { status: "loading" };
const snapshots = new Map<string, { status: "ready"; items: readonly unknown[] }>();

const client = {
  call(command: string, args: Record<string, unknown>) {
    calls.push({ command, args });
    const answer = answers.get(command)?.shift() ?? { reply: { flowId: "flow" } };
    return "code" in answer
      ? Promise.reject(new CommandError({ code: answer.code, message: `The engine says ${answer.code}.` }))
      : Promise.resolve(answer.reply);
  },
  view: (name: string) => ({
    key: name,
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    snapshot: () => snapshots.get(name) ?? loading,
  }),
  connection: () => ({ state: "connected", engineId: "page" }),
  onConnection: () => () => {},
} as unknown as EngineClient;

function SetUp() {
  const [isOpen, setIsOpen] = useState(true);
  return isOpen ? <SetUpDialog account={account} onClose={() => setIsOpen(false)} /> : <p>closed</p>;
}

function Settings() {
  const [selected, setSelected] = useState<"devices" | "encryption" | undefined>("devices");
  if (selected === undefined) return <p>closed</p>;
  return (
    <SettingsDialog<"devices" | "encryption">
      selected={selected}
      onSelect={setSelected}
      onClose={() => setSelected(undefined)}
      sections={[
        { id: "devices", label: "Devices", icon: null, render: () => <DevicesSection account={account} /> },
        {
          id: "encryption",
          label: "Encryption",
          icon: null,
          render: () => <EncryptionSection account={account} onShowDevices={() => setSelected("devices")} />,
        },
      ]}
    />
  );
}

const views = {
  setUp: () => <SetUp />,
  settings: () => (
    <>
      <Settings />
      <VerificationHost accountId={account.accountId} />
    </>
  ),
  verifications: () => (
    <>
      <button type="button">behind</button>
      <VerificationHost accountId={account.accountId} />
    </>
  ),
  person: () => <UserTrustPanel accountId={account.accountId} userId={bob.userId} />,
} satisfies Record<string, () => ReactNode>;

const root = createRoot(document.body.appendChild(document.createElement("div")));

function say(topic: string, items: readonly unknown[]): void {
  snapshots.set(topic, { status: "ready", items });
  flushSync(() => {
    for (const listener of listeners) listener();
  });
}

const controls = {
  show(name: keyof typeof views): void {
    flushSync(() =>
      root.render(
        <EngineProvider client={client} hostInfo={BROWSER_HOST}>
          {views[name]()}
        </EngineProvider>,
      ),
    );
  },
  encryption: (parts: Partial<EncryptionView>) => say("encryption", [{ ...HEALTHY, ...parts }]),
  /** None of them: the topic is empty. */
  verification: (parts: Partial<VerificationView> | null) =>
    say("verifications", parts === null ? [] : [{ ...verification, ...parts }]),
  devices: () => say("devices", devices),
  undecryptable: (causes: readonly string[]) =>
    say(
      "undecryptable",
      causes.map((cause, index) => ({
        key: `$${index}`,
        roomId: "!room:example.org",
        roomName: "Room",
        eventId: `$${index}`,
        sender: bob,
        originServerTs: 1_700_000_000_000,
        cause,
      })),
    ),
  trust: (identity: string, wasVerified: boolean) =>
    say("userTrust", [{ key: bob.userId, person: bob, identity, wasVerified, devices: [] }]),
  /** The next calls of a command get these answers, in turn. */
  answer: (command: string, ...laid: Answer[]) => void answers.set(command, laid),
  callsOf: (command: string) => calls.filter((call) => call.command === command).map(({ args }) => args),
  /** A camera that looks at this code. */
  pointCameraAt(bytes: readonly number[]): void {
    const modules = modulesOf(Uint8Array.from(bytes)) ?? [];
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [640, 480];
    const context = canvas.getContext("2d");
    const draw = () => {
      if (!context) return;
      context.fillStyle = "#ddd";
      context.fillRect(0, 0, 640, 480);
      context.fillStyle = "#222";
      const scale = 400 / modules.length;
      modules.forEach((row, y) =>
        row.forEach((isDark, x) => {
          if (isDark) context.fillRect(120 + x * scale, 40 + y * scale, Math.ceil(scale), Math.ceil(scale));
        }),
      );
    };
    draw();
    setInterval(draw, 100);
    navigator.mediaDevices.getUserMedia = () => Promise.resolve(canvas.captureStream(10));
  },
  /** A computer that refuses its camera with this error. */
  refuseCamera(name: string): void {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(Object.assign(new Error("no"), { name }));
  },
};
declare global {
  interface Window {
    encryption: typeof controls;
  }
}

setUpText("en");
window.encryption = controls;
