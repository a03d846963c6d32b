/**
 * Key backup: room keys go to the server encrypted for one key, and come back for whoever has its private half.
 * Opened and driven by recovery.ts; backup-restore.ts reads it. Invariants: not one key goes to a backup that is not trusted, by a signature
 * that the machine trusts or because its public key is that of our private key; a backup whose creation was
 * killed half-way is found again and not made twice; uploads run beside everything
 * else, in small steps, and go on after a restart.
 * spec: e2ee, "Server-side key backups"; `m.megolm_backup.v1.curve25519-aes-sha2`.
 */
import { BackupDecryptionKey, SignatureState } from "@matrix-org/matrix-sdk-crypto-wasm";
import type { EngineErrorData } from "../../../preload/contract/errors.ts";
import { sleep } from "../base/clock.ts";
import { backoffMs, EngineError, retryPlan, toErrorData } from "../base/errors.ts";
import { readString, type JsonObject } from "../matrix/json.ts";
import type { CryptoContext } from "./context.ts";
import type { BackupInfo } from "./server.ts";

const ALGORITHM = "m.megolm_backup.v1.curve25519-aes-sha2";
const BACKUP_SECRET = "m.megolm_backup.v1";

/** New keys come in bursts; they go up together. */
const UPLOAD_DELAY_MS = 2_000;
/** Counting reads the whole key store, so it is done at most this often while an upload runs. */
const COUNT_INTERVAL_MS = 10_000;
export type BackupView = {
  state: "unknown" | "none" | "active" | "key-missing" | "untrusted";
  version: string | undefined;
  keyCount: number;
  backedUpCount: number;
  restoring: { doneCount: number; totalCount: number } | undefined;
  error: EngineErrorData | undefined;
};

/** Setting: which backup the machine's marks of what is backed up are for. */
const TARGET = "crypto.backup-target";
/** Setting: the private key of a backup that may exist on the server already. */
const PENDING = "crypto.backup-pending";
/** Setting: the version that this device made last. */
const MADE = "crypto.backup-made";
export function openBackup(context: CryptoContext) {
  const { olm, outgoing, server, store, clock, log, signal } = context;
  const view: BackupView = {
    state: "unknown",
    version: undefined,
    keyCount: 0,
    backedUpCount: 0,
    restoring: undefined,
    error: undefined,
  };
  /** The backup that keys go to; undefined where none may. */
  let target: { version: string; publicKey: string } | undefined;
  let checking: Promise<void> = Promise.resolve();
  let uploading: Promise<void> | undefined;
  let isUploadDue = false;
  let stopUploadTimer: (() => void) | undefined;
  let countedAtMs = -Infinity;
  let wakeUp = new AbortController();

  const readSetting = (name: string): JsonObject => store.settings.read(name) ?? {};
  const saveSetting = (name: string, value: JsonObject): void =>
    store.write((tx) => store.settings.put(tx, name, value), { isDurable: true });
  const changed = () => context.changed("encryption");

  function show(next: Partial<BackupView>): void {
    const before = JSON.stringify(view);
    Object.assign(view, next);
    if (JSON.stringify(view) !== before) changed();
  }

  /** Waits, or until the network is back. */
  async function pause(delayMs: number, cancel: AbortSignal = signal): Promise<void> {
    await sleep(clock, delayMs, AbortSignal.any([signal, cancel, wakeUp.signal])).catch(() => undefined);
  }

  // ---- which backup, and whether it is trusted

  /** The private key that is here, and the public one that follows from it. */
  async function heldKey(): Promise<
    { privateKey: string; publicKey: string; version: string | undefined } | undefined
  > {
    const keys = await olm.getBackupKeys();
    const key = keys.decryptionKey;
    const version = keys.backupVersion;
    keys.free();
    if (!key) return undefined;
    const held = { privateKey: key.toBase64(), publicKey: publicHalf(key), version };
    key.free();
    return held;
  }

  /** Asks the server which backup there is, and decides what to do with it. Throws what the server throws. */
  function check(): Promise<void> {
    // One after the other: what is decided rests on what the caller has just changed.
    checking = checking.catch(() => undefined).then(decide);
    return checking;
  }

  async function decide(): Promise<void> {
    const info = await server.backupInfo(undefined, { signal });
    if (!info) {
      await stopUsing();
      show({ state: "none", version: undefined, error: undefined });
      return;
    }
    const publicKey = publicKeyIn(info);
    if (publicKey === undefined) {
      await stopUsing();
      const error = { code: "rejected", message: "The key backup is of a kind that Lattice does not know." } as const;
      show({ state: "untrusted", version: info.version, error });
      return;
    }
    await adoptPending(publicKey, info.version);
    const isOurs = (await heldKey())?.publicKey === publicKey;
    const signature = isOurs ? "trusted" : await readSignature(info);
    if (signature === "trusted") {
      await startUsing(publicKey, info.version, isOurs);
      show({ state: isOurs ? "active" : "key-missing", version: info.version, error: undefined });
      uploadSoon();
      return;
    }
    await stopUsing();
    // An identity that is ours but not verified yet has signed it: whoever verifies this device can use it.
    show({ state: signature === "not-yet" ? "key-missing" : "untrusted", version: info.version, error: undefined });
  }

  async function readSignature(info: BackupInfo): Promise<"trusted" | "not-yet" | "untrusted"> {
    try {
      const signature = await olm.verifyBackup({ algorithm: info.algorithm, auth_data: info.authData });
      const isNotYet = signature.userState === SignatureState.ValidButNotTrusted;
      const isTrusted = signature.trusted();
      signature.free();
      return isTrusted ? "trusted" : isNotYet ? "not-yet" : "untrusted";
    } catch {
      // What the server calls authentication data may be anything.
      return "untrusted";
    }
  }

  async function startUsing(publicKey: string, version: string, isOurs: boolean): Promise<void> {
    const known = readSetting(TARGET);
    const isSame = readString(known, "version") === version && readString(known, "publicKey") === publicKey;
    const held = isOurs ? await heldKey() : undefined;
    if (!isSame) {
      // Takes the marks from all keys: what another backup has, this one has not.
      await olm.disableBackup();
      saveSetting(TARGET, { version, publicKey });
    }
    if (!isSame || target?.version !== version || !(await olm.isBackupEnabled())) {
      await olm.enableBackupV1(publicKey, version);
    }
    // Kept again after a reset of the machine's backup state, whatever that leaves of it.
    if (held && (!isSame || held.version !== version)) await saveKey(held.privateKey, version);
    target = { version, publicKey };
  }

  async function stopUsing(): Promise<void> {
    target = undefined;
    if (await olm.isBackupEnabled()) await olm.disableBackup();
    if (readString(readSetting(TARGET), "version") !== undefined) saveSetting(TARGET, {});
  }

  async function saveKey(privateKey: string, version: string): Promise<void> {
    const key = BackupDecryptionKey.fromBase64(privateKey);
    try {
      await olm.saveBackupDecryptionKey(key, version);
    } finally {
      key.free();
    }
  }

  /** A backup that we were making when we were stopped: if the server has it, it is ours. */
  async function adoptPending(publicKey: string, version: string): Promise<void> {
    const privateKey = readString(readSetting(PENDING), "privateKey");
    if (privateKey === undefined || publicKeyOfPrivate(privateKey) !== publicKey) return;
    await saveKey(privateKey, version);
    saveSetting(MADE, { version });
    saveSetting(PENDING, {});
  }

  /**
   * Takes in a private key, from secret storage or from another own device, where it is that of the server's
   * backup. False where it is not: nothing is kept then.
   */
  async function offerKey(privateKey: string): Promise<boolean> {
    const info = await server.backupInfo(undefined, { signal });
    const publicKey = info && publicKeyIn(info);
    if (!info || publicKey === undefined || publicKeyOfPrivate(privateKey) !== publicKey) return false;
    await saveKey(privateKey, info.version);
    await check();
    return view.state === "active";
  }

  /** Makes a new backup and uses it. Repeated after a kill, it finds the one that it had begun. */
  async function create(): Promise<void> {
    const pending = readString(readSetting(PENDING), "privateKey");
    const key = pending === undefined ? BackupDecryptionKey.createRandomKey() : BackupDecryptionKey.fromBase64(pending);
    const publicKey = publicHalf(key);
    if (pending === undefined) saveSetting(PENDING, { privateKey: key.toBase64() });
    key.free();
    const present = await server.backupInfo(undefined, { signal });
    if (!present || publicKeyIn(present) !== publicKey) {
      // One member, so this is its canonical JSON. spec: appendices, "Signing JSON".
      const signatures = await olm.sign(JSON.stringify({ public_key: publicKey }));
      const authData = { public_key: publicKey, signatures: JSON.parse(signatures.asJSON()) as JsonObject };
      signatures.free();
      await server.createBackup({ algorithm: ALGORITHM, authData }, { signal });
    }
    await check();
  }

  // ---- upload

  /** New keys are there, or may be. */
  function uploadSoon(): void {
    isUploadDue = true;
    if (!target || uploading || stopUploadTimer) return;
    stopUploadTimer = clock.setTimer(UPLOAD_DELAY_MS, () => {
      stopUploadTimer = undefined;
      upload().catch((error: unknown) => {
        if (!signal.aborted) log.error("room keys could not be backed up", error);
      });
    });
  }

  /** Uploads all that is not backed up yet; resolves when that is done, or cannot go on. */
  function upload(): Promise<void> {
    isUploadDue = false;
    uploading ??= uploadAll().finally(() => {
      uploading = undefined;
      // Keys that came when the last look was over.
      if (isUploadDue && !signal.aborted) uploadSoon();
    });
    return uploading;
  }

  const isUsing = (): boolean => target !== undefined;

  async function uploadAll(): Promise<void> {
    // `target` is asked each time: a check in between may take it away.
    for (let attempt = 0; isUsing() && !signal.aborted;) {
      const startedMs = clock.monotonic();
      try {
        const request = await olm.backupRoomKeys();
        if (!request) break;
        await outgoing.sendOne(request);
        request.free();
        attempt = 0;
        show({ error: undefined });
        await count({ isForced: false });
        // Half of the time belongs to the rest of the app.
        await sleep(clock, Math.min(clock.monotonic() - startedMs, 1_000), signal).catch(() => undefined);
      } catch (error) {
        if (signal.aborted) return;
        if (!(await handleUploadFailure(error, attempt))) return;
        attempt += 1;
      }
    }
    if (!signal.aborted) await count({ isForced: true });
  }

  /** True where the upload goes on. */
  async function handleUploadFailure(error: unknown, attempt: number): Promise<boolean> {
    if (isBackupGone(error)) {
      // A backup that is there and yet refused would make a circle: the second time waits.
      if (attempt > 0) await pause(backoffMs(attempt));
      try {
        await check();
      } catch (failure) {
        show({ error: toErrorData(failure) });
        await pause(backoffMs(attempt));
      }
      return isUsing() && !signal.aborted;
    }
    const plan = retryPlan(error, attempt);
    if (plan.when === "never") {
      log.error("room keys could not be backed up", error);
      show({ error: toErrorData(error) });
      return false;
    }
    if (attempt > 1) show({ error: toErrorData(error) });
    await pause(plan.when === "after" ? plan.delayMs : backoffMs(attempt));
    return !signal.aborted;
  }

  async function count({ isForced }: { isForced: boolean }): Promise<void> {
    if (!isForced && clock.monotonic() - countedAtMs < COUNT_INTERVAL_MS) return;
    countedAtMs = clock.monotonic();
    const counts = await olm.roomKeyCounts();
    show({ keyCount: counts.total, backedUpCount: target ? counts.backedUp : 0 });
    counts.free();
  }

  // ---- the key from another device

  /** Looks at what other own devices have sent. The machine has made sure that they are ours and verified. */
  async function takeInbox(): Promise<boolean> {
    const secrets = await olm.getSecretsFromInbox(BACKUP_SECRET);
    if (secrets.size === 0) return false;
    let isTaken = (await heldKey()) !== undefined && view.state === "active";
    for (const secret of secrets) if (!isTaken) isTaken = await offerKey(secret);
    // Also what did not fit: it will not fit later, and must not lie around.
    await olm.deleteSecretsFromInbox(BACKUP_SECRET);
    return isTaken;
  }

  return {
    view: (): BackupView => view,
    check,
    offerKey,
    create,
    uploadSoon,
    upload,
    pause,
    show,
    heldKey,
    takeInbox,
    /** The private key of the backup in use, where it is here. */
    async privateKey(): Promise<string | undefined> {
      return view.state === "active" ? (await heldKey())?.privateKey : undefined;
    },
    /** This device made that version: it began with what is here. */
    isMadeHere: (version: string): boolean => readString(readSetting(MADE), "version") === version,
    /** Tries now what waits for the network, or for the server to recover. */
    wake(): void {
      wakeUp.abort();
      wakeUp = new AbortController();
    },
    count: (): Promise<void> => count({ isForced: true }),
  };
}
export type Backup = ReturnType<typeof openBackup>;

/** Undefined where the private key is none. */
export function publicKeyOfPrivate(privateKey: string): string | undefined {
  try {
    const key = BackupDecryptionKey.fromBase64(privateKey);
    const publicKey = publicHalf(key);
    key.free();
    return publicKey;
  } catch {
    return undefined;
  }
}

function publicHalf(key: BackupDecryptionKey): string {
  const half = key.megolmV1PublicKey;
  const text = half.publicKeyBase64;
  half.free();
  return text;
}

/** The public key of a backup whose kind we know, unpadded; undefined where there is none. */
function publicKeyIn(info: BackupInfo): string | undefined {
  if (info.algorithm !== ALGORITHM) return undefined;
  const key = readString(info.authData, "public_key")?.replace(/=+$/u, "");
  return key !== undefined && /^[A-Za-z0-9+/]{43}$/u.test(key) ? key : undefined;
}

/** The backup that we write to is not the one that the server has. */
const isBackupGone = (error: unknown): boolean =>
  error instanceof EngineError && (error.code === "not-found" || error.data.errcode === "M_WRONG_ROOM_KEYS_VERSION");
