/**
 * Files, through the real app in two windows and an encrypted direct room: attached, dropped and pasted by one, seen
 * and saved by the other; unreadable on the server; and said so where they were damaged on their way.
 */
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import type { Page } from "@playwright/test";
import { composer, expect, meet, said, test, write, type Seat } from "./people.ts";

const SECRET = "the plan for the weekend, which is nobody else's business";
const PNG_SIGNATURE = Buffer.from("89504e470d0a1a0a", "hex");

/** A picture of this size, in one colour. */
function pngOf(widthPx: number, heightPx: number): Buffer {
  const rows = Buffer.alloc((widthPx * 3 + 1) * heightPx, 0x60);
  for (let row = 0; row < heightPx; row += 1) rows[row * (widthPx * 3 + 1)] = 0;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(widthPx, 0);
  header.writeUInt32BE(heightPx, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(data.length, 0);
    ends.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  return Buffer.concat([
    PNG_SIGNATURE,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

const picture = { name: "terrace.png", mimeType: "image/png", buffer: pngOf(1_600, 1_200) };
const plan = { name: "plan.txt", mimeType: "text/plain", buffer: Buffer.from(`${SECRET}\n`.repeat(50)) };

const tray = ({ page }: Seat) => page.getByRole("list", { name: "Attached files" });
const log = ({ page }: Seat) => page.getByRole("log");

async function attach(seat: Seat, ...files: (typeof picture)[]): Promise<void> {
  const choosing = seat.page.waitForEvent("filechooser");
  await seat.page.getByRole("button", { name: "Attach files" }).click();
  await (await choosing).setFiles(files);
}

/** The bytes that the window saves when this button is pressed. */
async function save(page: Page, button: string): Promise<{ name: string; bytes: Buffer }> {
  const saving = page.waitForEvent("download");
  await page.getByRole("button", { name: button }).click();
  const download = await saving;
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

/** Whether the window has really decoded the picture, and how large it is drawn. */
const seenSize = (seat: Seat, name: string) =>
  log(seat)
    .getByRole("img", { name })
    .evaluate((image: HTMLImageElement) => ({
      naturalWidth: image.complete ? image.naturalWidth : 0,
      drawnWidth: Math.round(image.getBoundingClientRect().width),
    }));

/** Every file that the server keeps for its users, the newest last. */
async function storedFiles(dataDir: string): Promise<{ path: string; bytes: Buffer }[]> {
  const entries = await readdir(dataDir, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && join(entry.parentPath, entry.name).includes("local_content"))
    .map((entry) => join(entry.parentPath, entry.name));
  const dated = await Promise.all(paths.map(async (path) => ({ path, atMs: (await stat(path)).mtimeMs })));
  return Promise.all(
    dated.toSorted((a, b) => a.atMs - b.atMs).map(async ({ path }) => ({ path, bytes: await readFile(path) })),
  );
}

test("a picture and a file arrive whole, and the server can read neither", async ({ seat, homeserver }) => {
  const [alice, bob] = [await seat("Alice"), await seat("Bob")];
  await meet(alice, bob, homeserver.baseUrl);
  // The tests of a run share the server.
  const storedBefore = await storedFiles(homeserver.dataDir);

  await attach(alice, picture);
  await expect(tray(alice)).toContainText("terrace.png");
  await write(alice, "From the terrace");
  await expect(tray(alice)).toHaveCount(0);
  await expect(composer(alice)).toHaveValue("");
  for (const each of [alice, bob]) {
    await expect(said(each, "From the terrace")).toBeVisible();
    // Bob sees the smaller picture that came along; Alice too, as soon as the server has it.
    await expect.poll(() => seenSize(each, "terrace.png")).toEqual({ naturalWidth: 800, drawnWidth: 384 });
  }

  await bob.page.getByRole("button", { name: "Open terrace.png" }).click();
  const viewer = bob.page.getByRole("dialog", { name: "terrace.png" });
  await expect
    .poll(() => viewer.getByRole("img").evaluate((image: HTMLImageElement) => image.naturalWidth))
    .toBe(1_600);
  await bob.page.keyboard.press("Escape");
  await expect(viewer).toHaveCount(0);

  await attach(alice, plan);
  await expect(tray(alice)).toContainText("plan.txt");
  await composer(alice).press("Enter");
  await expect(log(bob).getByText("plan.txt")).toBeVisible();
  for (const file of [plan, picture]) {
    const saved = await save(bob.page, `Save ${file.name}`);
    expect(saved.name).toBe(file.name);
    expect(saved.bytes.equals(file.buffer)).toBe(true);
  }

  const stored = (await storedFiles(homeserver.dataDir)).slice(storedBefore.length);
  expect(stored).toHaveLength(3);
  for (const { bytes } of stored) {
    expect(bytes.includes(SECRET)).toBe(false);
    expect(bytes.includes(PNG_SIGNATURE)).toBe(false);
    expect(bytes.includes("WEBP")).toBe(false);
    expect(bytes.includes("terrace")).toBe(false);
  }
});

test("a file that was changed on the server is not handed out, and its reader is told", async ({
  seat,
  homeserver,
}) => {
  const [alice, bob] = [await seat("Alice"), await seat("Bob")];
  await meet(alice, bob, homeserver.baseUrl);
  // Bob looks elsewhere, so that nothing of it is fetched yet.
  await bob.page.goto(`${new URL(bob.page.url()).origin}/#/`);
  await expect(composer(bob)).toHaveCount(0);
  const before = new Set((await storedFiles(homeserver.dataDir)).map(({ path }) => path));
  await attach(alice, { ...picture, name: "small.png", buffer: pngOf(64, 48) }, plan);
  await expect(tray(alice).getByRole("listitem")).toHaveCount(2);
  await write(alice, "Two files");
  await expect(alice.page.getByRole("button", { name: "Save plan.txt" })).toBeVisible();
  const stored = (await storedFiles(homeserver.dataDir)).filter(({ path }) => !before.has(path));
  expect(stored).toHaveLength(2);
  for (const { path, bytes } of stored) await writeFile(path, bytes.with(0, (bytes[0] ?? 0) ^ 1));

  await bob.page.getByRole("list", { name: "Rooms" }).getByRole("button", { name: /Alice/u }).first().click();
  await expect(said(bob, "Two files")).toBeVisible();
  // The picture says so by itself.
  await expect(log(bob).getByText(/damaged or changed on its way/u)).toHaveCount(1);
  await bob.page.getByRole("button", { name: "Save plan.txt" }).click();
  await expect(log(bob).getByText(/damaged or changed on its way/u)).toHaveCount(2);
  await expect(log(bob).getByRole("alert")).toHaveCount(2);
});

test("files are dropped and pasted, and taken out again", async ({ seat, homeserver }) => {
  const [alice, bob] = [await seat("Alice"), await seat("Bob")];
  await meet(alice, bob, homeserver.baseUrl);
  const files = [...picture.buffer];
  await alice.page.evaluate((bytes) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], "dropped.png", { type: "image/png" }));
    data.items.add(new File(["one"], "one.txt", { type: "text/plain" }));
    const over = new DragEvent("dragover", { dataTransfer: data, bubbles: true, cancelable: true });
    document.body.dispatchEvent(over);
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  }, files);
  await composer(alice).evaluate((field, bytes) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }));
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, files);
  await expect(tray(alice).getByRole("listitem")).toHaveCount(3);
  await tray(alice).getByRole("button", { name: "Remove one.txt" }).click();
  await expect(tray(alice).getByRole("listitem")).toHaveCount(2);
  // What stands in the tray outlives a look into another place.
  await alice.page.goto(`${new URL(alice.page.url()).origin}/#/`);
  await alice.page.getByRole("list", { name: "Rooms" }).getByRole("button", { name: /Bob/u }).first().click();
  await expect(tray(alice).getByRole("listitem")).toHaveCount(2);
  await composer(alice).press("Enter");
  for (const name of ["dropped.png", "image.png"])
    await expect.poll(() => seenSize(bob, name)).toEqual({ naturalWidth: 800, drawnWidth: 384 });
  await expect(log(bob).getByText("one.txt")).toHaveCount(0);
});
