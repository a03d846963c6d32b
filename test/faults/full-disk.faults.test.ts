/**
 * The disk is full while a room key is to be kept: the user is told, the key is not lost, and all goes on when there is
 * space again. Needs the right to mount a small disk; where that is missing the test says so.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { bodies, TestEngine } from "../support/engine-harness.ts";
import { newUser, sharedHomeserver } from "../support/users.ts";
import { quickCheck } from "./support/profile.ts";
import { report } from "./support/scale.ts";

/** A folder on a file system of six megabytes, or undefined where mounting is not allowed. */
function smallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "lattice-small-disk-"));
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", folder]).status !== 0) {
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

test("a room key for which there is no space: told, not lost, and read when there is space again", async (context) => {
  const disk = smallDisk();
  if (disk === undefined) {
    process.stderr.write("SKIPPED: no right to mount a small disk, so a full one could not be tried.\n");
    return context.skip();
  }
  const { baseUrl } = sharedHomeserver();
  const dataDir = join(disk, "profile");
  await using bob = await TestEngine.signedIn(baseUrl, await newUser("bob"));
  const alice = await TestEngine.signedIn(baseUrl, await newUser("alice"), { dataDir });
  const roomId = await alice.createDirectWith(bob);
  await alice.sendText(roomId, "before");
  await bob.timeline(roomId, (items) => bodies(items).includes("before"));

  const inAccount = { accountId: alice.accountId };
  const texts: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    const ballast = fill(disk);
    // The first brings Bob's key for the room; the others find a machine that has failed already.
    const text = `while the disk is full ${round}`;
    texts.push(text);
    await bob.sendText(roomId, text);
    const [told] = await alice.until("syncState", inAccount, ([sync]) => sync?.error?.code === "disk-full");
    expect(told?.state).toBe("waiting");

    rmSync(ballast);
    await alice.client.call("sync.retryNow", inAccount);
    await alice.until("syncState", inAccount, ([sync]) => sync?.state === "live");
    await alice.timeline(roomId, (items) => texts.every((each) => bodies(items).includes(each)));
    const answer = `there is space again ${round}`;
    await alice.sendText(roomId, answer);
    await bob.timeline(roomId, (items) => bodies(items).includes(answer));
  }
  const items = await alice.timeline(roomId, (all) => bodies(all).length === 7);
  expect(items.filter(({ kind }) => kind === "placeholder")).toEqual([]);
  await alice.close();
  expect(quickCheck(dataDir)).toEqual({ checked: 2, damages: [] });

  // What is in the files is what was shown.
  await alice.reopen();
  await alice.timeline(roomId, (all) => bodies(all).length === 7);
  await bob.sendText(roomId, "at the end");
  await alice.timeline(roomId, (all) => bodies(all).includes("at the end"));
  await alice.close();
  report("full disk 3 times while keys arrive: lost 0, undecryptable 0, quick_check ok 2/2");
}, 90_000);
