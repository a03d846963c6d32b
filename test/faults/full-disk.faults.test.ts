/**
 * The disk is full while room keys are to be kept, each time at another write: the user is told, no key is lost, and all
 * goes on when there is space again. Needs the right to mount a small disk; where that is missing the test says so.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { EventId } from "../../preload/contract/ids.ts";
import { Seat } from "../support/seat.ts";
import { quickCheck } from "./support/profile.ts";
import { isFast, report } from "./support/scale.ts";

/** How many blocks are left free, one round each: the first writes fit, and a later one does not. */
const ROUNDS = isFast ? [0, 4, 10] : [0, 1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 28, 32];

/** A folder on a file system of eight megabytes, or undefined where mounting is not allowed. */
function smallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "lattice-small-disk-"));
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", folder]).status !== 0) {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  onTestFinished(() => {
    // Also where a test that failed has left an engine on it.
    spawnSync("umount", ["-l", folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Takes every block but so many. */
function fill(disk: string, blocksLeft: number): string {
  const path = join(disk, "ballast");
  const { bavail, bsize } = statfsSync(disk);
  for (let size = (bavail - blocksLeft) * bsize; size > 0; size -= bsize) {
    try {
      writeFileSync(path, Buffer.alloc(size));
      return path;
    } catch {
      // A block of it went to the file system itself: try with one less.
    }
  }
  throw new Error("the disk could not be filled");
}

test("room keys for which there is no space: told, not lost, and read when there is space again", async (context) => {
  const disk = smallDisk();
  if (disk === undefined) {
    process.stderr.write("SKIPPED: no right to mount a small disk, so a full one could not be tried.\n");
    return context.skip();
  }
  const dataDir = join(disk, "profile");
  await using bob = await Seat.open("bob");
  await using alice = await Seat.open("alice", { dataDir });
  // A new key for each message.
  const content = { algorithm: "m.megolm.v1.aes-sha2", rotation_period_msgs: 1 };
  const roomId = await bob.bareRoom([alice], [{ type: "m.room.encryption", content }]);
  await bob.reads(roomId, await alice.send(roomId, "before"));

  let told = 0;
  for (const blocksLeft of ROUNDS) {
    const ballast = fill(disk, blocksLeft);
    const eventIds: EventId[] = [];
    for (let each = 0; each < 3; each += 1) eventIds.push(await bob.send(roomId, `${blocksLeft} blocks left, ${each}`));
    const [sync] = await alice.engine
      .until("syncState", alice.inAccount, ([now]) => now?.error !== undefined, blocksLeft === 0 ? 20_000 : 2_000)
      .catch(() => []);
    if (sync) {
      told += 1;
      expect(sync).toMatchObject({ state: "waiting", error: { code: "disk-full" } });
    }
    rmSync(ballast);
    await alice.engine.client.call("sync.retryNow", alice.inAccount);
    for (const eventId of eventIds) await alice.reads(roomId, eventId);
    await bob.reads(roomId, await alice.send(roomId, `read with ${blocksLeft} blocks left`));
  }
  expect(told).toBeGreaterThan(0);
  await alice.engine.close();
  expect(quickCheck(dataDir)).toEqual({ checked: 2, damages: [] });

  // What is in the files is what was shown.
  await alice.engine.reopen();
  await alice.reads(roomId, await bob.send(roomId, "at the end"));
  const items = await alice.engine.timeline(roomId, () => true);
  expect(items.filter(({ kind }) => kind === "placeholder")).toEqual([]);
  report(
    `full disk ${ROUNDS.length} times while keys arrive, told ${told}: lost 0, undecryptable 0, quick_check ok 2/2`,
  );
}, 180_000);
