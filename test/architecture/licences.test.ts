/** That everything we ship has a licence that goes with ours (Apache-2.0). Development tools are not shipped. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { projectRoot } from "./source-files.ts";

const ALLOWED = new Set([
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC0-1.0",
  "ISC",
  "MIT",
  "OFL-1.1",
  "Python-2.0",
  "Unlicense",
  "Zlib",
]);

/** Whether an SPDX expression leaves us a choice that is allowed. */
const isAllowed = (expression: string): boolean =>
  expression
    .replaceAll(/[()]/g, " ")
    .split(/\sOR\s/)
    .some((choice) => choice.split(/\sAND\s/).every((licence) => ALLOWED.has(licence.trim())));

type Package = {
  name: string;
  version: string;
  license?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
};

const readPackage = (folder: string): Package =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Package;

/** Where Node would find the package for a module in `folder`. */
function folderOf(name: string, folder: string): string | undefined {
  for (let above = folder; above.length >= projectRoot.length; above = dirname(above)) {
    const found = join(above, "node_modules", name);
    if (existsSync(join(found, "package.json"))) return found;
  }
  return undefined;
}

function shippedPackages(): Map<string, Package> {
  const found = new Map<string, Package>();
  const visit = (folder: string): void => {
    const { dependencies, optionalDependencies } = readPackage(folder);
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const inside = folderOf(name, folder);
      // Optional ones may be left out on this system.
      if (inside === undefined || found.has(inside)) continue;
      found.set(inside, readPackage(inside));
      visit(inside);
    }
  };
  visit(projectRoot);
  return found;
}

test("every shipped package has an allowed licence", () => {
  const shipped = [...shippedPackages().values()];
  expect(shipped.length).toBeGreaterThan(10);
  const wrong = shipped.filter(({ license }) => license === undefined || !isAllowed(license));
  expect(wrong.map(({ name, version, license }) => `${name}@${version}: ${license ?? "no licence named"}`)).toEqual([]);
});

test("an expression is allowed by one of its choices, and by all of its parts", () => {
  expect(isAllowed("(MIT OR GPL-3.0-only)")).toBe(true);
  expect(isAllowed("MIT AND GPL-3.0-only")).toBe(false);
  expect(isAllowed("AGPL-3.0-only")).toBe(false);
});
