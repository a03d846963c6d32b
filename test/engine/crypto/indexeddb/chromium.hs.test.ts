/** Random scripts give the same here as in Chromium, whose IndexedDB is what Element runs on. (row I3) */
import fc from "fast-check";
import { type Browser, chromium, type Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ensureChromium } from "../../../support/setup.ts";
import { runScript, type Script, scripts } from "./scripts.ts";
import { KeyRange, openFile } from "./support.ts";

const RUNS = Number(process.env["IDB_SCRIPTS"] ?? 60);
const executablePath = await ensureChromium().catch((error: unknown) => {
  console.warn(`SKIPPED: nothing is compared with Chromium, as there is none: ${String(error)}`);
  return undefined;
});

let browser: Browser;
let page: Page;

beforeAll(async () => {
  if (executablePath === undefined) return;
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-background-networking"] });
  page = await browser.newPage();
  // IndexedDB wants an origin; no server is needed for one.
  await page.route("http://localhost/", (route) =>
    route.fulfill({ contentType: "text/html", body: "<title>x</title>" }),
  );
  await page.goto("http://localhost/");
}, 60_000);
afterAll(() => browser?.close());

/**
 * Of a transaction that fails after commit() only its end is compared, and not why: Chromium still runs its further
 * requests, and names the reason UnknownError, where the specification ends it at once with the request's error.
 */
function comparable(script: Script, seen: string[]): string[] {
  const failed = script.transactions.flatMap(({ end }, at) =>
    end === "commit" && seen.some((line) => line.startsWith(`${at} abort`)) ? [at] : [],
  );
  return seen.flatMap((line) => {
    const at = failed.find((one) => line.startsWith(`${one}.`) || line.startsWith(`${one} `));
    if (at === undefined) return line;
    return line.startsWith(`${at} abort`) ? `${at} abort` : [];
  });
}

test.skipIf(executablePath === undefined)(
  `${RUNS} random scripts: no differences from Chromium`,
  { timeout: 300_000 },
  async () => {
    const { indexedDB } = openFile();
    const seed = Number(process.env["IDB_SEED"] ?? Date.now() % 2 ** 31);
    console.log(`scripts: ${RUNS}, seed: ${seed}, Chromium ${browser.version()}`);
    const inPage = `(script, name) => (${runScript.toString()})(script, name)`;
    let count = 0;
    await fc.assert(
      fc.asyncProperty(scripts, async (script) => {
        const name = `script ${count++}`;
        const ours = await runScript(script, name, { indexedDB, IDBKeyRange: KeyRange });
        const text = `(${inPage})(${JSON.stringify(script)}, ${JSON.stringify(name)})`;
        const theirs = await page.evaluate<string[]>(text);
        expect(comparable(script, ours)).toEqual(comparable(script, theirs));
      }),
      { numRuns: RUNS, seed },
    );
  },
);
