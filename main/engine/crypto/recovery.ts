/**
 * Recovery: cross-signing, secret storage and key backup as the one thing that a user sets up, enters a key for,
 * and is told the health of. Opened by parts.ts; the commands `encryption.*` end here.
 * Invariants: commands run one after the other, and each can be repeated after a failure or a kill: it takes up
 * what the first try made, and makes no second identity, storage or backup; what the user holds a key for is
 * replaced only when its successor is in place; an identity that exists is replaced by `resetIdentity` alone.
 * spec: e2ee, "Cross-signing", "Server-side key backups"; client-server, "Secret storage".
 */
import type { EncryptionView } from "../../../preload/contract/views.ts";
import { backoffMs, EngineError, retryPlan, toErrorData } from "../base/errors.ts";
import { readBoolean, readString } from "../matrix/json.ts";
import { openBackup } from "./backup.ts";
import { openBackupRestore, type RestoreOptions, type RestoreResult } from "./backup-restore.ts";
import type { CryptoContext } from "./context.ts";
import { openCrossSigning } from "./cross-signing.ts";
import {
  decodeRecoveryKey,
  deriveRecoveryKey,
  encodeRecoveryKey,
  makePassphraseInfo,
  makeRecoveryKeyBytes,
  type PassphraseInfo,
} from "./recovery-key.ts";
import { openSecretStorage, type UnlockedStorage } from "./secret-storage.ts";

/** What of the health page is known here. */
export type RecoveryView = Pick<
  EncryptionView,
  "nextStep" | "isDeviceVerified" | "hasRecovery" | "hasPassphrase" | "secrets" | "backup" | "hasIdentityChanged"
>;

/** Setting: the backup that is being replaced, and whether it may go when its successor is in place. */
const REPLACED = "crypto.backup-replaced";

export function openRecovery(context: CryptoContext, options: RestoreOptions = {}) {
  const { olm, outgoing, server, store, log, signal } = context;
  const crossSigning = openCrossSigning(context);
  const storage = openSecretStorage(context);
  const backup = openBackup(context);
  const restoring = openBackupRestore(context, backup, options);
  /** The key that was made last and how it follows from a passphrase; never on disk. */
  let madeKey: { recoveryKey: string; passphrase: PassphraseInfo | undefined } | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let isLooking = false;
  let isLookDue = false;
  /** The server has been asked what there is: only then is something known to be missing. */
  let hasLooked = false;

  /** Commands wait for each other: two halves of two set-ups make no whole. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  }

  // ---- what there is

  /** Asks the server what there is, until it has answered; then does what is due. Does not wait. */
  function look(): void {
    isLookDue = isLooking;
    if (isLooking) return;
    isLooking = true;
    lookPatiently()
      .catch((error: unknown) => {
        if (!signal.aborted) log.error("the state of recovery is not known", error);
      })
      .finally(() => {
        isLooking = false;
        // Something happened while the answers were on their way.
        if (isLookDue && !signal.aborted) look();
      });
  }

  async function lookPatiently(): Promise<void> {
    await crossSigning.refresh();
    await backup.count();
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        await inTurn(lookOnce);
        return;
      } catch (error) {
        if (signal.aborted) return;
        const plan = retryPlan(error, attempt);
        if (plan.when === "never") throw error;
        await backup.pause(plan.when === "after" ? plan.delayMs : backoffMs(attempt));
      }
    }
  }

  async function lookOnce(): Promise<void> {
    if (!crossSigning.state().isDeviceVerified) await crossSigning.queryOwnKeys();
    await crossSigning.resume();
    await storage.refresh();
    await backup.check();
    await backup.takeInbox();
    hasLooked = true;
    context.changed("encryption");
    if (crossSigning.state().isDeviceVerified && (await olm.requestMissingSecretsIfNeeded())) outgoing.flushSoon();
    restoreIfDue();
  }

  function restoreIfDue(): void {
    if (!restoring.isDue()) return;
    restoring.restore().catch((error: unknown) => {
      if (!signal.aborted) log.warn("the backup was not restored", { code: toErrorData(error).code });
    });
  }

  /** The own identity, or this device's place in it, may be another now. */
  async function noteOwnIdentity(): Promise<void> {
    const before = crossSigning.state();
    await crossSigning.refresh();
    const now = crossSigning.state();
    if (now.isDeviceVerified !== before.isDeviceVerified || now.hasIdentityChanged !== before.hasIdentityChanged)
      look();
  }

  function view(): RecoveryView {
    const { stored, hasPassphrase } = storage.state();
    const signing = crossSigning.state();
    // A storage with the keys of an identity that is gone recovers nothing.
    const hasRecovery = storage.state().hasRecovery && stored.size > 0 && !crossSigning.isResetUnfinished();
    const { state, version, keyCount, backedUpCount, restoring: progress, error } = backup.view();
    const secret = (isHere: boolean, name: Parameters<typeof stored.has>[0]) => ({
      isHere,
      isStored: stored.has(name),
    });
    return {
      nextStep: nextStep(signing, hasRecovery),
      isDeviceVerified: signing.isDeviceVerified,
      hasRecovery,
      hasPassphrase: hasRecovery && hasPassphrase,
      secrets: {
        masterKey: secret(signing.hasMasterKey, "m.cross_signing.master"),
        selfSigningKey: secret(signing.hasSelfSigningKey, "m.cross_signing.self_signing"),
        userSigningKey: secret(signing.hasUserSigningKey, "m.cross_signing.user_signing"),
        backupKey: secret(state === "active", "m.megolm_backup.v1"),
      },
      backup: {
        state,
        keyCount,
        backedUpCount,
        ...(version !== undefined && { version }),
        ...(progress && { restoring: progress }),
        ...(error && { error }),
      },
      hasIdentityChanged: signing.hasIdentityChanged,
    };
  }

  function nextStep(
    signing: { hasIdentity: boolean; isDeviceVerified: boolean },
    hasRecovery: boolean,
  ): RecoveryView["nextStep"] {
    if (signing.hasIdentity && !signing.isDeviceVerified) return "verify";
    if (!hasLooked) return "none";
    if (!signing.hasIdentity) return "create";
    return hasRecovery ? "none" : "recovery";
  }

  // ---- set-up

  /** Makes a recovery key to show and to keep; nothing is stored with it before `setUp`. */
  async function makeRecoveryKey(passphrase?: string): Promise<string> {
    const info = passphrase === undefined ? undefined : makePassphraseInfo();
    const key = info && passphrase !== undefined ? await deriveRecoveryKey(passphrase, info) : makeRecoveryKeyBytes();
    madeKey = { recoveryKey: encodeRecoveryKey(key), passphrase: info };
    return madeKey.recoveryKey;
  }

  function parseNewKey(recoveryKey: string): { key: Uint8Array; passphrase: PassphraseInfo | undefined } {
    const key = decodeRecoveryKey(recoveryKey);
    if (!key) throw new EngineError("wrong-recovery-key", "This is not a recovery key, or it has a typing error.");
    const isMade = madeKey?.recoveryKey === encodeRecoveryKey(key);
    return { key, passphrase: isMade ? madeKey?.passphrase : undefined };
  }

  async function setUp(request: { recoveryKey: string; password?: string | undefined }): Promise<void> {
    const { key, passphrase } = parseNewKey(request.recoveryKey);
    const outcome = await crossSigning.bootstrap({ password: request.password });
    if (outcome === "elsewhere") {
      throw new EngineError(
        "encryption-not-ready",
        "This account is set up already, and its keys are not on this device. Verify this device with another one, " +
          "or enter the recovery key.",
      );
    }
    await backup.check();
    if (backup.view().state !== "active") await backup.create();
    await lock(key, passphrase);
    crossSigning.endReset();
    look();
  }

  /** Stores all secrets under this key and makes it the account's recovery key. */
  async function lock(key: Uint8Array, passphrase: PassphraseInfo | undefined): Promise<void> {
    const unlocked = await storage.openOrCreate(key, passphrase);
    const missing = await storeSecrets(unlocked);
    if (missing) {
      throw new EngineError(
        "encryption-not-ready",
        "Not all keys of your identity are on this device yet. Leave another verified device open, and try again.",
      );
    }
    await unlocked.makeDefault();
    await storage.refresh();
    context.changed("encryption");
  }

  /** Stores what is here. True where a key of the identity is not. */
  async function storeSecrets(unlocked: UnlockedStorage): Promise<boolean> {
    const secrets = await crossSigning.exportSecrets();
    const backupKey = await backup.privateKey();
    if (secrets?.masterKey !== undefined) await unlocked.store("m.cross_signing.master", secrets.masterKey);
    if (secrets?.selfSigningKey !== undefined) {
      await unlocked.store("m.cross_signing.self_signing", secrets.selfSigningKey);
    }
    if (secrets?.userSigningKey !== undefined) {
      await unlocked.store("m.cross_signing.user_signing", secrets.userSigningKey);
    }
    if (backupKey !== undefined) await unlocked.store("m.megolm_backup.v1", backupKey);
    return !(
      secrets?.masterKey !== undefined &&
      secrets.selfSigningKey !== undefined &&
      secrets.userSigningKey !== undefined
    );
  }

  async function recover(secret: string): Promise<void> {
    const unlocked = await storage.unlock(secret);
    const secrets = {
      masterKey: await unlocked.read("m.cross_signing.master"),
      selfSigningKey: await unlocked.read("m.cross_signing.self_signing"),
      userSigningKey: await unlocked.read("m.cross_signing.user_signing"),
    };
    const backupKey = await unlocked.read("m.megolm_backup.v1");
    if (backupKey === undefined && Object.values(secrets).every((value) => value === undefined)) {
      throw new EngineError(
        "not-found",
        "The recovery key fits, but nothing is stored under it. Set recovery up again on a verified device.",
      );
    }
    // The history does not depend on the identity: it comes back also where that has changed since.
    if (backupKey !== undefined && (await backup.offerKey(backupKey))) restoreIfDue();
    if (Object.values(secrets).some((value) => value !== undefined)) await crossSigning.importSecrets(secrets);
    await backup.check();
    // What was made without this key at hand is put under it now.
    await storeSecrets(unlocked);
    look();
  }

  // ---- replacing

  /** Makes a new backup beside the present one. A repeat finds the one that it made. */
  async function swapBackup(): Promise<void> {
    await backup.check();
    const { state, version } = backup.view();
    const begun = readString(store.settings.read(REPLACED) ?? {}, "version");
    if (begun === undefined) {
      // What we could read and have not read yet must not go with the old version.
      const mayGo = version !== undefined && (state !== "active" || restoring.isComplete(version));
      store.write((tx) => store.settings.put(tx, REPLACED, { version: version ?? "", mayGo }), { isDurable: true });
    }
    restoring.cancel();
    if (state !== "active" || version === (begun ?? version)) await backup.create();
  }

  /** The successor is in place and its key is kept: the old version goes. */
  async function dropReplaced(): Promise<void> {
    const replaced = store.settings.read(REPLACED) ?? {};
    const version = readString(replaced, "version");
    if (
      version !== undefined &&
      version !== "" &&
      version !== backup.view().version &&
      readBoolean(replaced, "mayGo")
    ) {
      try {
        await server.deleteBackup(version, { signal });
      } catch (error) {
        if (!(error instanceof EngineError) || error.code !== "not-found") throw error;
      }
    }
    store.write((tx) => store.settings.put(tx, REPLACED, {}), { isDurable: true });
  }

  async function replaceBackup(recoveryKey: string | undefined): Promise<void> {
    // First of all: with a wrong key nothing is replaced.
    const unlocked = recoveryKey === undefined ? undefined : await storage.unlock(recoveryKey);
    await swapBackup();
    const backupKey = await backup.privateKey();
    if (backupKey === undefined) throw new EngineError("encryption-not-ready", "The new backup could not be used.");
    if (unlocked) await unlocked.store("m.megolm_backup.v1", backupKey);
    else await storage.forget("m.megolm_backup.v1");
    await dropReplaced();
    look();
  }

  async function resetIdentity(request: { recoveryKey: string; password?: string | undefined }): Promise<void> {
    const { key, passphrase } = parseNewKey(request.recoveryKey);
    if (!crossSigning.isResetUnfinished()) await crossSigning.reset({ password: request.password });
    await swapBackup();
    await lock(key, passphrase);
    crossSigning.endReset();
    await dropReplaced();
    look();
  }

  return {
    view,
    /** Begins: what was interrupted goes on, and the server is asked what there is. */
    start: look,
    /** The network is back. */
    wake: (): void => backup.wake(),
    /** Waits, or until the network is back. */
    pause: (delayMs: number): Promise<void> => backup.pause(delayMs),
    noteOwnIdentity,
    /** Room keys have come, or were made. */
    noteRoomKeys: (): void => backup.uploadSoon(),
    /** Another own device has sent a secret. Those of cross-signing are taken in by the machine itself. */
    noteSecret: look,
    /** Account data of secret storage has changed, see `isSecretStorageType`. */
    noteSecretStorage: look,
    /** Makes the account's identity where it has none, and finishes what a kill left undone; see cross-signing.ts. */
    bootstrap: (request: { password?: string | undefined }): ReturnType<typeof crossSigning.bootstrap> =>
      inTurn(() => crossSigning.bootstrap(request)),
    makeRecoveryKey,
    setUpRecovery: (request: { recoveryKey: string; password?: string | undefined }): Promise<void> =>
      inTurn(() => setUp(request)),
    recover: (secret: string): Promise<void> => inTurn(() => recover(secret)),
    replaceBackup: (recoveryKey?: string): Promise<void> => inTurn(() => replaceBackup(recoveryKey)),
    resetIdentity: (request: { recoveryKey: string; password?: string | undefined }): Promise<void> =>
      inTurn(() => resetIdentity(request)),
    acknowledgeIdentityChange: (): Promise<void> => crossSigning.acknowledgeChange(),
    /** Resolves when all is fetched. */
    restoreBackup(first?: readonly string[]): Promise<RestoreResult> {
      restoring.forgetAbsences();
      return restoring.restore(first ? { first } : {});
    },
    cancelRestore: restoring.cancel,
    requestSession: restoring.requestSession,
    forgetAbsences: restoring.forgetAbsences,
    /** Uploads now what is not in the backup yet. */
    upload: backup.upload,
  };
}
export type Recovery = ReturnType<typeof openRecovery>;
