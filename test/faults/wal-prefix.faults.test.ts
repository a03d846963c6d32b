/**
 * What a power cut may leave of a database: any beginning of its write-ahead log. A session is recorded up to its end,
 * and copies of both databases are opened with their logs cut at frames and within them: each is sound, and holds the
 * account as it was at some moment, never another one and never one from before what an earlier beginning held. (R6)
 */
import { hkdfSync } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DeviceId, UserId } from "../../preload/contract/ids.ts";
import { openMachine } from "../../main/engine/crypto/machine.ts";
import { openAccountStore } from "../../main/engine/store/account-store.ts";
import type { LoggedRequest } from "../support/fault-proxy.ts";
import { newUser, sharedHomeserver } from "../support/users.ts";
import { openFriend } from "./support/friend.ts";
import { damageOf } from "./support/profile.ts";
import { report, sample } from "./support/scale.ts";
import { openStage } from "./support/stage.ts";
import { runTraced, whyNoStrace } from "./support/traced.ts";

const reason = whyNoStrace();
if (reason !== undefined) process.stderr.write(`SKIPPED: no session is recorded to be cut: ${reason}.\n`);

type Recording = {
  folder: string;
  accountId: string;
  userId: UserId;
  deviceId: DeviceId;
  profileKey: Buffer;
  /** What the server has been given as this device's own key. */
  fingerprint: unknown;
};
let recording: Recording;

beforeAll(async () => {
  if (reason !== undefined) return;
  await using friend = await openFriend(sharedHomeserver().baseUrl, await newUser("friend"));
  const stage = await openStage(friend.engine.userId, ["first", "second"]);
  await using _proxy = stage.proxy;
  // Killed at its end: an engine that closes writes its logs back.
  const { isKilled } = await runTraced({ ...stage.order, end: "kill" }, { logPath: join(stage.dataDir, "trace.log") });
  expect(isKilled).toBe(true);
  const accounts = join(stage.dataDir, "accounts");
  const [accountId = ""] = readdirSync(accounts);
  recording = {
    folder: join(accounts, accountId),
    accountId,
    userId: stage.account.userId as UserId,
    deviceId: stage.deviceIds[0] as DeviceId,
    profileKey: stage.profileKey,
    fingerprint: uploadedFingerprint(stage.proxy.requests),
  };
}, 120_000);

afterAll(() => {
  if (recording) rmSync(join(recording.folder, "../.."), { recursive: true, force: true });
});

function uploadedFingerprint(requests: readonly LoggedRequest[]): unknown {
  const upload = requests.find(({ path }) => path.endsWith("/keys/upload"))?.body;
  const { device_keys: device } = upload as { device_keys: { device_id: string; keys: Record<string, unknown> } };
  return device.keys[`ed25519:${device.device_id}`];
}

type Log = {
  bytes: Buffer;
  /** Where each frame ends, and whether it ends a transaction. */
  ends: { at: number; isCommit: boolean }[];
};

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/** The frames of a write-ahead log. https://sqlite.org/fileformat2.html#walformat */
function readLog(path: string): Log {
  const bytes = readFileSync(path);
  const pageBytes = bytes.readUInt32BE(8);
  const salt = bytes.subarray(16, 24);
  const ends: Log["ends"] = [];
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  for (let at = HEADER_BYTES; at + frameBytes <= bytes.length; at += frameBytes) {
    if (!bytes.subarray(at + 8, at + 16).equals(salt)) break;
    ends.push({ at: at + frameBytes, isCommit: bytes.readUInt32BE(at + 4) !== 0 });
  }
  return { bytes, ends };
}

/** Lengths at which a log is cut: before it begins, in its header, and at and within each frame. */
function cutsOf({ ends }: Log): number[] {
  const within = (end: number, from: number) => [from + 7, from + FRAME_HEADER_BYTES, end - 1];
  const starts = [HEADER_BYTES, ...ends.map(({ at }) => at)];
  return [0, 16, HEADER_BYTES, ...ends.flatMap(({ at }, index) => [...within(at, starts[index] as number), at])];
}

/** Opens each beginning of a database's log, in order, and gives where it was cut. Fails where one is damaged. */
async function withPrefixes(name: string, open: (path: string, commits: number) => Promise<void>): Promise<number[]> {
  const log = readLog(join(recording.folder, `${name}-wal`));
  // A log that was written back holds no beginning of the database any more.
  expect(statSync(join(recording.folder, name)).size).toBeLessThanOrEqual(4_096);
  expect(log.ends.length).toBeGreaterThan(50);
  const folder = mkdtempSync(join(tmpdir(), "lattice-wal-"));
  const damages: string[] = [];
  const cuts = sample(cutsOf(log), 40, 1_000);
  try {
    for (const at of cuts) {
      const path = join(folder, name);
      const lay = () => {
        cpSync(join(recording.folder, name), path);
        writeFileSync(`${path}-wal`, log.bytes.subarray(0, at));
        rmSync(`${path}-shm`, { force: true });
      };
      lay();
      const damage = damageOf(path);
      if (damage !== undefined) damages.push(`${at}: ${damage}`);
      lay();
      // In order on purpose: what an earlier beginning held, a later one must hold.
      await open(path, log.ends.filter((end) => end.isCommit && end.at <= at).length);
      for (const suffix of ["", "-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  expect(damages).toEqual([]);
  return cuts;
}

test.skipIf(reason !== undefined)(
  "crypto.db opens from every beginning of its log, with this account or none",
  async () => {
    const { accountId, userId, deviceId, profileKey, fingerprint } = recording;
    // As engine/crypto/parts.ts derives it.
    const storeKey = new Uint8Array(hkdfSync("sha256", profileKey, accountId, "lattice crypto store", 32));
    /** The account's own key in each opened beginning; a beginning from before the account makes a new one. */
    const fingerprints: string[] = [];
    const held: { keys: number; isCrossSigning: boolean }[] = [];
    let last = -1;
    const cuts = await withPrefixes("crypto.db", async (path, commits) => {
      // Between two commits there is nothing new.
      if (commits === last) return;
      last = commits;
      const options = {
        ownUserId: userId,
        ownDeviceId: deviceId,
        storeName: accountId,
        path,
        storeKey,
      };
      const { olm, close } = await openMachine(options);
      try {
        fingerprints.push(olm.identityKeys.ed25519.toBase64());
        const { total } = await olm.roomKeyCounts();
        const status = await olm.crossSigningStatus();
        held.push({ keys: total, isCrossSigning: status.hasMaster && status.hasSelfSigning && status.hasUserSigning });
      } finally {
        close();
      }
    });
    expect(fingerprints.at(-1)).toBe(fingerprint);
    const first = fingerprints.indexOf(fingerprint as string);
    expect(fingerprints.slice(first).every((each) => each === fingerprint)).toBe(true);
    // Before it was made, each opening makes its own.
    expect(new Set(fingerprints.slice(0, first)).size).toBe(first);
    expect(held).toEqual(
      held.toSorted((a, b) => a.keys - b.keys || Number(a.isCrossSigning) - Number(b.isCrossSigning)),
    );
    expect(held.at(-1)).toMatchObject({ isCrossSigning: true });
    expect(held.at(-1)?.keys).toBeGreaterThan(1);
    report(`crypto.db WAL prefixes ${cuts.length}, machines opened ${fingerprints.length}: violations 0`);
  },
);

test.skipIf(reason !== undefined)("account.db opens from every beginning of its log", async () => {
  const { deviceId, profileKey } = recording;
  const devices: (DeviceId | undefined)[] = [];
  const cuts = await withPrefixes("account.db", async (path) => {
    const store = openAccountStore(path, profileKey);
    try {
      devices.push(store.account.read()?.deviceId);
      expect(store.account.isLocked()).toBe(false);
    } finally {
      store.close();
    }
  });
  const first = devices.indexOf(deviceId);
  expect(devices.slice(first).every((each) => each === deviceId)).toBe(true);
  expect(devices.slice(0, first).every((each) => each === undefined)).toBe(true);
  report(`account.db WAL prefixes ${cuts.length}: violations 0`);
});
