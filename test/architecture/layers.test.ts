/** That every source file keeps to the layer map, that no two files import each other in a circle, and where SQL is. */
import { expect, test } from "vitest";
import { cyclesIn, sqlOutsideStore, violationsOf } from "./layers.ts";
import { filesBelow, importsOf, readText } from "./source-files.ts";

const sources = ["main", "preload", "renderer"]
  .flatMap((folder) => filesBelow(folder))
  .filter((path) => /\.tsx?$/.test(path));

test("every import is one that the layer map allows", () => {
  expect(sources.flatMap((path) => violationsOf(path))).toEqual([]);
});

test("no files import each other in a circle", () => {
  const imports = new Map(
    sources.map((path) => [path, importsOf(path).flatMap((found) => (found.kind === "file" ? [found.path] : []))]),
  );
  expect(cyclesIn(imports).map((cycle) => cycle.join(" → "))).toEqual([]);
});

test("SQL is written in main/engine/store, and by the crypto store for itself, only", () => {
  expect(sources.flatMap((path) => sqlOutsideStore(path, readText(path)))).toEqual([]);
});

test.each([
  ["renderer/ui/Button.tsx", 'import { readFile } from "node:fs/promises";'],
  ["renderer/ui/Button.tsx", 'import "../text/text.ts";'],
  ["renderer/features/calls/a.ts", 'export { x } from "../timeline/index.ts";'],
  ["renderer/app/a.ts", 'import { x } from "../features/timeline/group-items.ts";'],
  ["renderer/app/a.ts", 'import { openEngine } from "../../main/engine/entry.node.ts";'],
  ["preload/contract/ids.ts", 'import { randomUUID } from "node:crypto";'],
  ["main/engine/rooms/a.ts", 'import type { X } from "../timeline/b.ts";'],
  ["main/engine/rooms/a.ts", 'import { runLoop } from "../sync/loop.ts";'],
  ["main/engine/net/a.ts", 'import { x } from "../store/driver.ts";'],
  ["main/engine/sync/a.ts", 'import { x } from "../session/engine.ts";'],
  ["main/engine/session/a.ts", 'const later = await import("../port/port-server.ts");'],
  ["main/engine/base/a.ts", 'import { app } from "electron";'],
  ["main/engine/base/a.ts", 'import fs from "fs";'],
  ["main/shell/a.ts", 'import { openEngine } from "../engine/entry.node.ts";'],
  ["main/shell/a.ts", 'import { startHomeserver } from "../../test/support/homeserver.ts";'],
  ["main/elsewhere/a.ts", ""],
])("the map refuses %s with %s", (path, text) => {
  expect(violationsOf(path, text)).toHaveLength(1);
});

test("circles and stray SQL are found where they are", () => {
  const circle = new Map([
    ["a", ["b"]],
    ["b", ["c", "d"]],
    ["c", ["a"]],
    ["d", []],
  ]);
  expect(cyclesIn(circle)).toEqual([["a", "b", "c"]]);
  expect(sqlOutsideStore("main/engine/rooms/a.ts", "db.prepare<[], Row>(`\n  SELECT 1`)")).toHaveLength(1);
  expect(sqlOutsideStore("main/engine/store/a.ts", 'db.exec("PRAGMA optimize")')).toEqual([]);
  expect(sqlOutsideStore("main/engine/rooms/a.ts", '/x/.exec("select")')).toHaveLength(1);
});
