/**
 * The floor of a restart, for test/bench/restart.ts: opens the account's database and reads the thirty most recent
 * rooms; prints the milliseconds.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const accounts = join(process.argv[2] ?? "", "accounts");
const [folder] = await readdir(accounts);
const start = performance.now();
const database = new DatabaseSync(join(accounts, folder ?? "", "account.db"));
database.prepare("SELECT * FROM room WHERE membership = 'join' ORDER BY activity_ts DESC LIMIT 30").all();
process.stdout.write(String(performance.now() - start));
database.close();
