/**
 * An account's media over a fake server, with a store that is one map and a clock that a test moves. Used by the
 * tests of engine/media. Invariant: its folder goes with the test.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { FileRef } from "../../../preload/contract/engine-contract.ts";
import type { EventId, RoomId, UploadId } from "../../../preload/contract/ids.ts";
import { systemClock, type Clock } from "../../../main/engine/base/clock.ts";
import { Logger, silentSink } from "../../../main/engine/base/logger.ts";
import type { JsonObject } from "../../../main/engine/matrix/json.ts";
import { openMedia, type Media } from "../../../main/engine/media/media.ts";
import { openMediaClient } from "../../../main/engine/net/media.ts";
import { MediaServer } from "./media-server.ts";

export const ROOM = "!room:example.org" as RoomId;
const EVENT = "$event" as EventId;
export const never = new AbortController().signal;

/** Timers run when the test says so; the time is the system's, moved on. */
export class MovedClock implements Clock {
  #aheadMs = 0;
  readonly #timers = new Set<{ atMs: number; run: () => void }>();
  now = (): number => Date.now() + this.#aheadMs;
  monotonic = (): number => performance.now() + this.#aheadMs;
  setTimer(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.monotonic() + delayMs, run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }
  advance(byMs: number): void {
    this.#aheadMs += byMs;
    for (const timer of this.#timers) {
      if (timer.atMs > this.monotonic()) continue;
      this.#timers.delete(timer);
      timer.run();
    }
  }
}

export async function openMediaBench(options: { clock?: Clock } = {}) {
  const clock = options.clock ?? systemClock;
  const server = await MediaServer.start();
  const folder = mkdtempSync(join(tmpdir(), "lattice-media-"));
  const profileKey = randomBytes(32);
  const closers: (() => Promise<void>)[] = [];
  onTestFinished(async () => {
    for (const close of closers) await close();
    await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  const events = new Map<string, { type: string; content: JsonObject; isRedacted: boolean }>();
  const pending: JsonObject[] = [];
  /** How far uploads had come whenever that was told, newest last. */
  const progress: { sentBytes: number; totalBytes: number }[] = [];

  /** The engine's part, opened as often as a test starts it anew. */
  function open(key: Uint8Array = profileKey): Media {
    const ending = new AbortController();
    const client = openMediaClient({
      fetch,
      clock,
      baseUrl: server.url,
      useToken: (request) => request("secret-token"),
    });
    const media: Media = openMedia({
      folder,
      profileKey: key,
      store: { events: { read: (_room: RoomId, eventId: EventId) => events.get(eventId) } } as never,
      client: { media: client },
      clock,
      log: new Logger(silentSink),
      readPendingContents: () => pending,
      onProgress(uploadId) {
        const now = media.progressOf(uploadId);
        if (now) progress.push({ ...now });
      },
      signal: ending.signal,
    });
    closers.push(async () => {
      ending.abort();
      await media.close();
    });
    return media;
  }

  return {
    server,
    folder,
    profileKey,
    pending,
    progress,
    open,
    /** The message as it was received; gives the name of its file. */
    receive(content: JsonObject, part: "file" | "thumbnail" = "file", eventId = EVENT): FileRef {
      events.set(eventId, { type: "m.room.message", content, isRedacted: false });
      return { of: "event", roomId: ROOM, eventId, part };
    },
    redact(eventId = EVENT): void {
      const event = events.get(eventId);
      if (event) event.isRedacted = true;
    },
    /** The names of all files below the account's folder, and whether one of them holds these bytes. */
    files: (): string[] =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((each) => each.isFile())
        .map((each) => join(each.parentPath, each.name)),
    holds(needle: string | Uint8Array): boolean {
      return this.files().some((path) => readFileSync(path).includes(Buffer.from(needle)));
    },
  };
}
export type MediaBench = Awaited<ReturnType<typeof openMediaBench>>;

/** Takes a file in, in pieces. */
export async function stage(
  media: Media,
  bytes: Uint8Array,
  file: { name?: string; contentType?: string; pieceBytes?: number } = {},
): Promise<UploadId> {
  const { name = "secret-plan.png", contentType = "image/png", pieceBytes = 64 * 1024 } = file;
  const uploadId = await media.begin({ name, contentType, sizeBytes: bytes.length });
  for (let offset = 0; offset < bytes.length; offset += pieceBytes) {
    await media.append(uploadId, offset, bytes.subarray(offset, offset + pieceBytes));
  }
  await media.finish(uploadId);
  return uploadId;
}

/** The whole file, in pieces of a size that fits nothing. */
export async function readAll(media: Media, file: FileRef): Promise<Buffer> {
  const { sizeBytes } = await media.open(file, { signal: never });
  const parts: Uint8Array[] = [];
  for (let offset = 0; offset < sizeBytes; offset += 70_001) {
    parts.push(await media.read(file, offset, 70_001, { signal: never }));
  }
  return Buffer.concat(parts);
}

/** Puts an encrypted file on the server as another client would, and gives the content of its message. */
export async function sendAsOther(bench: MediaBench, media: Media, bytes: Uint8Array): Promise<JsonObject> {
  const content = await media.toPendingContent({ uploadId: await stage(media, bytes) });
  const sent = await media.prepareContent(content, { isEncrypted: true });
  // The own cache must not answer for the server.
  for (const path of bench.files().filter((each) => each.includes("media"))) rmSync(path, { force: true });
  return sent;
}
