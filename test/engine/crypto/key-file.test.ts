/**
 * Key files: OlmMachine reads ours and we read its, and no file, however it was made, does more than be refused.
 */
import { createCipheriv, createHmac, pbkdf2Sync } from "node:crypto";
import { OlmMachine } from "@matrix-org/matrix-sdk-crypto-wasm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exportKeyFile, importKeyFile, MAX_ROUNDS, openKeys, sealKeys } from "../../../main/engine/crypto/key-file.ts";
import { makeRoomKeys, sessionsOf, startCryptoServer, startMachine } from "../../support/crypto-server.ts";

const ROOM = "!room:test";
const PASSPHRASE = "correct horse ☃";

async function withKeys(count: number) {
  const server = startCryptoServer();
  const alice = await startMachine(server, "@alice:test", "A1");
  const bob = await startMachine(server, "@bob:test", "B1");
  const sessions = new Set(await makeRoomKeys(alice, ROOM, count));
  return { alice, bob, sessions };
}

async function read(keyFile: string, passphrase = PASSPHRASE): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of openKeys(keyFile, passphrase)) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

/** A file as any writer could make it. */
function craft(text: string, options: { rounds?: number; claimed?: number; version?: number } = {}): string {
  const rounds = options.rounds ?? 10;
  const salt = Buffer.alloc(16, 1);
  const iv = Buffer.alloc(16, 2);
  const derived = pbkdf2Sync(PASSPHRASE, salt, rounds, 64, "sha512");
  const prefix = Buffer.concat([Uint8Array.of(options.version ?? 1), salt, iv, Buffer.alloc(4)]);
  prefix.writeUInt32BE(options.claimed ?? rounds, 33);
  const signed = Buffer.concat([
    prefix,
    createCipheriv("aes-256-ctr", derived.subarray(0, 32), iv).update(text, "utf8"),
  ]);
  const mac = createHmac("sha256", derived.subarray(32)).update(signed).digest();
  return wrap(Buffer.concat([signed, mac]));
}
const wrap = (bytes: Buffer) =>
  `-----BEGIN MEGOLM SESSION DATA-----\n${bytes.toString("base64")}\n-----END MEGOLM SESSION DATA-----\n`;
const bytesOf = (keyFile: string) => Buffer.from(keyFile.split("\n").slice(1, -2).join(""), "base64");

describe("with OlmMachine as the other client", () => {
  test("it reads what we write, and we read what it writes", async () => {
    const { alice } = await withKeys(3);
    const { keyFile, keyCount } = await exportKeyFile(alice.olm, PASSPHRASE);
    expect(keyCount).toBe(3);
    const exported = await alice.olm.exportRoomKeys(() => true);
    const sort = (text: string) =>
      (JSON.parse(text) as { session_id: string }[]).toSorted((a, b) => a.session_id.localeCompare(b.session_id));
    expect(sort(OlmMachine.decryptExportedRoomKeys(keyFile, PASSPHRASE))).toEqual(sort(exported));
    expect(await read(OlmMachine.encryptExportedRoomKeys(exported, PASSPHRASE, 1_000))).toBe(exported);
  });

  test("keys go from one device to another by either", async () => {
    const { alice, bob, sessions } = await withKeys(30);
    const { keyFile } = await exportKeyFile(alice.olm, PASSPHRASE);
    const seen: number[] = [];
    const result = await importKeyFile(bob.olm, keyFile, PASSPHRASE, { report: (count) => void seen.push(count) });
    expect(result).toEqual({ importedCount: 30, totalCount: 30 });
    expect(seen.at(-1)).toBe(30);
    expect(await sessionsOf(bob)).toEqual(sessions);
    // A second time, there is nothing new in it.
    expect(await importKeyFile(bob.olm, keyFile, PASSPHRASE)).toEqual({ importedCount: 0, totalCount: 30 });
  });

  test("our files have what the specification asks for", async () => {
    const bytes = bytesOf(await sealKeys("[]", PASSPHRASE));
    expect(bytes[0]).toBe(1);
    expect((bytes[1 + 16 + 8] ?? 0) & 0x80).toBe(0);
    expect(bytes.readUInt32BE(33)).toBe(500_000);
    expect(bytes.length).toBe(1 + 16 + 16 + 4 + 2 + 32);
    const other = bytesOf(await sealKeys("[]", PASSPHRASE));
    expect(other.subarray(1, 33)).not.toEqual(bytes.subarray(1, 33));
  });

  test("a device without keys makes a file without keys", async () => {
    const { bob } = await withKeys(0);
    const { keyFile, keyCount } = await exportKeyFile(bob.olm, PASSPHRASE);
    expect(keyCount).toBe(0);
    expect(await importKeyFile(bob.olm, keyFile, PASSPHRASE)).toEqual({ importedCount: 0, totalCount: 0 });
  });
});

test("any text survives, at any size, whatever white space and line ends do to the file", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ minLength: 1, maxLength: 3_000 }), async (text) => {
      const file = craft(text.toWellFormed());
      expect(await read(`before\r\n${file.replaceAll("\n", "\r\n")}after`)).toBe(text.toWellFormed());
    }),
    { numRuns: 50 },
  );
  const long = "0123456789".repeat(500_000);
  expect((await read(craft(long))) === long).toBe(true);
});

describe("keys are found", () => {
  const keyText = async () => {
    const { alice, bob, sessions } = await withKeys(4);
    const keys = JSON.parse(await alice.olm.exportRoomKeys(() => true)) as object[];
    return { bob, sessions, keys };
  };

  test("however the JSON is written", async () => {
    const { bob, sessions, keys } = await keyText();
    const odd = keys.map((key, index) => ({ 'a"}]\\': '"}{][\\"'.repeat(index + 1), nested: [{}, [[]], "☃"], ...key }));
    expect(
      await importKeyFile(
        bob.olm,
        craft(` \n[${odd.map((key) => JSON.stringify(key, undefined, 2)).join(" ,\n")} ] \t`),
        PASSPHRASE,
      ),
    ).toEqual({
      importedCount: 4,
      totalCount: 4,
    });
    expect(await sessionsOf(bob)).toEqual(sessions);
  });

  test("also beside what is no key", async () => {
    const { bob, sessions, keys } = await keyText();
    const bad = [
      {},
      { algorithm: 1 },
      { ...keys[0], session_key: "AAAA" },
      { ...keys[0], room_id: "no room" },
      JSON.parse('{"__proto__":{}}') as object,
    ];
    const mixed = [bad[0], keys[0], bad[1], keys[1], bad[2], bad[3], keys[2], bad[4], keys[3]];
    const result = await importKeyFile(bob.olm, craft(JSON.stringify(mixed)), PASSPHRASE);
    expect(result).toEqual({ importedCount: 4, totalCount: 9 });
    expect(await sessionsOf(bob)).toEqual(sessions);
  });

  test.each([
    "",
    "x",
    "{}",
    "[",
    "[1]",
    '["x"]',
    "[[]]",
    "[{}",
    "[{}]x",
    "null",
    "[null]",
    `[{"a":"${"x".repeat(70_000)}"}]`,
    `[{"a":${"[".repeat(66_000)}`,
  ])("not in what is no list of them: %s", async (text) => {
    const { bob } = await withKeys(0);
    await expect(importKeyFile(bob.olm, craft(text || " "), PASSPHRASE)).rejects.toMatchObject({ code: "rejected" });
  });
});

describe("a file that is refused", () => {
  test("a wrong passphrase, or one changed bit anywhere, imports nothing", async () => {
    const { alice, bob } = await withKeys(1);
    const exported = await alice.olm.exportRoomKeys(() => true);
    const file = craft(exported);
    await expect(importKeyFile(bob.olm, file, "wrong")).rejects.toMatchObject({ code: "wrong-recovery-key" });
    await expect(importKeyFile(bob.olm, file, "")).rejects.toMatchObject({ code: "wrong-recovery-key" });
    const bytes = bytesOf(file);
    for (const position of [1, 20, 36, 37, 100, bytes.length - 33, bytes.length - 32, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[position] = (changed[position] ?? 0) ^ 1;
      await expect(importKeyFile(bob.olm, wrap(changed), PASSPHRASE)).rejects.toMatchObject({
        code: "wrong-recovery-key",
      });
    }
    expect(await sessionsOf(bob)).toEqual(new Set());
    await importKeyFile(bob.olm, file, PASSPHRASE);
    expect((await sessionsOf(bob)).size).toBe(1);
  });

  test.each([
    "",
    "x",
    "-----BEGIN MEGOLM SESSION DATA-----",
    "-----BEGIN MEGOLM SESSION DATA-----\n-----END MEGOLM SESSION DATA-----",
    wrap(Buffer.alloc(69)),
    wrap(Buffer.alloc(70)),
    "A".repeat(1_000_000),
  ])("is no key file at all (%#)", async (file) => {
    const { bob } = await withKeys(0);
    await expect(importKeyFile(bob.olm, file, PASSPHRASE)).rejects.toMatchObject({ code: "rejected" });
  });

  test("a version that we do not know", async () => {
    await expect(read(craft("[]", { version: 2 }))).rejects.toMatchObject({ code: "rejected" });
  });

  test("one round is read, none and 2^32 - 1 are refused at once", async () => {
    expect(await read(craft("[]", { rounds: 1 }))).toBe("[]");
    for (const claimed of [0, MAX_ROUNDS + 1, 2 ** 32 - 1]) {
      await expect(read(craft("[]", { claimed }))).rejects.toMatchObject({ code: "rejected" });
    }
  });
});

test("the passphrase is stretched beside the event loop, and an import can be taken back", async () => {
  const { alice, bob } = await withKeys(600);
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 1);
  const { keyFile } = await exportKeyFile(alice.olm, PASSPHRASE);
  clearInterval(timer);
  expect(turns).toBeGreaterThan(5);
  const ending = new AbortController();
  const importing = importKeyFile(bob.olm, keyFile, PASSPHRASE, {
    signal: ending.signal,
    report: () => ending.abort(),
  });
  await expect(importing).rejects.toMatchObject({ code: "cancelled" });
  const { size } = await sessionsOf(bob);
  expect(size).toBeGreaterThan(0);
  expect(size).toBeLessThan(600);
});
