/**
 * What the tests of this folder read: the project's own files, and what each source file imports.
 * Invariant: paths are relative to the repository, with forward slashes; installed and built folders are left out.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { parseSync } from "vite";

export const projectRoot = join(import.meta.dirname, "../..");

const LEFT_OUT = new Set([".git", "node_modules", "dist", "dist-legacy", "demo-output", "test-output"]);

/** Every file of the project below `folder`, in alphabetical order. */
export function filesBelow(folder = "."): string[] {
  return readdirSync(join(projectRoot, folder), { withFileTypes: true })
    .filter((entry) => !LEFT_OUT.has(entry.name))
    .flatMap((entry) => {
      const path = posix.join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(path) : entry.isFile() ? [path] : [];
    })
    .toSorted();
}

export const readText = (path: string): string => readFileSync(join(projectRoot, path), "utf8");

/** What one import names: a file of the project, one of Node's modules, or a package. */
export type Import =
  | { kind: "file"; path: string }
  | { kind: "node"; name: string }
  | { kind: "package"; name: string };

/** All imports of a file, static, re-exporting, dynamic and type-only; Vite's `?suffixes` are cut off. */
export function importsOf(path: string, text = readText(path)): Import[] {
  const { module, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message ?? ""}`);
  const specifiers = [
    ...module.staticImports.map((found) => found.moduleRequest.value),
    ...module.staticExports.flatMap((found) => found.entries.flatMap((entry) => entry.moduleRequest?.value ?? [])),
    ...module.dynamicImports.flatMap(({ moduleRequest: { start, end } }) => {
      const literal = /^(["'`])([^"'`$]*)\1$/.exec(text.slice(start, end))?.[2];
      return literal === undefined ? [] : [literal];
    }),
  ];
  return [...new Set(specifiers)].map((specifier) => toImport(path, specifier));
}

function toImport(from: string, specifier: string): Import {
  const bare = specifier.replace(/\?.*$/, "");
  if (bare.startsWith(".")) return { kind: "file", path: posix.join(posix.dirname(from), bare) };
  if (bare.startsWith("node:")) return { kind: "node", name: bare };
  const depth = bare.startsWith("@") ? 2 : 1;
  return { kind: "package", name: bare.split("/").slice(0, depth).join("/") };
}
