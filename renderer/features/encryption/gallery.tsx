/**
 * Every view about encryption in each of its states, from canned props. Shown by renderer/app's gallery, which also
 * puts the sections into the settings' window. Invariant: no engine and no camera are needed.
 */
import type { ReactNode } from "react";
import type { DeviceId, EventId, RoomId, UserId } from "../../../preload/contract/ids.ts";
import type {
  DeviceRow,
  EncryptionView,
  Person,
  UndecryptableCause,
  UndecryptableRow,
  UserTrust,
  VerificationView,
} from "../../../preload/contract/views.ts";
import { HEALTHY } from "./canned-view.ts";
import { ConfirmDeviceView } from "./ConfirmDeviceDialog.tsx";
import type { ConfirmDeviceViewProps } from "./ConfirmDeviceDialog.tsx";
import { DevicesView } from "./DevicesSection.tsx";
import type { DevicesViewProps } from "./DevicesSection.tsx";
import { EncryptionBannerView } from "./EncryptionBanner.tsx";
import type { EncryptionNews } from "./EncryptionBanner.tsx";
import { ExportKeysView } from "./ExportKeysDialog.tsx";
import { HealthView } from "./HealthView.tsx";
import type { HealthViewProps } from "./HealthView.tsx";
import { IdentityChangedView } from "./IdentityChangedDialog.tsx";
import { ImportKeysView } from "./ImportKeysDialog.tsx";
import { QrScannerView } from "./QrScanner.tsx";
import type { ScannerState } from "./QrScanner.tsx";
import { RecoveryDialogView } from "./RecoveryDialog.tsx";
import type { RecoveryMode, RecoveryStep } from "./RecoveryDialog.tsx";
import { ReplaceBackupView } from "./ReplaceBackupDialog.tsx";
import { SignOutDevicesView } from "./SignOutDevicesDialog.tsx";
import type { SignOutDevicesViewProps } from "./SignOutDevicesDialog.tsx";
import { base64Of } from "./qr-bytes.ts";
import { UserTrustView } from "./UserTrustPanel.tsx";
import { VerificationCard } from "./VerificationCard.tsx";
import { VerificationDialog } from "./VerificationView.tsx";
import styles from "./gallery.module.css";
import verificationStyles from "./verification.module.css";

const nothing = () => {};
const nowMs = Date.now();
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

const alice: Person = { userId: "@alice:example.org" as UserId, displayName: "Alice Reyes" };
const bob: Person = { userId: "@bob:example.org" as UserId, displayName: "Bob Marsh" };
const RECOVERY_KEY = "EsTR mwqJ JoXZ 8dKn F7uH 9jGh YpWc VrNx 5sLb DtQa ZkMe P2Hy";

const good: EncryptionView = {
  ...HEALTHY,
  hasPassphrase: true,
  backup: { state: "active", version: "4", keyCount: 12_400, backedUpCount: 12_400 },
};
const nowhere = { isHere: false, isStored: false };
const stored = { isHere: false, isStored: true };
const unverified: EncryptionView = {
  ...good,
  nextStep: "verify",
  isDeviceVerified: false,
  secrets: { masterKey: stored, selfSigningKey: stored, userSigningKey: stored, backupKey: stored },
  backup: { state: "key-missing", version: "4", keyCount: 12, backedUpCount: 0 },
};

const row = (index: number, cause: UndecryptableCause, sender: Person = bob): UndecryptableRow => ({
  key: `$u${index}` as EventId,
  roomId: "!room:example.org" as RoomId,
  roomName: index % 2 === 0 ? "Climbing Saturday, with everybody who has ever been there" : sender.displayName,
  eventId: `$u${index}` as EventId,
  sender,
  originServerTs: nowMs - index * 47 * MINUTE_MS,
  cause,
});
const rows: readonly UndecryptableRow[] = [
  row(0, "missing-key"),
  row(1, "missing-key"),
  row(2, "missing-key"),
  row(3, "missing-key"),
  row(4, "missing-key"),
  row(5, "history-unverified-device"),
  row(6, "history-without-backup"),
  row(7, "verification-violation"),
  row(8, "verification-violation", {
    userId: "@theo:example.org" as UserId,
    displayName: "Theodora Papadopoulou-Vandenberghe",
  }),
  row(9, "unsigned-device"),
  row(10, "sent-before-we-joined"),
  row(11, "replayed"),
  row(12, "unsupported-algorithm"),
  row(13, "malformed"),
];

const healthBase: HealthViewProps = {
  view: good,
  lostMessage: undefined,
  notReadyMessage: undefined,
  backupMessage: undefined,
  rows: [],
  problem: undefined,
  isAsking: false,
  hasAsked: false,
  isRestoreStarting: false,
  onFix: nothing,
  onMend: nothing,
  onRestore: nothing,
  onOnlyConfirmed: nothing,
  onExport: nothing,
  onImport: nothing,
  onStartOver: nothing,
};
/** The health page of these props, for the settings' window of the gallery. */
export const cannedHealth = (props: Partial<HealthViewProps> = {}): ReactNode => (
  <HealthView {...healthBase} {...props} />
);

const healthStates: readonly { name: string; props: Partial<HealthViewProps> }[] = [
  { name: "in order", props: {} },
  {
    name: "device not confirmed",
    props: { view: { ...unverified, undecryptableCount: 340 }, rows },
  },
  {
    name: "no recovery",
    props: {
      view: {
        ...good,
        nextStep: "recovery",
        hasRecovery: false,
        hasPassphrase: false,
        backup: { state: "none", keyCount: 12, backedUpCount: 0 },
        secrets: {
          masterKey: { isHere: true, isStored: false },
          selfSigningKey: { isHere: true, isStored: false },
          userSigningKey: { isHere: true, isStored: false },
          backupKey: nowhere,
        },
      },
    },
  },
  {
    name: "several problems",
    props: {
      view: {
        ...good,
        hasIdentityChanged: true,
        secrets: { ...good.secrets, userSigningKey: stored },
        backup: {
          state: "untrusted",
          version: "5",
          keyCount: 12,
          backedUpCount: 0,
          error: { code: "forbidden", message: "The server does not allow this." },
        },
      },
      backupMessage: "The server does not allow this.",
      problem: "No connection. Try again when the network is back.",
    },
  },
  {
    name: "backing up and fetching",
    props: {
      view: {
        ...good,
        backup: {
          state: "active",
          version: "4",
          keyCount: 12_400,
          backedUpCount: 3_120,
          restoring: { doneCount: 1_200, totalCount: 4_000 },
        },
      },
    },
  },
  {
    name: "part lost",
    props: { view: { ...good, secrets: { ...good.secrets, masterKey: nowhere }, sendsToSignedDevicesOnly: false } },
  },
  {
    name: "waiting for the key store",
    props: {
      view: { ...good, state: "waiting" },
      notReadyMessage: "The system’s keyring is locked. Unlock it, and Lattice goes on by itself.",
    },
  },
  { name: "loading", props: { view: undefined } },
  { name: "lost", props: { view: undefined, lostMessage: "The account is gone." } },
];

const device = (id: string, parts: Partial<DeviceRow>): DeviceRow => ({
  key: id as DeviceId,
  deviceId: id as DeviceId,
  displayName: "",
  isThisDevice: false,
  trust: "verified",
  fingerprint: HEALTHY.fingerprint,
  ...parts,
});
const devices: readonly DeviceRow[] = [
  device("KQZXWVUTSR", { displayName: "Lattice (linux)", isThisDevice: true, lastSeenTs: nowMs }),
  device("ABCDEFGHIJ", {
    displayName: "Element on a Pixel 9",
    lastSeenTs: nowMs - 40 * MINUTE_MS,
    lastSeenAddress: "192.0.2.17",
  }),
  device("KLMNOPQRST", {
    displayName: "Lattice on the very old laptop in the kitchen that nobody has opened since the winter before last",
    trust: "unsigned",
    lastSeenTs: nowMs - 3 * DAY_MS,
    lastSeenAddress: "2001:db8::17",
  }),
  { ...device("UVWXYZ0123", { trust: "no-encryption", lastSeenTs: nowMs - 400 * DAY_MS }), fingerprint: undefined },
];

const devicesBase: DevicesViewProps = {
  content: { status: "ready", devices },
  isConfirmed: true,
  needsConfirming: false,
  problem: undefined,
  onConfirmDevice: nothing,
  onVerify: nothing,
  onRename: () => Promise.resolve("The server does not allow this."),
  onSignOut: nothing,
};
/** The list of devices of these props, for the settings' window of the gallery. */
export const cannedDevices = (props: Partial<DevicesViewProps> = {}): ReactNode => (
  <DevicesView {...devicesBase} {...props} />
);

const deviceStates: readonly { name: string; props: Partial<DevicesViewProps> }[] = [
  { name: "several", props: {} },
  { name: "one opened", props: { openDeviceId: "KLMNOPQRST" as DeviceId } },
  {
    name: "this one not confirmed",
    props: {
      isConfirmed: false,
      needsConfirming: true,
      content: {
        status: "ready",
        devices: devices.map((one) => (one.isThisDevice ? { ...one, trust: "unsigned" } : one)),
      },
    },
  },
  { name: "only this one", props: { content: { status: "ready", devices: devices.slice(0, 1) } } },
  { name: "loading", props: { content: { status: "loading" } } },
  { name: "lost", props: { content: { status: "lost", message: "The account is gone." } } },
];

const signOutBase: SignOutDevicesViewProps = {
  userId: alice.userId,
  devices: devices.slice(1, 2),
  needsPassword: false,
  isPasswordWrong: false,
  isRunning: false,
  problem: undefined,
  onSignOut: nothing,
  onPassword: nothing,
  onBack: nothing,
  onClose: nothing,
};

const recovery = (
  mode: RecoveryMode,
  step: RecoveryStep,
  parts: { isRunning?: boolean; problem?: string } = {},
): ReactNode => (
  <RecoveryDialogView
    mode={mode}
    step={step}
    userId={alice.userId}
    isRunning={parts.isRunning ?? false}
    problem={parts.problem}
    onAcceptLoss={nothing}
    onMakeKey={nothing}
    onSaveKey={nothing}
    onKept={nothing}
    onPassword={nothing}
    onBackFromPassword={nothing}
    onClose={nothing}
  />
);

const confirmBase: ConfirmDeviceViewProps = {
  step: "choose",
  canVerifyWithDevice: true,
  hasRecovery: true,
  hasPassphrase: false,
  restoring: undefined,
  isRunning: false,
  isSecretWrong: false,
  problem: undefined,
  onOtherDevice: nothing,
  onEnterSecret: nothing,
  onSecret: nothing,
  onSecretEdited: nothing,
  onBack: nothing,
  onLost: nothing,
  onClose: nothing,
};
const confirmStates: readonly { name: string; props: Partial<ConfirmDeviceViewProps> }[] = [
  { name: "ways", props: { hasPassphrase: true } },
  { name: "no other device", props: { canVerifyWithDevice: false } },
  {
    name: "no way but later",
    props: { canVerifyWithDevice: false, hasRecovery: false, problem: "No answer from the server." },
  },
  { name: "recovery key", props: { step: "secret" } },
  { name: "wrong key", props: { step: "secret", hasPassphrase: true, isSecretWrong: true } },
  { name: "trying the key", props: { step: "secret", isRunning: true } },
  { name: "done", props: { step: "done", restoring: { doneCount: 1_200, totalCount: 4_000 } } },
];

/** As long as a real one: prefix, transaction id, two keys, a secret. */
const qrCode = base64Of(
  Uint8Array.from({ length: 150 }, (_, index) => "MATRIX\u0002\u0001".charCodeAt(index) || (index * 151) % 251),
);
const verification = (parts: Partial<VerificationView>): VerificationView => ({
  key: "flow",
  flowId: "flow",
  other: bob,
  isSelf: false,
  direction: "outgoing",
  phase: "ready",
  canCompareEmoji: true,
  canScan: true,
  startedAtMs: nowMs,
  expiresAtMs: nowMs + 9 * MINUTE_MS + 41_000,
  ...parts,
});
const self: Partial<VerificationView> = {
  isSelf: true,
  other: alice,
  otherDeviceId: "ABCDEFGHIJ" as DeviceId,
  otherDeviceName: "Element on a Pixel 9",
};
const emoji = [
  { number: 0, symbol: "🐶", description: "Dog" },
  { number: 36, symbol: "👍", description: "Thumbs Up" },
  { number: 53, symbol: "✈️", description: "Aeroplane" },
  { number: 29, symbol: "❤️", description: "Heart" },
  { number: 61, symbol: "🎧", description: "Headphones" },
  { number: 41, symbol: "💡", description: "Light Bulb" },
  { number: 17, symbol: "🌵", description: "Cactus" },
];

type CannedVerification = {
  name: string;
  view: Partial<VerificationView>;
  parts?: { problem?: string; isRunning?: boolean; scanner?: ReactNode };
};
const cancelled = (code: string, byUs = false): Partial<VerificationView> => ({
  phase: "cancelled",
  cancel: { code, byUs, message: "" },
});
const verificationStates: readonly CannedVerification[] = [
  { name: "asked, own device", view: { ...self, phase: "requested" } },
  { name: "asked, person", view: { phase: "requested" } },
  { name: "ready, own device", view: { ...self, qrCode } },
  { name: "ready, person", view: { qrCode } },
  { name: "ready, emoji only", view: { canScan: false } },
  { name: "ready, no common way", view: { canScan: false, canCompareEmoji: false } },
  { name: "waiting", view: { phase: "waiting" } },
  { name: "emoji, own device", view: { ...self, phase: "emoji", emoji } },
  { name: "emoji, person", view: { phase: "emoji", emoji }, parts: { problem: "No answer from the server." } },
  { name: "numbers", view: { phase: "emoji", decimals: [1_234, 5_678, 9_012] }, parts: { isRunning: true } },
  { name: "scanned", view: { phase: "scanned" } },
  { name: "done, own device", view: { ...self, phase: "done" } },
  { name: "done, person", view: { phase: "done" } },
  { name: "stopped", view: cancelled("m.user") },
  { name: "mismatch", view: cancelled("m.mismatched_sas", true) },
  { name: "accepted elsewhere", view: { ...self, ...cancelled("m.accepted") } },
  ...(["asking", "looking", "other-code", "no-camera", "denied", "failed"] as const).map(
    (state: ScannerState): CannedVerification => ({
      name: `camera, ${state}`,
      view: { ...self, qrCode },
      parts: { scanner: <QrScannerView state={state} /> },
    }),
  ),
];

const trust = (parts: Partial<UserTrust>): UserTrust => ({
  key: bob.userId,
  person: bob,
  identity: "unverified",
  wasVerified: false,
  devices: [
    { deviceId: "BOBPHONE" as DeviceId, displayName: "Bob’s phone", trust: "signed", fingerprint: HEALTHY.fingerprint },
    { deviceId: "BOBOLD" as DeviceId, displayName: "", trust: "unsigned" },
  ],
  ...parts,
});
const people: readonly { name: string; trust: UserTrust; startsOpen?: boolean; problem?: string }[] = [
  {
    name: "verified",
    trust: trust({
      identity: "verified",
      wasVerified: true,
      devices: trust({}).devices.map((one) => ({ ...one, trust: "verified" })),
    }),
    startsOpen: true,
  },
  { name: "not verified", trust: trust({}), startsOpen: true },
  { name: "no encryption", trust: trust({ identity: "none", devices: [] }) },
  { name: "changed", trust: trust({ identity: "changed" }) },
  {
    name: "changed, was verified",
    trust: trust({ identity: "changed", wasVerified: true }),
    problem: "No answer from the server.",
  },
];

const news: readonly EncryptionNews[] = [
  { kind: "create" },
  { kind: "verify" },
  { kind: "recovery" },
  { kind: "identity-changed" },
  { kind: "restoring", done: 1_200, total: 4_000 },
  { kind: "not-ready", message: "The system’s keyring is locked. Unlock it, and Lattice goes on by itself." },
];

type GalleryView = { name: string; render: () => ReactNode };

/** Encryption views for the gallery. */
export const encryptionGallery: readonly GalleryView[] = [
  {
    name: "encryption: banners",
    render: () => (
      <main>
        {news.map((one) => (
          <EncryptionBannerView key={one.kind} news={one} onSetUp={nothing} onShowHealth={nothing} />
        ))}
      </main>
    ),
  },
  { name: "set-up: explain", render: () => recovery("create", { at: "explain" }) },
  {
    name: "set-up: making the key fails",
    render: () => recovery("recovery", { at: "explain" }, { problem: "Encryption is not ready on this device." }),
  },
  {
    name: "set-up: keep the key",
    render: () => recovery("create", { at: "keep", recoveryKey: RECOVERY_KEY, hasPassphrase: false }),
  },
  {
    name: "set-up: keep the key, offline",
    render: () =>
      recovery(
        "create",
        { at: "keep", recoveryKey: RECOVERY_KEY, hasPassphrase: true },
        { problem: "No connection. Try again when the network is back." },
      ),
  },
  { name: "set-up: password", render: () => recovery("create", { at: "password", isWrong: false }) },
  { name: "set-up: wrong password", render: () => recovery("create", { at: "password", isWrong: true }) },
  { name: "set-up: done", render: () => recovery("create", { at: "done" }) },
  { name: "start over: warning", render: () => recovery("reset", { at: "warn" }) },
  { name: "start over: done", render: () => recovery("reset", { at: "done" }) },
  ...confirmStates.map(({ name, props }) => ({
    name: `confirm device: ${name}`,
    render: () => <ConfirmDeviceView {...confirmBase} {...props} />,
  })),
  {
    name: "verification: requests",
    render: () => (
      <div className={verificationStyles["cards"]}>
        {[verification({ ...self, phase: "requested" }), verification({ phase: "requested" })].map((view) => (
          <VerificationCard
            key={view.other.userId}
            view={view}
            avatarSrc={undefined}
            isRunning={false}
            problem={view.isSelf ? undefined : "No answer from the server."}
            onAccept={nothing}
            onNotNow={nothing}
          />
        ))}
      </div>
    ),
  },
  ...verificationStates.map(({ name, view, parts }) => ({
    name: `verification: ${name}`,
    render: () => (
      <VerificationDialog
        view={verification(view)}
        isRunning={parts?.isRunning ?? false}
        problem={parts?.problem}
        onStartEmoji={nothing}
        onScanned={nothing}
        onConfirm={nothing}
        onTryAgain={nothing}
        onClose={nothing}
        scanner={parts?.scanner}
        startsScanning={parts?.scanner !== undefined}
      />
    ),
  })),
  ...deviceStates.map(({ name, props }) => ({
    name: `devices: ${name}`,
    render: () => <main className={styles["column"]}>{cannedDevices(props)}</main>,
  })),
  { name: "devices: sign one out", render: () => <SignOutDevicesView {...signOutBase} /> },
  {
    name: "devices: sign all out, refused",
    render: () => (
      <SignOutDevicesView {...signOutBase} devices={devices.slice(1)} problem="The server does not allow this." />
    ),
  },
  { name: "devices: password", render: () => <SignOutDevicesView {...signOutBase} needsPassword /> },
  ...healthStates.map(({ name, props }) => ({
    name: `encryption health: ${name}`,
    render: () => <main className={styles["column"]}>{cannedHealth(props)}</main>,
  })),
  {
    name: "encryption health: identity changed",
    render: () => (
      <IdentityChangedView
        isRunning={false}
        problem={undefined}
        onWasMe={nothing}
        onShowDevices={nothing}
        onClose={nothing}
      />
    ),
  },
  {
    name: "encryption health: start a backup",
    render: () => (
      <ReplaceBackupView
        isUntrusted={false}
        hasRecovery={false}
        isRunning={false}
        isSecretWrong={false}
        problem={undefined}
        onSubmit={nothing}
        onEdited={nothing}
        onClose={nothing}
      />
    ),
  },
  {
    name: "encryption health: replace the backup, wrong key",
    render: () => (
      <ReplaceBackupView
        isUntrusted
        hasRecovery
        isRunning={false}
        isSecretWrong
        problem={undefined}
        onSubmit={nothing}
        onEdited={nothing}
        onClose={nothing}
      />
    ),
  },
  ...[
    { name: "export", doneCount: undefined, isRunning: false },
    { name: "export, running", doneCount: undefined, isRunning: true },
    { name: "export, done", doneCount: 12_400, isRunning: false },
  ].map(({ name, doneCount, isRunning }) => ({
    name: `key file: ${name}`,
    render: () => (
      <ExportKeysView
        doneCount={doneCount}
        isRunning={isRunning}
        problem={undefined}
        onExport={nothing}
        onSaveAgain={nothing}
        onClose={nothing}
      />
    ),
  })),
  ...[
    { name: "import", counts: undefined, problem: undefined, isPassphraseWrong: false },
    { name: "import, no key file", counts: undefined, problem: "This is not a key file.", isPassphraseWrong: true },
    {
      name: "import, done",
      counts: { importedCount: 12, totalCount: 14 },
      problem: undefined,
      isPassphraseWrong: false,
    },
  ].map(({ name, ...state }) => ({
    name: `key file: ${name}`,
    render: () => (
      <ImportKeysView {...state} isRunning={false} onImport={nothing} onEdited={nothing} onClose={nothing} />
    ),
  })),
  ...people.map(({ name, trust: shown, startsOpen, problem }) => ({
    name: `person: ${name}`,
    render: () => (
      <main className={styles["panel"]}>
        <UserTrustView
          trust={shown}
          isRunning={false}
          problem={problem}
          onVerify={nothing}
          onAcknowledge={nothing}
          startsOpen={startsOpen ?? false}
        />
      </main>
    ),
  })),
];
