/**
 * What can be read on a stolen disk: strings that nobody else has written go through the whole app, and then every
 * file of the data folder, of the browser's profile and of the server is searched for them, and for the keys that
 * the app has made meanwhile. What is plain by design has to be found, so that the search is known to work. After
 * sign-out nothing of the account is left.
 */
import { createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { crc32, deflateSync } from "node:zlib";
import type { Page } from "@playwright/test";
import { openKeys } from "../../main/engine/crypto/key-file.ts";
import { decodeRecoveryKey } from "../../main/engine/crypto/recovery-key.ts";
import { startHostProcess } from "../../main/tools/host-process.ts";
import {
  closeSettings,
  composer,
  dialog,
  expect,
  callsPageOf,
  expectMoving,
  meet,
  notificationsOf,
  openRoom,
  openSettings,
  press,
  said,
  setUpRecovery,
  test,
  write,
  type Seat,
} from "./people.ts";

/** Texts, and keys as bytes, by what they are. */
type Canaries = Record<string, string | Buffer>;

const PICTURE_PX = 400;

const canary = (what: string): string => `${what} canary ${randomBytes(9).toString("hex")}`;

/** A picture that bears this text, as pictures of cameras do. */
function pictureWith(text: string): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(data.length, 0);
    ends.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  const [widthPx, heightPx] = [PICTURE_PX, PICTURE_PX];
  const header = Buffer.alloc(13);
  header.writeUInt32BE(widthPx, 0);
  header.writeUInt32BE(heightPx, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", header),
    chunk("tEXt", Buffer.from(`Comment\0${text}`, "latin1")),
    chunk("IDAT", deflateSync(Buffer.alloc((widthPx * 3 + 1) * heightPx))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** What a text or a key may look like in a file: as it is, within base64, in two bytes a letter, as a list of numbers. */
function formsOf(wanted: string | Buffer): Buffer[] {
  const bytes = Buffer.from(wanted);
  if (bytes.length < 12) throw new Error(`what is this short is found everywhere: ${wanted.toString()}`);
  const base64 = [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
    // The first letters and the last depend on what stands beside.
    return Buffer.from(encoded.slice(shift === 0 ? 0 : 4, -4));
  });
  const inOtherWords = typeof wanted === "string" ? Buffer.from(wanted, "utf16le") : Buffer.from(bytes.join(","));
  return [bytes, inOtherWords, ...base64];
}

/** Where the strings stand, as "what: file", over all files below a folder. */
async function search(folder: string, canaries: Canaries): Promise<string[]> {
  const wanted = Object.entries(canaries).map(([what, secret]) => ({ what, forms: formsOf(secret) }));
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const hits: string[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path);
    // A name can tell as well, and of what is no file there is only the name. One that is gone by now holds nothing.
    const bytes = entry.isFile() ? await readFile(path).catch(() => Buffer.alloc(0)) : Buffer.alloc(0);
    for (const { what, forms } of wanted) {
      if (forms.some((form) => bytes.includes(form) || name.includes(form.toString()))) hits.push(`${what}: ${name}`);
    }
  }
  return hits.toSorted();
}

const filesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));

/** What the server's own database says about a user. */
async function askServer(serverDataDir: string, query: string, userId: string): Promise<Record<string, unknown>[]> {
  const name = (await filesIn(serverDataDir)).find((file) => file.endsWith(".db"));
  if (name === undefined) throw new Error("the server's database was not found");
  const db = new DatabaseSync(join(serverDataDir, name), { readOnly: true });
  try {
    return db.prepare(query).all(userId);
  } finally {
    db.close();
  }
}

async function tokensOf(serverDataDir: string, userId: string): Promise<Canaries> {
  const rows = await askServer(serverDataDir, "SELECT token FROM access_tokens WHERE user_id = ?", userId);
  return Object.fromEntries(rows.map(({ token }, index) => [`token ${index}`, String(token)]));
}

/** The seeds that the recovery key opens. spec: client-server, `m.secret_storage.v1.aes-hmac-sha2`. */
async function secretsOf(serverDataDir: string, userId: string, recoveryKey: string): Promise<Canaries> {
  const key = decodeRecoveryKey(recoveryKey);
  if (key === undefined) throw new Error("this is not a recovery key");
  const found: Canaries = { "recovery key": recoveryKey, "recovery key in bytes": Buffer.from(key) };
  found["recovery key in one"] = recoveryKey.replaceAll(/\s/gu, "");
  const query = "SELECT account_data_type AS name, content FROM account_data WHERE user_id = ?";
  for (const { name, content } of await askServer(serverDataDir, query, userId)) {
    const { encrypted } = JSON.parse(String(content)) as { encrypted?: Record<string, Record<string, string>> };
    for (const { iv, ciphertext } of Object.values(encrypted ?? {})) {
      const aesKey = new Uint8Array(hkdfSync("sha256", key, new Uint8Array(32), String(name), 64), 0, 32);
      const decipher = createDecipheriv("aes-256-ctr", aesKey, Buffer.from(iv ?? "", "base64"));
      const seed = decipher.update(ciphertext ?? "", "base64", "utf8");
      expect(Buffer.from(seed, "base64"), `${String(name)} is opened`).toHaveLength(32);
      found[String(name)] = Buffer.from(seed, "base64");
    }
  }
  return found;
}

/** The room keys of this seat, taken out through the app as a key file. */
async function roomKeysOf(seat: Seat): Promise<Canaries> {
  const passphrase = canary("passphrase");
  const health = await openSettings(seat, "Encryption");
  await press(health, "Export…");
  const exporting = dialog(seat, "Export a key file");
  await exporting.getByLabel("Passphrase", { exact: true }).fill(passphrase);
  await exporting.getByLabel("Passphrase again").fill(passphrase);
  const saved = seat.page.waitForEvent("download");
  await press(exporting, "Export");
  const keyFile = await readFile(await (await saved).path(), "utf8");
  await press(dialog(seat, "Exported"), "Done");
  await closeSettings(seat);
  const slices: Buffer[] = [];
  for await (const slice of openKeys(keyFile, passphrase)) slices.push(slice);
  const sessions = JSON.parse(Buffer.concat(slices).toString()) as { session_key: string }[];
  // A version and an index stand before the ratchet, and the public key behind it.
  const ratchets = sessions.map(({ session_key: key }) => Buffer.from(key, "base64").subarray(5, 133));
  return { passphrase, ...Object.fromEntries(ratchets.map((ratchet, index) => [`room key ${index}`, ratchet])) };
}

/** Runs in the page: remembers the passwords of the connections that calls make. */
function rememberIcePasswords(): void {
  const found = new Set<string>();
  Object.assign(window, { icePasswords: found });
  RTCPeerConnection.prototype.setLocalDescription = new Proxy(RTCPeerConnection.prototype.setLocalDescription, {
    async apply(setLocalDescription, connection: RTCPeerConnection, args) {
      await Reflect.apply(setLocalDescription, connection, args);
      for (const [, password] of connection.localDescription?.sdp.matchAll(/a=ice-pwd:(\S+)/gu) ?? [])
        if (password !== undefined) found.add(password);
    },
  });
}
const icePasswordsOf = (page: Page): Promise<string[]> =>
  page.evaluate(() => [...(window as unknown as { icePasswords: Set<string> }).icePasswords]);

async function leaveRoom({ page }: Seat): Promise<void> {
  await page.goto(`${new URL(page.url()).origin}/#/`);
}

test("nothing that was said in confidence can be read in any file; after sign-out nothing is left", async ({
  seat,
  homeserver,
}) => {
  test.setTimeout(240_000);
  const password = canary("password");
  const [alice, bob] = await Promise.all([seat("Alice", { hasProfile: true, password }), seat("Bob")]);
  await alice.context.addInitScript(rememberIcePasswords);
  await alice.page.goto(await alice.host.mintUrl());
  await meet(alice, bob, homeserver.baseUrl);

  const spoken = {
    sent: canary("sent"),
    received: canary("received"),
    notified: canary("notified"),
    fileName: `${canary("name")}.png`,
    fileContent: canary("content"),
    receivedFileName: `${canary("name")}.png`,
    receivedFileContent: canary("content"),
    draft: canary("draft"),
    pending: canary("pending"),
  };
  const ofCall: Canaries = {};
  const inClear = canary("clear");
  const recoveryKey = await setUpRecovery(alice);

  await test.step("messages, files, a notification and a call", async () => {
    await write(alice, spoken.sent);
    await expect(said(bob, spoken.sent)).toBeVisible();
    await write(bob, spoken.received);
    await expect(said(alice, spoken.received)).toBeVisible();
    for (const [from, to, name, content] of [
      [alice, bob, spoken.fileName, spoken.fileContent],
      [bob, alice, spoken.receivedFileName, spoken.receivedFileContent],
    ] as const) {
      const choosing = from.page.waitForEvent("filechooser");
      await press(from.page, "Attach files");
      const file = { name, mimeType: "image/png", buffer: pictureWith(content) };
      await (await choosing).setFiles(file);
      await composer(from).press("Enter");
      await press(to.page, `Open ${file.name}`);
      const opened = to.page.getByRole("dialog", { name: file.name }).getByRole("img");
      await expect.poll(() => opened.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(PICTURE_PX);
      await to.page.keyboard.press("Escape");
    }
    await press(bob.page, "Video call");
    await press(alice.page.getByRole("alertdialog", { name: "Incoming call" }), "Answer");
    await expectMoving(alice, "video");
    const call = await callsPageOf(alice);
    for (const [index, found] of (await icePasswordsOf(call)).entries()) ofCall[`call ${index}`] = found;
    await press(call, "Hang up");
    await expect((await callsPageOf(bob)).getByRole("button", { name: "Hang up" })).toHaveCount(0);
    expect(ofCall["call 0"]).toMatch(/^\S{22,}$/u);
    await leaveRoom(alice);
    await write(bob, spoken.notified);
    await expect.poll(() => notificationsOf(alice)).toContainEqual(expect.stringContaining(spoken.notified));
  });

  await test.step("a room in the clear", async () => {
    await press(alice.page, "New");
    await alice.page.getByRole("menuitem", { name: "New room" }).click();
    await alice.page.getByRole("textbox", { name: "Name" }).fill("In the clear");
    await alice.page.getByText("Encrypted", { exact: true }).click();
    await press(alice.page, "Create");
    await write(alice, inClear);
    await expect.poll(() => search(homeserver.dataDir, { inClear })).not.toEqual([]);
  });

  const secrets: Canaries = {
    password,
    ...(await tokensOf(homeserver.dataDir, alice.userId)),
    ...(await secretsOf(homeserver.dataDir, alice.userId, recoveryKey)),
    ...(await roomKeysOf(alice)),
  };
  expect(Object.keys(secrets)).toEqual(
    expect.arrayContaining([
      "token 0",
      "m.cross_signing.master",
      "m.cross_signing.self_signing",
      "m.cross_signing.user_signing",
      "m.megolm_backup.v1",
      // One for what each of the two has said.
      "room key 0",
      "room key 1",
    ]),
  );

  await test.step("what is written and not sent, without a server", async () => {
    await openRoom(alice, "Bob");
    await expect(said(alice, spoken.notified)).toBeVisible();
    await homeserver.kill9();
    await write(alice, spoken.pending);
    await expect(said(alice, spoken.pending)).toBeVisible();
    await composer(alice).fill(spoken.draft);
    await leaveRoom(alice);
    await openRoom(alice, "Bob");
    await expect(composer(alice)).toHaveValue(spoken.draft);
  });

  const confidential: Canaries = { ...spoken, ...ofCall, ...secrets };
  await test.step("nothing can be read, neither while all runs nor when all has ended", async () => {
    // The server's own files know the password's hash and the tokens, and must not know what was said.
    expect(await search(homeserver.dataDir, { ...spoken, ...ofCall })).toEqual([]);
    expect(await search(alice.dataDir, confidential)).toEqual([]);
    expect(await search(alice.profileDir, confidential)).toEqual([]);
    expect(await search(alice.dataDir, { inClear })).not.toEqual([]);
    await alice.context.close();
    await alice.host.close();
    expect(await search(alice.dataDir, confidential)).toEqual([]);
    expect(await search(alice.profileDir, confidential)).toEqual([]);
    expect(await search(alice.dataDir, { inClear })).not.toEqual([]);
    // The browser has really kept its profile there.
    expect(await search(alice.profileDir, { address: new URL(alice.host.url).origin })).not.toEqual([]);
  });

  await test.step("it is all there again, and gone after sign-out", async () => {
    await homeserver.restart();
    await using host = await startHostProcess({ dataDir: alice.dataDir });
    const page = await bob.context.newPage();
    const again: Seat = { ...alice, host, page, context: bob.context };
    await page.goto(host.url);
    await openRoom(again, "Bob");
    await expect(composer(again)).toHaveValue(spoken.draft);
    for (const text of [spoken.sent, spoken.received, spoken.notified, spoken.pending])
      await expect(said(again, text)).toBeVisible();
    await expect(said(bob, spoken.pending)).toBeVisible({ timeout: 60_000 });
    const roomId = decodeURIComponent(page.url()).match(/![^/?]+/u)?.[0] ?? "";
    const ids = { roomId, userId: alice.userId };
    for (const [what, id] of Object.entries(ids)) expect(await search(alice.dataDir, { [what]: id })).not.toEqual([]);

    await press(page, "Account: Alice");
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page
      .getByRole("alertdialog")
      .getByRole("button", { name: /^Sign out/u })
      .click();
    await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
    expect(await search(alice.dataDir, { ...confidential, inClear, ...ids })).toEqual([]);
    expect((await filesIn(alice.dataDir)).filter((file) => file.startsWith("accounts"))).toEqual([]);
    await page.close();
  });
});
