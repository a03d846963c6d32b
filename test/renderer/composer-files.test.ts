/**
 * Attached files: slice after slice into the engine, in the order of the user, never lost and never doubled.
 * Subjects: renderer/features/composer/{file-intake,attachment-tray,measure-file,dropped-files}.ts.
 */
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import {
  type AccountId,
  type RoomId,
  type UploadId,
  accountIdSchema,
  eventIdSchema,
  roomIdSchema,
  uploadIdSchema,
} from "../../preload/contract/ids.ts";
import { CommandError } from "../../renderer/engine-client/command-error.ts";
import { AttachmentTray, MAX_ATTACHMENTS } from "../../renderer/features/composer/attachment-tray.ts";
import { readDrop, readPaste } from "../../renderer/features/composer/dropped-files.ts";
import { SLICE_BYTES, takeFileIn } from "../../renderer/features/composer/file-intake.ts";
import { type FileFacts, thumbnailSize } from "../../renderer/features/composer/measure-file.ts";

const accountId: AccountId = v.parse(accountIdSchema, "abcdefgh12345678");
const roomId: RoomId = v.parse(roomIdSchema, "!room:example.org");
const uploadIdOf = (at: number): UploadId => v.parse(uploadIdSchema, String(at).padStart(22, "A"));

type Call = { command: string; args: Record<string, unknown> };
function openEngine(fail: (call: Call) => CommandError | undefined = () => undefined) {
  const calls: Call[] = [];
  let serial = 0;
  const call = (command: string, args: Record<string, unknown>) => {
    calls.push({ command, args });
    const error = fail({ command, args });
    if (error) return Promise.reject(error);
    return Promise.resolve(command === "files.begin" ? { uploadId: uploadIdOf(++serial) } : {});
  };
  return { client: { call } as never, calls, commands: () => calls.map(({ command }) => command) };
}
const offline = new CommandError({ code: "offline", message: "The disk is full." });
const tick = () => new Promise((resolve) => setTimeout(resolve));

describe("taking a file in", () => {
  const open = (respond: (at: number) => Response | Promise<Response>) => {
    const engine = openEngine();
    const posted: { url: string; bytes: number; headers: unknown }[] = [];
    const fetch = (url: string, init: { body: ArrayBuffer; headers?: unknown }) => {
      posted.push({ url, bytes: init.body.byteLength, headers: init.headers });
      return Promise.resolve(respond(posted.length));
    };
    const deps = { client: engine.client, mediaBase: "/media/", accountId, fetch: fetch as never };
    return { ...engine, posted, deps };
  };
  const bytes = new Blob([new Uint8Array(SLICE_BYTES + 5)], { type: "image/png" });
  const ok = () => Response.json({ sizeBytes: 1 });

  test("in slices that follow each other, and finished", async () => {
    const { deps, posted, calls } = open(ok);
    const seen: number[] = [];
    const { signal } = new AbortController();
    await takeFileIn(deps, { name: "a.png", bytes }, { signal, onProgress: (done) => seen.push(done) });
    const upload = `/media/upload/${accountId}/${uploadIdOf(1)}`;
    expect(posted).toEqual([
      { url: `${upload}?offset=0`, bytes: SLICE_BYTES, headers: undefined },
      { url: `${upload}?offset=${SLICE_BYTES}`, bytes: 5, headers: undefined },
    ]);
    expect(seen).toEqual([SLICE_BYTES, SLICE_BYTES + 5]);
    expect(calls.map(({ command }) => command)).toEqual(["files.begin", "files.finish"]);
    expect(calls[0]?.args).toMatchObject({ name: "a.png", contentType: "image/png", sizeBytes: SLICE_BYTES + 5 });
  });

  test("a refusal is the engine's own words, and the engine forgets the file", async () => {
    const error = { code: "disk-full", message: "The disk is full." };
    const { deps, commands, posted } = open(() => Response.json({ error }, { status: 507 }));
    const taking = takeFileIn(deps, { name: "a", bytes }, { signal: new AbortController().signal });
    await expect(taking).rejects.toMatchObject({ data: error });
    expect(posted).toHaveLength(1);
    expect(commands()).toEqual(["files.begin", "files.abort"]);
  });

  test.each([
    ["no answer", () => Promise.reject(new TypeError("failed to fetch"))],
    ["an answer without words", () => new Response("<html>", { status: 502 })],
    ["words that are none", () => Response.json({ error: { code: "<script>", message: 1 } }, { status: 502 })],
  ])("%s is an interruption", async (_name, respond) => {
    const { deps } = open(respond);
    const taking = takeFileIn(deps, { name: "a", bytes }, { signal: new AbortController().signal });
    await expect(taking).rejects.toMatchObject({ data: { code: "offline" } });
  });

  test("taken back in the middle, nothing more is read", async () => {
    const wish = new AbortController();
    const { deps, commands, posted } = open(() => {
      wish.abort();
      return ok();
    });
    const taking = takeFileIn(deps, { name: "a", bytes }, { signal: wish.signal });
    await expect(taking).rejects.toMatchObject({ data: { code: "cancelled" } });
    expect([posted.length, commands()]).toEqual([1, ["files.begin", "files.abort"]]);
  });
});

describe("the tray", () => {
  function open(
    options: { fail?: (call: Call) => CommandError | undefined; facts?: FileFacts; failIntake?: () => boolean } = {},
  ) {
    const engine = openEngine(options.fail);
    let serial = 0;
    let running = 0;
    const waiting: (() => void)[] = [];
    const state = { isHeld: false, mostAtOnce: 0 };
    const tray = new AttachmentTray({
      client: engine.client,
      accountId,
      roomId,
      async takeIn(_file, { signal }) {
        state.mostAtOnce = Math.max(state.mostAtOnce, ++running);
        if (state.isHeld) await new Promise<void>((resolve) => waiting.push(resolve));
        await tick();
        running -= 1;
        if (signal.aborted) throw new CommandError({ code: "cancelled", message: "" });
        if (options.failIntake?.()) throw offline;
        return uploadIdOf(++serial);
      },
      measure: () => Promise.resolve(options.facts ?? {}),
    });
    const release = () => {
      state.isHeld = false;
      for (const go of waiting.splice(0)) go();
    };
    const sent = () => engine.calls.filter(({ command }) => command === "files.send").map(({ args }) => args);
    const states = () => tray.snapshot().map((one) => one.state.is);
    return { tray, state, release, sent, states, ...engine };
  }
  const file = (name: string, type = "text/plain") => new File(["x"], name, { type });

  test("reads one file at a time, and sends in the order of the user what he sent before it was read", async () => {
    const { tray, state, release, sent, states } = open();
    const replyTo = v.parse(eventIdSchema, "$question");
    state.isHeld = true;
    tray.add([file("one"), file("two"), file("three")]);
    const sending = tray.send({ text: "hello", replyTo });
    await tick();
    expect(states()).toEqual(["reading", "waiting", "waiting"]);
    expect(tray.snapshot().every(({ isLeaving }) => isLeaving)).toBe(true);
    expect(tray.send()).toBeUndefined();
    release();
    expect(await sending).toBeUndefined();
    // Words and answer belong to the first.
    expect(sent().map(({ uploadId, caption, replyTo: answered }) => [uploadId, caption, answered])).toEqual([
      [uploadIdOf(1), "hello", replyTo],
      [uploadIdOf(2), undefined, undefined],
      [uploadIdOf(3), undefined, undefined],
    ]);
    expect([tray.snapshot(), state.mostAtOnce]).toEqual([[], 1]);
  });

  test("a picture goes with its figures and its smaller copy", async () => {
    const bytes = new Blob(["small"], { type: "image/jpeg" });
    const facts = { widthPx: 4_000, heightPx: 3_000, thumbnail: { bytes, widthPx: 800, heightPx: 600 } };
    const { tray, sent } = open({ facts });
    tray.add([file("a.jpg", "image/jpeg")]);
    await tray.send();
    expect(sent()).toEqual([
      {
        accountId,
        roomId,
        txnId: expect.any(String) as string,
        uploadId: uploadIdOf(2),
        thumbnail: { uploadId: uploadIdOf(1), widthPx: 800, heightPx: 600 },
        widthPx: 4_000,
        heightPx: 3_000,
      },
    ]);
  });

  test("what the engine does not keep stays with its reason, and goes under the same id", async () => {
    let isAway = true;
    const { tray, sent, states } = open({
      fail: ({ command }) => (command === "files.send" && isAway ? offline : undefined),
    });
    tray.add([file("one")]);
    expect(await tray.send({ text: "kept" })).toEqual(offline.data);
    expect([states(), tray.snapshot()[0]?.isLeaving]).toEqual([["failed"], false]);
    expect(tray.send()).toBeUndefined();
    isAway = false;
    tray.retry(tray.snapshot()[0]!.key);
    expect(await tray.send()).toBeUndefined();
    const [first, second] = sent();
    expect(second?.["txnId"]).toBe(first?.["txnId"]);
    expect(tray.snapshot()).toEqual([]);
  });

  test("a file that cannot be read does not hold up the others", async () => {
    let count = 0;
    const { tray, sent, states } = open({ failIntake: () => ++count === 1 });
    tray.add([file("bad"), file("good")]);
    expect(await tray.send({ text: "words" })).toEqual(offline.data);
    expect([states(), sent().length]).toEqual([["failed"], 1]);
    expect(sent()[0]?.["caption"]).toBeUndefined();
  });

  test("a file that is removed is neither sent nor kept by the engine, wherever it was", async () => {
    const { tray, state, release, sent, commands } = open();
    tray.add([file("whole")]);
    await expect.poll(() => tray.snapshot()[0]?.state.is).toBe("ready");
    tray.remove(tray.snapshot()[0]!.key);
    await tick();
    expect(commands()).toEqual(["files.abort"]);
    state.isHeld = true;
    tray.add([file("half"), file("waits")]);
    const sending = tray.send({ text: "words" });
    await tick();
    for (const { key } of tray.snapshot()) tray.remove(key);
    release();
    // Its words go back to the field.
    expect(await sending).toMatchObject({ code: "cancelled" });
    expect([sent(), tray.snapshot()]).toEqual([[], []]);
  });

  test("it is too late to remove what the engine is just taking", async () => {
    const { tray, commands } = open({
      fail: ({ command }) => {
        if (command === "files.send") tray.remove(tray.snapshot()[0]!.key);
        return undefined;
      },
    });
    tray.add([file("one")]);
    expect(await tray.send()).toBeUndefined();
    await tick();
    expect(commands()).toEqual(["files.send"]);
  });

  test("more files than fit are counted", () => {
    const { tray } = open();
    expect(tray.add(Array.from({ length: MAX_ATTACHMENTS + 3 }, (_, at) => file(`${at}`)))).toBe(3);
    expect(tray.add([file("one more")])).toBe(1);
    expect(tray.snapshot()).toHaveLength(MAX_ATTACHMENTS);
  });
});

test.each([
  [800, 800, undefined],
  [1_600, 1_200, { widthPx: 800, heightPx: 600 }],
  [1, 100_000, { widthPx: 1, heightPx: 800 }],
  [Number.NaN, 5, undefined],
])("a thumbnail of %s × %s", (widthPx, heightPx, expected) => {
  expect(thumbnailSize(widthPx, heightPx)).toEqual(expected);
});

test("a folder is never taken for a file, and copied text stays text", () => {
  const one = new File(["x"], "one.txt");
  const item = (kind: string, isDirectory: boolean, taken: File | null) => ({
    kind,
    webkitGetAsEntry: () => ({ isDirectory }),
    getAsFile: () => taken,
  });
  const items = [item("file", false, one), item("file", true, new File([], "folder")), item("string", false, null)];
  expect(readDrop({ items } as never)).toEqual({ files: [one], hasFolders: true });
  expect(readPaste({ types: ["Files"], files: [one] } as never)).toEqual([one]);
  expect(readPaste({ types: ["text/plain", "text/html", "Files"], files: [one] } as never)).toEqual([]);
});
