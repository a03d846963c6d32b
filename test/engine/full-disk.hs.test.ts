/**
 * A full disk, for real: the profile lies on a small file system of its own. The user is told, nothing is lost, and
 * all goes on when there is space again. Needs the right to mount; where that is missing the test says so.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { bodies, TestEngine } from "../support/engine-harness.ts";
import { newUser, sharedHomeserver } from "../support/users.ts";

/** A folder on a file system of four megabytes, or undefined where mounting is not allowed. */
function smallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "lattice-small-disk-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", folder]);
  if (mounted.status !== 0) {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  onTestFinished(() => {
    spawnSync("umount", [folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Takes every block that is left. */
function fill(disk: string): string {
  const path = join(disk, "ballast");
  const { bavail, bsize } = statfsSync(disk);
  for (let size = bavail * bsize; size > 0; size -= bsize) {
    try {
      writeFileSync(path, Buffer.alloc(size));
      return path;
    } catch {
      // A block of it went to the file system itself: try with one less.
    }
  }
  throw new Error("the disk could not be filled");
}

test("a full disk is told, loses nothing, and work goes on when there is space again", async (context) => {
  const disk = smallDisk();
  if (disk === undefined) {
    process.stderr.write("SKIPPED: no right to mount a small disk, so a full one could not be tried.\n");
    return context.skip();
  }
  const { baseUrl } = sharedHomeserver();
  await using bob = await TestEngine.signedIn(baseUrl, await newUser("bob"));
  const alice = await TestEngine.signedIn(baseUrl, await newUser("alice"), { dataDir: join(disk, "profile") });
  const roomId = await alice.createDirectWith(bob);
  await alice.sendText(roomId, "before");
  await bob.timeline(roomId, (items) => bodies(items).includes("before"));

  const ballast = fill(disk);
  // The log that SQLite has already claimed may hold some more: write until it does not.
  const kept: string[] = [];
  const refusals: unknown[] = [];
  for (let index = 0; index < 400 && refusals.length === 0; index += 1) {
    const text = `${index} ${"x".repeat(20_000)}`;
    await alice.sendText(roomId, text).then(
      () => kept.push(text),
      (error: unknown) => refusals.push(error),
    );
  }
  expect(refusals).toEqual([
    expect.objectContaining({ code: "disk-full", message: expect.stringContaining("free some space") as string }),
  ]);
  await bob.sendText(roomId, "while the disk is full");

  rmSync(ballast);
  await alice.client.call("sync.retryNow", { accountId: alice.accountId });
  await alice.sendText(roomId, "after");
  const items = await bob.timeline(roomId, (all) => bodies(all).includes("after"));
  const arrived = bodies(items);
  // What was taken is there once and in order; what was refused is not. The window holds the newest sixty.
  const ofAlice = arrived.filter((text) => text !== "while the disk is full");
  expect(ofAlice.slice(-50)).toEqual(["before", ...kept, "after"].slice(-50));
  await alice.timeline(roomId, (all) => bodies(all).includes("while the disk is full"));
  await alice.close();
}, 60_000);
