/**
 * What is looked at in the files of a profile while no engine has them. Used by the tests of this folder.
 * Invariant: but for `cutPower` the files themselves are not touched: a database is opened as a copy, since opening it
 * repairs it, and that is the engine's part.
 */
import { randomInt } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const DATABASES = ["account.db", "crypto.db"];

/** Databases that are there, and what is wrong with them. */
export function quickCheck(dataDir: string): { checked: number; damages: string[] } {
  const outcome = { checked: 0, damages: [] as string[] };
  const accounts = join(dataDir, "accounts");
  if (!existsSync(accounts)) return outcome;
  const copy = mkdtempSync(join(tmpdir(), "lattice-check-"));
  try {
    cpSync(accounts, copy, { recursive: true });
    for (const account of readdirSync(copy)) {
      for (const name of DATABASES) {
        const path = join(copy, account, name);
        if (!existsSync(path)) continue;
        outcome.checked += 1;
        const damage = damageOf(path);
        if (damage !== undefined) outcome.damages.push(`${name}: ${damage}`);
      }
    }
  } finally {
    rmSync(copy, { recursive: true });
  }
  return outcome;
}

/**
 * What a power cut may leave of the logs of a profile whose engine was killed: all that was synced, and of the rest as
 * much as happened to be written. Gives how many logs lost something.
 */
export function cutPower(dataDir: string, synced: ReadonlyMap<string, number>): number {
  let cut = 0;
  const accounts = join(dataDir, "accounts");
  for (const account of existsSync(accounts) ? readdirSync(accounts) : []) {
    for (const name of DATABASES) {
      const path = join(accounts, account, `${name}-wal`);
      if (!existsSync(path)) continue;
      const { size } = statSync(path);
      const least = Math.min(size, synced.get(path) ?? 0);
      const left = least + randomInt(size - least + 1);
      if (left === size) continue;
      truncateSync(path, left);
      cut += 1;
    }
  }
  return cut;
}

/** What SQLite finds wrong with the file, after the recovery that opening it brings. */
export function damageOf(path: string): string | undefined {
  try {
    const db = new DatabaseSync(path);
    try {
      const rows = db.prepare("PRAGMA quick_check").all() as { quick_check: string }[];
      const said = rows.map((row) => row.quick_check).join("; ");
      return said === "ok" ? undefined : said;
    } finally {
      db.close();
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
