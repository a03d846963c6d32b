/**
 * Bundles a script for a test page and shows it to Chromium on http://localhost, which is a secure context
 * and so may use cameras. Used by the specs of this folder.
 * Invariant: nothing is written to disk and no server runs: the page is answered from memory.
 */
import { build } from "esbuild";
import type { Page } from "@playwright/test";

type Bundle = { script: string; styles: string };

const bundles = new Map<string, Promise<Bundle>>();

async function makeBundle(entry: string): Promise<Bundle> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    outdir: "bundle",
    jsx: "automatic",
    loader: { ".woff2": "dataurl" },
    format: "iife",
    target: "es2022",
    platform: "browser",
    logLevel: "silent",
    define: { global: "globalThis", "process.env.NODE_ENV": '"production"' },
    // The client under test needs no encryption here, and its wasm would triple the bundle.
    external: ["@matrix-org/matrix-sdk-crypto-wasm"],
  });
  const textOf = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? "";
  return { script: textOf(".js"), styles: textOf(".css") };
}

/** Opens an empty page that runs the bundle of `entry`; problems of the page end up in the test's output. */
export async function openBundle(page: Page, entry: string): Promise<void> {
  let bundle = bundles.get(entry);
  if (!bundle) {
    bundle = makeBundle(entry);
    bundles.set(entry, bundle);
  }
  const { script, styles } = await bundle;
  const html =
    '<!doctype html><html lang="en"><title>Test</title><meta charset="utf-8"><link rel="stylesheet" href="/bundle.css"><body><script src="/bundle.js"></script>';
  const files: Record<string, { contentType: string; body: string }> = {
    "/": { contentType: "text/html", body: html },
    "/bundle.js": { contentType: "text/javascript", body: script },
    "/bundle.css": { contentType: "text/css", body: styles },
  };
  page.on("pageerror", (error) => console.error(`[page] ${error.stack ?? error.message}`));
  await page.route("http://localhost/**", (route) => {
    const file = files[new URL(route.request().url()).pathname];
    return route.fulfill(file ?? { status: 404, body: "" });
  });
  await page.goto("http://localhost/");
}
