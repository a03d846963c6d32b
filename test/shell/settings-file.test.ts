/**
 * Damage to the settings file never stops the app: the result is whole, and what was there is kept aside.
 */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { defaultSettings, readSettingsFile } from "../../main/shell/settings-file.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lattice-settings-"));
  path = join(folder, "settings.json");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("no file gives the defaults", () => {
  expect(readSettingsFile(path, 1)).toEqual({ settings: defaultSettings, state: "absent" });
});

test("a good file is taken as it is, with the store's own bookkeeping", async () => {
  await writeFile(
    path,
    JSON.stringify({
      closeToTray: false,
      windowBounds: { x: 1, y: 2, width: 3, height: 4 },
      __internal__: { migrations: { version: "0.1.0" } },
    }),
  );
  const read = readSettingsFile(path, 1);
  expect(read.state).toBe("good");
  expect(read.settings).toMatchObject({
    closeToTray: false,
    windowBounds: { x: 1, y: 2, width: 3, height: 4 },
  });
  expect(await readdir(folder)).toEqual(["settings.json"]);
});

const damaged: [string, string][] = [
  ["empty", ""],
  ["truncated", '{"closeToTray": fal'],
  ["binary", "\u0000\u0001\ufffd".repeat(100)],
  ["a list", "[]"],
  ["a string", '"settings"'],
  ["null", "null"],
  ["a number", "12"],
  ["huge", `{"x":"${"a".repeat(2_000_000)}"}`],
  ["deep", `${"[".repeat(100_000)}${"]".repeat(100_000)}`],
  ["wrong types", '{"closeToTray":"yes","isWindowMaximized":1,"windowBounds":"big","wasToldOfPlainKey":null}'],
  ["bounds without a side", '{"windowBounds":{"x":1,"y":2,"width":3}}'],
  ["bounds that are no numbers", '{"windowBounds":{"x":1e999,"y":2,"width":3,"height":4}}'],
  ["bounds of nothing", '{"windowBounds":{"x":0,"y":0,"width":0,"height":-5}}'],
  ["a prototype", '{"__proto__":{"closeToTray":false,"isPolluted":true}}'],
  ["a constructor", '{"constructor":{"prototype":{"isPolluted":true}}}'],
  ["broken bookkeeping", '{"__internal__":"x"}'],
];

test.each(damaged)("%s: defaults hold and the file is kept aside", async (_name, text) => {
  await writeFile(path, text);
  expect(readSettingsFile(path, 7)).toEqual({ settings: defaultSettings, state: "damaged" });
  expect(await readdir(folder)).toEqual(["settings.json.damaged-7"]);
  expect(await readFile(join(folder, "settings.json.damaged-7"), "utf8")).toBe(text);
  expect("isPolluted" in {}).toBe(false);
});

test("good fields of a damaged file are kept", async () => {
  await writeFile(path, '{"closeToTray":false,"isWindowMaximized":"yes"}');
  expect(readSettingsFile(path, 1).settings).toEqual({ ...defaultSettings, closeToTray: false });
});

test("a folder in its place is moved away", async () => {
  await mkdir(path);
  expect(readSettingsFile(path, 1)).toMatchObject({ settings: defaultSettings });
});

test.skipIf(process.getuid?.() === 0)("what cannot be moved is left alone", async () => {
  await writeFile(path, "{");
  await chmod(folder, 0o500);
  expect(readSettingsFile(path, 1)).toEqual({ settings: defaultSettings, state: "unreadable" });
  await chmod(folder, 0o700);
});
