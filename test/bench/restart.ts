/**
 * Restart → room list from the store, at 1,000 and 4,000 rooms: a new process each time, from its first line to the
 * list in the hands of a client. Floor: the same process opens the same file and runs one indexed query.
 */
import { randomBytes } from "node:crypto";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEngine } from "../../main/engine/entry.node.ts";
import { summarize, type Sample } from "./samples.ts";
import { syntheticFetch, SYNTHETIC_USER } from "./synthetic-account.ts";

const RUNS = 10;

export async function benchRestart(): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const roomCount of [1_000, 4_000]) {
    samples.push(...(await benchSize(roomCount)));
  }
  return samples;
}

async function benchSize(roomCount: number): Promise<Sample[]> {
  const dataDir = await mkdtemp(join(tmpdir(), "lattice-bench-"));
  try {
    const ingestMs = await fill(dataDir, roomCount);
    const ours: number[] = [];
    const floor: number[] = [];
    for (let run = 0; run <= RUNS; run += 1) {
      // Interleaved, so that both see the same machine; the first pair warms the disk cache and does not count.
      const [engineMs, floorMs] = [await timed("restart-engine.ts", dataDir), await timed("restart-floor.ts", dataDir)];
      if (run === 0) continue;
      ours.push(engineMs);
      floor.push(floorMs);
    }
    const floorSample = summarize(`restart-list-${roomCount}`, "floor: sqlite open + query", floor);
    return [
      summarize(`ingest-${roomCount}`, "ours", [ingestMs]),
      floorSample,
      summarize(`restart-list-${roomCount}`, "ours", ours, floorSample),
    ];
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Signs in to the synthetic account and waits until the list is whole; gives how long that took. */
async function fill(dataDir: string, roomCount: number): Promise<number> {
  const profileKey = randomBytes(32);
  await writeFile(join(dataDir, "bench.key"), profileKey);
  const engine = await openEngine({ dataDir, profileKey, fetch: syntheticFetch(roomCount) });
  const client = engine.client();
  const start = performance.now();
  const { accountId } = await client.call("accounts.signIn", {
    homeserverUrl: "http://127.0.0.1:1",
    user: SYNTHETIC_USER,
    password: "bench",
  });
  await new Promise<void>((resolve) => {
    client.subscribe("roomList", { accountId }, (rows) => {
      if (rows.length === roomCount) resolve();
    });
  });
  const tookMs = performance.now() - start;
  await engine.close();
  return tookMs;
}

/** Runs one program in a new process; it prints how many milliseconds its work took. */
function timed(program: string, dataDir: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "floor", program), dataDir], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (data: Buffer) => (output += data.toString()));
    child.on("exit", (code) =>
      code === 0 ? resolve(Number(output)) : reject(new Error(`${program} ended with ${code}`)),
    );
  });
}
