/**
 * Cross-signing: the identity of this account, its private keys, and the signature under this device.
 * Opened by crypto.ts, driven by recovery.ts and by the sync. Invariants: an identity that the server has is
 * replaced only by `reset`; an upload that failed or was killed is repeated byte for byte; private keys are taken
 * in only where they belong to the identity that the server publishes; a change of that identity which did not
 * begin here is told until the user has acknowledged it.
 * spec: e2ee, "Cross-signing"; client-server POST /keys/device_signing/upload.
 */
import { createPrivateKey, createPublicKey } from "node:crypto";
import {
  DeviceId,
  OlmMachine,
  OwnUserIdentity,
  UserId,
  type KeysUploadRequest,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import { EngineError } from "../base/errors.ts";
import { isObject, readBoolean, readObject, readString, type JsonObject, type JsonValue } from "../matrix/json.ts";
import type { CryptoContext } from "./context.ts";
import type { AuthOptions } from "./server.ts";

/** The seeds of the private keys, unpadded base64. */
export type CrossSigningSecrets = {
  masterKey: string | undefined;
  selfSigningKey: string | undefined;
  userSigningKey: string | undefined;
};

export type CrossSigningState = {
  /** The account has a published identity, as far as this device knows. */
  hasIdentity: boolean;
  /** This device is signed by that identity, and trusts it. */
  isDeviceVerified: boolean;
  hasMasterKey: boolean;
  hasSelfSigningKey: boolean;
  hasUserSigningKey: boolean;
  /** The identity was replaced from elsewhere, and the user has not said that he knows. */
  hasIdentityChanged: boolean;
};

/** What a bootstrap found or did. */
export type BootstrapOutcome =
  /** There was none, now there is. */
  | "created"
  /** The server has ours already. */
  | "present"
  /** The server has one whose private keys are not here: only verification or recovery helps. */
  | "elsewhere";

/** The public keys of an identity, unpadded base64. */
type PublicIdentity = { masterKey: string; selfSigningKey: string | undefined; userSigningKey: string | undefined };
/** Setting: the identity that the user knows of. */
type SeenIdentity = { masterKey: string | undefined; isChanged: boolean; isBeingMade: boolean };
/** Setting: a new identity that waits for the server to take it; afterwards `{ isAccepted: true }` until recovery has it. */
type PendingReset = { body: JsonObject; masterKey: string; selfSigningKey: string; userSigningKey: string };

const SEEN = "crypto.own-identity";
const RESET = "crypto.identity-reset";

const NOTHING: CrossSigningState = {
  hasIdentity: false,
  isDeviceVerified: false,
  hasMasterKey: false,
  hasSelfSigningKey: false,
  hasUserSigningKey: false,
  hasIdentityChanged: false,
};

export function openCrossSigning(context: CryptoContext) {
  const { olm, outgoing, server, store, ownUserId, ownDeviceId, log, signal } = context;
  let state = NOTHING;
  let refreshing: Promise<void> = Promise.resolve();

  const readSeen = (): SeenIdentity => {
    const value = store.settings.read(SEEN) ?? {};
    return {
      masterKey: readString(value, "masterKey"),
      isChanged: readBoolean(value, "isChanged") ?? false,
      isBeingMade: readBoolean(value, "isBeingMade") ?? false,
    };
  };
  const saveSeen = (seen: SeenIdentity): void => {
    const { masterKey, ...flags } = seen;
    const value = masterKey === undefined ? flags : { ...flags, masterKey };
    store.write((tx) => store.settings.put(tx, SEEN, value), { isDurable: true });
  };

  async function ownIdentity<T>(read: (identity: OwnUserIdentity) => T | Promise<T>): Promise<T | undefined> {
    const identity = await olm.getIdentity(new UserId(ownUserId));
    if (!(identity instanceof OwnUserIdentity)) return undefined;
    try {
      return await read(identity);
    } finally {
      identity.free();
    }
  }

  /**
   * Reads again what there is, and compares the identity with the one that the user knows of. To be called
   * whenever the machine says that the own identity or device is another now.
   */
  function refresh(): Promise<void> {
    // One after the other: of two that overlap, the older must not have the last word.
    refreshing = refreshing.catch(() => undefined).then(readState);
    return refreshing;
  }

  async function readState(): Promise<void> {
    const status = await olm.crossSigningStatus();
    const device = await olm.getDevice(new UserId(ownUserId), new DeviceId(ownDeviceId));
    const isSigned = device?.isCrossSignedByOwner() ?? false;
    device?.free();
    const identity = await ownIdentity((own) => ({ masterKey: firstKey(own.masterKey), isVerified: own.isVerified() }));
    if (identity?.masterKey !== undefined) compareIdentity(identity.masterKey, status.hasMaster);
    const seen = readSeen();
    const next: CrossSigningState = {
      hasIdentity: identity !== undefined && !seen.isBeingMade,
      isDeviceVerified: isSigned && (identity?.isVerified ?? false) && !seen.isBeingMade,
      hasMasterKey: status.hasMaster,
      hasSelfSigningKey: status.hasSelfSigning,
      hasUserSigningKey: status.hasUserSigning,
      hasIdentityChanged: seen.isChanged,
    };
    status.free();
    const isNews = JSON.stringify(next) !== JSON.stringify(state);
    state = next;
    if (isNews) context.changed("encryption");
  }

  function compareIdentity(masterKey: string, hasMaster: boolean): void {
    const seen = readSeen();
    if (seen.isBeingMade) {
      // Ours, which the server does not have yet; the machine drops the private key when the server has another's.
      if (hasMaster) return;
      saveSeen({ masterKey, isChanged: false, isBeingMade: false });
    } else if (seen.masterKey === undefined || masterKey === publicKeyOf(readPendingReset()?.masterKey ?? "")) {
      // The first that is seen, or our own reset, which a kill kept us from finishing.
      saveSeen({ masterKey, isChanged: false, isBeingMade: false });
    } else if (seen.masterKey !== masterKey) {
      log.warn("the own identity was replaced from elsewhere");
      saveSeen({ masterKey, isChanged: true, isBeingMade: false });
    }
  }

  /** Asks the server for our own keys, tells the machine, and gives the identity as the server has it now. */
  async function queryOwnKeys(): Promise<PublicIdentity | undefined> {
    const request = olm.queryKeysForUsers([new UserId(ownUserId)]);
    const answer = await server.queryKeys(request.body, { signal });
    await olm.markRequestAsSent(request.id, request.type, answer);
    request.free();
    return parseIdentity(JSON.parse(answer) as JsonValue, ownUserId);
  }

  /** Whether the private keys that are here are those of the identity with this master key. */
  async function holds(masterKey: string): Promise<boolean> {
    const secrets = await exportSecrets();
    return secrets?.masterKey !== undefined && publicKeyOf(secrets.masterKey) === masterKey;
  }

  /**
   * Makes an identity where the account has none. `password-needed` where the server wants to see the password;
   * repeated with it, or after a kill, the very same keys are uploaded.
   */
  async function bootstrap(options: { password?: string | undefined } = {}): Promise<BootstrapOutcome> {
    const published = await queryOwnKeys();
    if (published) {
      if (!(await holds(published.masterKey))) {
        await refresh();
        return "elsewhere";
      }
      settleMade(published.masterKey);
      await signOwnDevice();
      return "present";
    }
    const seen = readSeen();
    if (!seen.isBeingMade && seen.masterKey !== undefined && !(await holds(seen.masterKey))) {
      // The account had an identity, and the server does not show it now: that is no leave to make a second one.
      return "elsewhere";
    }
    saveSeen({ ...seen, isBeingMade: true });
    const requests = await olm.bootstrapCrossSigning(false);
    const uploadKeys = requests.uploadKeysRequest as KeysUploadRequest | undefined;
    const signingKeys = requests.uploadSigningKeysRequest;
    const signatures = requests.uploadSignaturesRequest;
    // The order is the specification's: the device, then the keys, then what they sign.
    if (uploadKeys) await outgoing.sendOne(uploadKeys);
    const body = JSON.parse(signingKeys.body) as JsonObject;
    await server.uploadSigningKeys(body, authOptions(options.password));
    const made = firstKey(JSON.stringify(body["master_key"]));
    if (made !== undefined) settleMade(made);
    await outgoing.sendOne(signatures);
    await queryOwnKeys();
    await refresh();
    return "created";
  }

  /** The server has what this device made: from now on a change of it is one from elsewhere. */
  function settleMade(masterKey: string): void {
    const seen = readSeen();
    if (seen.isBeingMade || seen.masterKey === undefined)
      saveSeen({ masterKey, isChanged: seen.isChanged, isBeingMade: false });
  }

  /** Signs this device where the means are here and it is not done yet: also what a kill left undone. */
  async function signOwnDevice(): Promise<void> {
    await refresh();
    if (!state.hasSelfSigningKey || !state.hasIdentity || state.isDeviceVerified) return;
    const device = await olm.getDevice(new UserId(ownUserId), new DeviceId(ownDeviceId));
    if (!device) return;
    try {
      await outgoing.sendOne(await device.verify());
    } finally {
      device.free();
    }
    await queryOwnKeys();
    await refresh();
  }

  /**
   * Takes in private keys from secret storage and signs this device with them. Throws `identity-changed` where
   * they are not those of the identity that the server publishes: then nothing is taken in.
   */
  async function importSecrets(secrets: CrossSigningSecrets): Promise<void> {
    const published = await queryOwnKeys();
    if (!published) {
      throw new EngineError("not-found", "This account has no cross-signing identity. Set up encryption to make one.");
    }
    const pairs = [
      [secrets.masterKey, published.masterKey],
      [secrets.selfSigningKey, published.selfSigningKey],
      [secrets.userSigningKey, published.userSigningKey],
    ] as const;
    for (const [seed, publicKey] of pairs) {
      if (seed !== undefined && publicKeyOf(seed) !== publicKey) {
        throw new EngineError(
          "identity-changed",
          "This recovery key belongs to an earlier identity of your account. Verify this device with another one, " +
            "or set up recovery anew on a verified device.",
        );
      }
    }
    const status = await olm.importCrossSigningKeys(secrets.masterKey, secrets.selfSigningKey, secrets.userSigningKey);
    status.free();
    await signOwnDevice();
  }

  async function exportSecrets(): Promise<CrossSigningSecrets | undefined> {
    const keys = await olm.exportCrossSigningKeys();
    if (!keys) return undefined;
    const secrets = {
      masterKey: keys.masterKey,
      selfSigningKey: keys.self_signing_key,
      userSigningKey: keys.userSigningKey,
    };
    keys.free();
    return secrets;
  }

  /**
   * Replaces the identity. The new keys are made apart, in a machine of their own, and kept (sealed) until the
   * server has taken them: whatever fails before that leaves the present identity as it is, on both sides.
   */
  async function reset(options: { password?: string | undefined } = {}): Promise<void> {
    const pending = readPendingReset() ?? (await makePendingReset());
    await server.uploadSigningKeys(pending.body, authOptions(options.password));
    await finishReset(pending);
  }

  /** Takes in the identity that the server has accepted. */
  async function finishReset(pending: PendingReset): Promise<void> {
    saveSeen({ masterKey: publicKeyOf(pending.masterKey), isChanged: false, isBeingMade: false });
    await queryOwnKeys();
    const status = await olm.importCrossSigningKeys(pending.masterKey, pending.selfSigningKey, pending.userSigningKey);
    status.free();
    await signOwnDevice();
    // Not forgotten yet: recovery still holds the old keys. `endReset` says when that is over.
    store.write((tx) => store.settings.put(tx, RESET, { isAccepted: true }), { isDurable: true });
    await refresh();
  }

  /** What a kill left undone: a reset that the server has taken, the signature under this device. */
  async function resume(): Promise<void> {
    const pending = readPendingReset();
    if (pending) {
      const published = await queryOwnKeys();
      if (published && published.masterKey === publicKeyOf(pending.masterKey)) await finishReset(pending);
    }
    await signOwnDevice();
  }

  function readPendingReset(): PendingReset | undefined {
    const value = store.settings.read(RESET) ?? {};
    const body = readObject(value, "body");
    const [masterKey, selfSigningKey, userSigningKey] = ["masterKey", "selfSigningKey", "userSigningKey"].map((name) =>
      readString(value, name),
    );
    if (!body || masterKey === undefined || selfSigningKey === undefined || userSigningKey === undefined)
      return undefined;
    return { body, masterKey, selfSigningKey, userSigningKey };
  }

  async function makePendingReset(): Promise<PendingReset> {
    const scratch = await OlmMachine.initialize(new UserId(ownUserId), new DeviceId(ownDeviceId));
    try {
      const requests = await scratch.bootstrapCrossSigning(true);
      const keys = await scratch.exportCrossSigningKeys();
      const { masterKey, self_signing_key: selfSigningKey, userSigningKey } = keys ?? {};
      if (masterKey === undefined || selfSigningKey === undefined || userSigningKey === undefined) {
        throw new Error("a new identity came without its private keys");
      }
      const body = JSON.parse(requests.uploadSigningKeysRequest.body) as JsonObject;
      const pending: PendingReset = { body: withoutDeviceSignature(body), masterKey, selfSigningKey, userSigningKey };
      store.write((tx) => store.settings.put(tx, RESET, pending), { isDurable: true });
      return pending;
    } finally {
      scratch.close();
    }
  }

  /** The machine that made the key has another device key than we: its signature would be a false one. */
  function withoutDeviceSignature(body: JsonObject): JsonObject {
    const master = readObject(body, "master_key") ?? {};
    const own = readObject(readObject(master, "signatures") ?? {}, ownUserId) ?? {};
    const kept = Object.fromEntries(Object.entries(own).filter(([keyId]) => keyId !== `ed25519:${ownDeviceId}`));
    return { ...body, master_key: { ...master, signatures: { [ownUserId]: kept } } };
  }

  const authOptions = (password: string | undefined): AuthOptions => ({ signal, password });

  return {
    /** As of the last `refresh`. */
    state: (): CrossSigningState => state,
    refresh,
    queryOwnKeys: async (): Promise<void> => void (await queryOwnKeys()),
    bootstrap,
    importSecrets,
    exportSecrets,
    signOwnDevice,
    resume,
    reset,
    /** The server has the new identity, and recovery does not have its keys yet. */
    isResetUnfinished: (): boolean => readBoolean(store.settings.read(RESET) ?? {}, "isAccepted") ?? false,
    endReset(): void {
      store.write((tx) => store.settings.put(tx, RESET, {}), { isDurable: true });
    },
    /** The user knows that the identity was replaced. What encrypted sending asks of him is asked elsewhere. */
    async acknowledgeChange(): Promise<void> {
      saveSeen({ ...readSeen(), isChanged: false });
      await ownIdentity(async (identity) => {
        if (identity.hasVerificationViolation()) await identity.withdrawVerification();
      });
      await refresh();
    },
  };
}
export type CrossSigning = ReturnType<typeof openCrossSigning>;

/** The identity in an answer of /keys/query; undefined where there is none, or none that can be read. */
function parseIdentity(answer: JsonValue, userId: string): PublicIdentity | undefined {
  if (!isObject(answer)) return undefined;
  const keyIn = (section: string): string | undefined => {
    const key = readObject(readObject(answer, section) ?? {}, userId);
    return key && firstKey(JSON.stringify(key));
  };
  const masterKey = keyIn("master_keys");
  if (masterKey === undefined) return undefined;
  return { masterKey, selfSigningKey: keyIn("self_signing_keys"), userSigningKey: keyIn("user_signing_keys") };
}

/** The public key in the JSON of a cross-signing key: its `keys` hold exactly one. */
function firstKey(text: string): string | undefined {
  const key = JSON.parse(text) as JsonValue;
  const keys = isObject(key) ? (readObject(key, "keys") ?? {}) : {};
  const [found] = Object.values(keys);
  return typeof found === "string" ? found : undefined;
}

/** How PKCS #8 begins for an Ed25519 key that is nothing but its seed. */
const ED25519_PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

/** The public key of a seed, unpadded base64; undefined where the text is no seed. */
export function publicKeyOf(seed: string): string | undefined {
  const bytes = Buffer.from(seed, "base64");
  if (bytes.length !== 32) return undefined;
  const key = createPrivateKey({ key: Buffer.concat([ED25519_PKCS8, bytes]), format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return spki.subarray(-32).toString("base64").replace(/=+$/u, "");
}
