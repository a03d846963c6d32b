/**
 * The peers of the crypto bench, each in a process of its own and each with the calls of Work. Opened by
 * test/bench/crypto.ts. Invariant: a peer that is not asked does nothing, so that peers can take turns; closing one ends
 * its process and removes what it wrote.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { chromium } from "playwright";
import { ensureChromium } from "../../support/setup.ts";
import { WORK_NAMES, type NodePeer, type PeerAnswer, type PeerCall, type Work } from "./work.ts";

export type Peer = { name: string; work: Work; close: () => Promise<void> };

type Call = (name: keyof Work, args: unknown[]) => Promise<unknown>;

const toWork = (call: Call): Work =>
  Object.fromEntries(WORK_NAMES.map((name) => [name, (...args: unknown[]) => call(name, args)])) as unknown as Work;

export async function openNodePeer(kind: NodePeer, name: string): Promise<Peer> {
  const folder = await mkdtemp(join(tmpdir(), "lattice-bench-crypto-"));
  const child = fork(join(import.meta.dirname, "peer-process.ts"), [kind, folder], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    serialization: "advanced",
  });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const ready = Promise.withResolvers<unknown>();
  waiting.set(0, ready);
  child.on("message", (answer: PeerAnswer) => {
    const asked = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (answer.ok) asked?.resolve(answer.value);
    else asked?.reject(new Error(`${name}: ${answer.error}`));
  });
  child.once("exit", (code) => {
    for (const asked of waiting.values()) asked.reject(new Error(`${name} ended with ${code}`));
  });
  await ready.promise;
  let lastId = 0;
  return {
    name,
    work: toWork((method, args) => {
      const asked = Promise.withResolvers<unknown>();
      const id = (lastId += 1);
      waiting.set(id, asked);
      child.send({ id, name: method, args } satisfies PeerCall);
      return asked.promise;
    }),
    async close() {
      if (child.exitCode === null) {
        child.disconnect();
        await once(child, "exit");
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** With a profile on disk: in a window without one, Chromium keeps IndexedDB in memory. */
export async function openChromiumPeer(name: string): Promise<Peer> {
  const executablePath = await ensureChromium();
  const folder = await mkdtemp(join(tmpdir(), "lattice-bench-chromium-"));
  const context = await chromium.launchPersistentContext(folder, {
    executablePath,
    args: ["--no-sandbox", "--disable-background-networking"],
  });
  const page = context.pages()[0] ?? (await context.newPage());
  page.on("pageerror", (error) => process.stderr.write(`[page] ${error.stack ?? error.message}\n`));
  const files = await pageFiles();
  await page.route("http://localhost/**", (route) => {
    const file = files.get(new URL(route.request().url()).pathname);
    return file ? route.fulfill(file) : route.fulfill({ status: 404 });
  });
  await page.goto("http://localhost/");
  return {
    name,
    work: toWork((method, args) =>
      page.evaluate(
        async ([called, given]) => {
          const work = await window.benchWork;
          return (work[called] as (...each: unknown[]) => Promise<unknown>)(...given);
        },
        [method, args] as const,
      ),
    ),
    async close() {
      await context.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function pageFiles(): Promise<Map<string, { contentType: string; body: string | Buffer }>> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "page.ts")],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    platform: "browser",
    minify: true,
    logLevel: "silent",
  });
  const wasm = "pkg/matrix_sdk_crypto_wasm_bg.wasm";
  const library = dirname(createRequire(import.meta.url).resolve("@matrix-org/matrix-sdk-crypto-wasm"));
  const html =
    '<!doctype html><meta charset="utf-8"><title>Bench</title><script type="module" src="/page.js"></script>';
  return new Map<string, { contentType: string; body: string | Buffer }>([
    ["/", { contentType: "text/html", body: html }],
    ["/page.js", { contentType: "text/javascript", body: outputFiles[0]?.text ?? "" }],
    [`/${wasm}`, { contentType: "application/wasm", body: await readFile(join(library, wasm)) }],
  ]);
}
