/**
 * That the project's files name no machine they were written on: no home or build folder, no package registry.
 * The scripts of .ci are left out, since they are about a machine.
 */
import { expect, test } from "vitest";
import { filesBelow, readText } from "./source-files.ts";

const TEXT = /\.(tsx?|cjs|mjs|js|json|css|html|md|yml|yaml|py|sh|svg|txt|desktop|plist)$|(^|\/)[^./]+$|(^|\/)\.[^/]+$/;

/** Put together here, so that this file does not name them itself. */
const registries = [
  ["registry", "npmjs.org"],
  ["registry", "yarnpkg.com"],
  ["files", "pythonhosted.org"],
  ["proxy", "golang.org"],
].map((parts) => parts.join("."));
for (const name of ["npm_config_registry", "PIP_INDEX_URL", "UV_INDEX_URL", "GOPROXY"]) {
  const host = URL.parse(process.env[name] ?? "")?.hostname;
  if (host !== undefined && !/^(localhost|127\..*|\[::1\]|)$/.test(host)) registries.push(host);
}

const MACHINE_PATH = /(?:^|[^A-Za-z0-9_.$}~-])\/(?:work|root|home\/[a-z]+|Users\/[a-zA-Z]+)\//m;

const slipsIn = (path: string, text: string): string[] => [
  ...registries.filter((host) => text.includes(host)).map((host) => `${path} names the registry ${host}`),
  ...(MACHINE_PATH.test(text) ? [`${path} names the folder ${MACHINE_PATH.exec(text)?.[0] ?? ""}`] : []),
];

test("no file names a machine's folders or a package registry", () => {
  const files = filesBelow().filter((path) => TEXT.test(path) && !path.startsWith(".ci/"));
  expect(files.flatMap((path) => slipsIn(path, readText(path)))).toEqual([]);
});

test("such names are found where they are", () => {
  expect(slipsIn("a.ts", ["", "root", "x"].join("/"))).toHaveLength(1);
  expect(slipsIn("a.ts", `see https://${registries[0] ?? ""}/x`)).toHaveLength(1);
  expect(slipsIn("a.ts", 'fetch("https://example.org/root/x"); import "./work/x.ts";')).toEqual([]);
});
