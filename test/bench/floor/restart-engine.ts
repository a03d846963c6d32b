/**
 * One restart of the engine, for test/bench/restart.ts: prints the milliseconds from opening to the room list at a
 * client. The network never answers, as when offline.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { openEngine } from "../../../main/engine/entry.node.ts";

const dataDir = process.argv[2] ?? "";
const profileKey = await readFile(join(dataDir, "bench.key"));
const start = performance.now();
const engine = await openEngine({ dataDir, profileKey, fetch: () => new Promise(() => undefined) });
const client = engine.client();
client.subscribe("accounts", {}, ([account]) => {
  if (!account) return;
  client.subscribe("roomList", { accountId: account.accountId }, (rows) => {
    if (rows.length === 0) return;
    process.stdout.write(String(performance.now() - start));
    process.exit(0);
  });
});
