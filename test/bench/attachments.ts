/**
 * The attachments bench: a file of 1 GB (or --mb N) through all of engine/media, to a server in another process and
 * back, with the memory it takes. Run by hand: node test/bench/attachments.ts [--mb 1024]. Prints one JSON line for each
 * leg. Invariant: it exits with 1 where the memory grew with the file, so that it can stand in a gate for slow tests.
 */
import { randomBytes, createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { MAX_CHUNK_BYTES } from "../../preload/contract/engine-contract.ts";
import { systemClock } from "../../main/engine/base/clock.ts";
import { Logger, silentSink } from "../../main/engine/base/logger.ts";
import type { JsonObject } from "../../main/engine/matrix/json.ts";
import { openMedia } from "../../main/engine/media/media.ts";
import { openMediaClient } from "../../main/engine/net/media.ts";

/** What the process may grow by over its size before, whatever the size of the file. */
const MAX_GROWTH_BYTES = 96 * 2 ** 20;
const SERVER = "server";

if (process.argv[2] === SERVER) await serve(process.argv[3] ?? "");
else await run();

/** Keeps one file on disk, so that its own memory says nothing either. */
async function serve(path: string): Promise<void> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === "POST") {
      await pipeline(request, createWriteStream(path));
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ content_uri: "mxc://example.org/big" }));
    } else if (request.url?.includes("/download/")) {
      response.writeHead(200, { "content-type": "application/octet-stream" });
      await pipeline(createReadStream(path), response);
    } else {
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    }
  };
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  process.send?.((server.address() as AddressInfo).port);
  process.once("disconnect", () => process.exit(0));
}

async function run(): Promise<void> {
  const { values } = parseArgs({ options: { mb: { type: "string", default: "1024" } } });
  const sizeBytes = Number(values.mb) * 2 ** 20;
  const folder = mkdtempSync(join(tmpdir(), "lattice-bench-media-"));
  const server = fork(import.meta.filename, [SERVER, join(folder, "stored")]);
  try {
    await measure(server, folder, sizeBytes);
  } finally {
    server.disconnect();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(server: ChildProcess, folder: string, sizeBytes: number): Promise<void> {
  const [port] = (await once(server, "message")) as [number];
  const { signal } = new AbortController();
  let content: JsonObject = {};
  const media = openMedia({
    folder,
    profileKey: randomBytes(32),
    store: { events: { read: () => ({ type: "m.room.message", content, isRedacted: false }) } } as never,
    client: {
      media: openMediaClient({
        fetch,
        clock: systemClock,
        baseUrl: `http://127.0.0.1:${port}`,
        useToken: (request) => request("token"),
      }),
    },
    clock: systemClock,
    log: new Logger(silentSink),
    readPendingContents: () => [],
    signal,
  });
  const leg = async (name: string, work: () => Promise<void>): Promise<void> => {
    globalThis.gc?.();
    const beforeBytes = process.memoryUsage.rss();
    let peakBytes = beforeBytes;
    const timer = setInterval(() => (peakBytes = Math.max(peakBytes, process.memoryUsage.rss())), 20);
    const startedMs = performance.now();
    await work();
    const tookMs = performance.now() - startedMs;
    clearInterval(timer);
    const growthBytes = peakBytes - beforeBytes;
    const line = {
      bench: "attachments",
      leg: name,
      mb: sizeBytes / 2 ** 20,
      tookMs: Math.round(tookMs),
      mbPerSecond: Math.round(sizeBytes / 2 ** 20 / (tookMs / 1_000)),
      rssBeforeMb: Math.round(beforeBytes / 2 ** 20),
      rssGrowthMb: Math.round(growthBytes / 2 ** 20),
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    if (growthBytes > MAX_GROWTH_BYTES) process.exitCode = 1;
  };

  const piece = randomBytes(MAX_CHUNK_BYTES);
  const written = createHash("sha256");
  const uploadId = await media.begin({ name: "big.bin", contentType: "", sizeBytes });
  await leg("take in, encrypting", async () => {
    for (let offset = 0; offset < sizeBytes; offset += piece.length) {
      piece.writeUInt32BE(offset / piece.length);
      written.update(piece);
      await media.append(uploadId, offset, piece);
    }
    await media.finish(uploadId);
  });
  const pending = await media.toPendingContent({ uploadId });
  await leg("upload", async () => {
    content = await media.prepareContent(pending, { isEncrypted: true });
  });
  await media.discard(uploadId);
  rmSync(join(folder, "media"), { recursive: true });
  const file = { of: "event", roomId: "!r:x", eventId: "$e", part: "file" } as never;
  await leg("download and verify", async () => void (await media.open(file, { signal })));
  const read = createHash("sha256");
  await leg("read, decrypting", async () => {
    for (let offset = 0; offset < sizeBytes; offset += MAX_CHUNK_BYTES) {
      read.update(await media.read(file, offset, MAX_CHUNK_BYTES, { signal }));
    }
  });
  if (!read.digest().equals(written.digest())) throw new Error("the file came back changed");
  await media.close();
}
