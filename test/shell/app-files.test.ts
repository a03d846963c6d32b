/**
 * The `app:` scheme serves files of its folder and nothing else, whatever the address.
 */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundlePath, CONTENT_SECURITY_POLICY, findAppFile, isAppUrl } from "../../main/shell/app-files.ts";

let folder: string;
let root: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lattice-app-files-"));
  root = join(folder, "renderer");
  await mkdir(join(root, "assets"), { recursive: true });
  await writeFile(join(root, "index.html"), "<!doctype html>");
  await writeFile(join(root, "assets/main.js"), "0");
  await writeFile(join(root, "assets/secret.key"), "secret");
  await writeFile(join(folder, "secret.js"), "secret");
  await mkdir(join(folder, "renderer-other"));
  await writeFile(join(folder, "renderer-other/secret.js"), "secret");
  await symlink(join(folder, "secret.js"), join(root, "assets/link.js"));
  await symlink(folder, join(root, "up"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each([
  ["app://lattice/", "index.html"],
  ["app://lattice/index.html", "index.html"],
  ["app://lattice/gallery/calls", "index.html"],
  ["app://lattice/assets/main.js?x=1#y", "assets/main.js"],
])("%s is %s", async (url, path) => {
  expect((await findAppFile(root, url))?.path).toBe(join(root, path));
});

const hostile = [
  "app://lattice/../secret.js",
  "app://lattice/..%2fsecret.js",
  "app://lattice/%2e%2e/secret.js",
  "app://lattice/%2e%2e%2fsecret.js",
  "app://lattice/assets/..%2f..%2fsecret.js",
  "app://lattice/..%5csecret.js",
  "app://lattice/..\\secret.js",
  "app://lattice/%252e%252e/secret.js",
  "app://lattice/assets/....//....//secret.js",
  "app://lattice/..;/secret.js",
  "app://lattice/%c0%ae%c0%ae/secret.js",
  "app://lattice//server/share/secret.js",
  "app://lattice/%2f%2fserver/share/x.js",
  "app://lattice/C:/secret.js",
  "app://lattice/C%3a/secret.js",
  "app://lattice/assets/main.js%00.png",
  "app://lattice/assets/main.js::$DATA",
  "app://lattice/assets/main.js.",
  "app://lattice/assets/main.js%20",
  "app://lattice/assets/link.js",
  "app://lattice/up/secret.js",
  "app://lattice/../renderer-other/secret.js",
  "app://lattice/assets/secret.key",
  "app://lattice/assets/.hidden.js",
  "app://lattice/%",
  "app://other/assets/main.js",
  "app://lattice.evil/assets/main.js",
  "app://user@lattice/assets/main.js",
  "app://lattice:80/assets/main.js",
  "http://lattice/assets/main.js",
  "file:///etc/hosts.js",
  "not a url",
];

test("no address leaves the folder", async () => {
  const found = await Promise.all(hostile.map(async (url) => ({ url, path: (await findAppFile(root, url))?.path })));
  // What the URL parser itself resolves may still name a file of the bundle, which is no escape.
  expect(
    found.filter(
      ({ path }) => path !== undefined && path !== join(root, "index.html") && path !== join(root, "assets/main.js"),
    ),
  ).toEqual([]);
  expect(found.filter(({ path }) => path !== undefined).map(({ url }) => url)).toEqual([]);
});

test("no text makes it throw or climb", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const path = bundlePath(`app://lattice/${text}`);
      expect(path === undefined || !path.split("/").includes("..")).toBe(true);
    }),
  );
});

test("only the app's own host counts as the app", () => {
  expect(isAppUrl("app://lattice/index.html")).toBe(true);
  for (const url of [
    "app://lattice.example/",
    "app:lattice",
    "https://lattice/",
    "about:blank",
    "blob:app://lattice/1",
    "data:text/html,app://lattice/",
  ]) {
    expect(isAppUrl(url), url).toBe(false);
  }
});

test("the policy allows no foreign code", () => {
  expect(CONTENT_SECURITY_POLICY).toContain("default-src 'none'");
  expect(CONTENT_SECURITY_POLICY).toContain("require-trusted-types-for 'script'");
  expect(CONTENT_SECURITY_POLICY).not.toMatch(/unsafe|https?:|\*/u);
});
