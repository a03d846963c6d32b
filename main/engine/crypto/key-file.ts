/**
 * Key files: room keys in a file, locked with a passphrase, in the format that other clients read and write.
 * Used by parts.ts. Invariants: the MAC is checked over the whole file before one byte of it is decrypted; the
 * passphrase is stretched beside the event loop and the number of rounds that a file asks for is bounded; a
 * file of any size is worked off in steps that let everything else run; one bad key does not stop the others.
 * spec: e2ee, "Key exports".
 */
import { createCipheriv, createDecipheriv, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import type { OlmMachine } from "@matrix-org/matrix-sdk-crypto-wasm";
import { EngineError } from "../base/errors.ts";

const HEAD = "-----BEGIN MEGOLM SESSION DATA-----";
const FOOT = "-----END MEGOLM SESSION DATA-----";
const VERSION = 1;
const SALT_BYTES = 16;
const IV_BYTES = 16;
const MAC_BYTES = 32;
/** Version, salt, IV, rounds. */
const PREFIX_BYTES = 1 + SALT_BYTES + IV_BYTES + 4;
const LINE_CHARACTERS = 128;

/** The specification asks for 100,000 and more. */
const WRITTEN_ROUNDS = 500_000;
/**
 * A file says itself how often its passphrase was stretched. Few rounds only weaken the file that was written
 * with them: whoever has that file and its passphrase shall read it. Many would keep a core busy for minutes.
 */
const MIN_ROUNDS = 1;
export const MAX_ROUNDS = 10_000_000;

const BYTES_PER_SLICE = 1 << 20;
const KEYS_PER_IMPORT = 250;
/** One exported key has about 600 bytes. */
const MAX_KEY_BYTES = 65_536;

export type KeyFileProgress = (doneCount: number) => void;
export type KeyFileOptions = { signal?: AbortSignal | undefined; report?: KeyFileProgress | undefined };

const derive = promisify(pbkdf2);

async function keysOf(
  passphrase: string,
  salt: Uint8Array,
  rounds: number,
): Promise<{ aesKey: Buffer; macKey: Buffer }> {
  const derived = await derive(passphrase, salt, rounds, 64, "sha512");
  return { aesKey: derived.subarray(0, 32), macKey: derived.subarray(32) };
}

/** All room keys of this device as the text of a key file. */
export async function exportKeyFile(
  olm: OlmMachine,
  passphrase: string,
  options: KeyFileOptions = {},
): Promise<{ keyFile: string; keyCount: number }> {
  let keyCount = 0;
  const keys = await olm.exportRoomKeys((session) => {
    session.free();
    keyCount += 1;
    return true;
  });
  return { keyFile: await sealKeys(keys, passphrase, options), keyCount };
}

/** The JSON of exported keys as the text of a key file. */
export async function sealKeys(keys: string, passphrase: string, options: KeyFileOptions = {}): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const iv = randomBytes(IV_BYTES);
  // Bit 63 is zero, so that counters of 64 and of 128 bits count alike.
  iv[8] = (iv[8] ?? 0) & 0x7f;
  const { aesKey, macKey } = await keysOf(passphrase, salt, WRITTEN_ROUNDS);
  const prefix = Buffer.concat([Uint8Array.of(VERSION), salt, iv, uint32(WRITTEN_ROUNDS)]);
  const cipher = createCipheriv("aes-256-ctr", aesKey, iv);
  const hmac = createHmac("sha256", macKey).update(prefix);
  const parts: Buffer[] = [prefix];
  for await (const slice of slices(Buffer.from(keys, "utf8"), options.signal)) {
    const encrypted = cipher.update(slice);
    hmac.update(encrypted);
    parts.push(encrypted);
  }
  parts.push(hmac.digest());
  return armour(Buffer.concat(parts));
}

/**
 * Imports what a key file holds. Throws `rejected` where it is no key file, `wrong-recovery-key` where the
 * passphrase does not fit or the file was changed; nothing is imported then.
 */
export async function importKeyFile(
  olm: OlmMachine,
  keyFile: string,
  passphrase: string,
  options: KeyFileOptions = {},
): Promise<{ importedCount: number; totalCount: number }> {
  const result = { importedCount: 0, totalCount: 0 };
  const splitter = new KeySplitter();
  let waiting: Buffer[] = [];
  for await (const slice of openKeys(keyFile, passphrase, options.signal)) {
    for (const key of splitter.push(slice)) {
      waiting.push(key);
      if (waiting.length < KEYS_PER_IMPORT) continue;
      await take(waiting);
      waiting = [];
    }
  }
  await take(waiting);
  if (!splitter.isComplete) throw notKeys();
  return result;

  async function take(keys: readonly Buffer[]): Promise<void> {
    if (keys.length === 0) return;
    stopIfAborted(options.signal);
    result.importedCount += await importKeys(olm, keys);
    result.totalCount += keys.length;
    options.report?.(result.totalCount);
    await breathe();
  }
}

/** How many of them are now here and were not before. A batch with a bad key in it is halved until that stands alone. */
async function importKeys(olm: OlmMachine, keys: readonly Buffer[]): Promise<number> {
  try {
    const imported = await olm.importExportedRoomKeys(
      `[${keys.map((key) => key.toString("utf8")).join(",")}]`,
      () => {},
    );
    const { importedCount } = imported;
    imported.free();
    return importedCount;
  } catch {
    if (keys.length <= 1) return 0;
    const middle = keys.length >> 1;
    return (await importKeys(olm, keys.slice(0, middle))) + (await importKeys(olm, keys.slice(middle)));
  }
}

/** The decrypted JSON of a key file, in slices. */
export async function* openKeys(keyFile: string, passphrase: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const bytes = unarmour(keyFile);
  if (bytes[0] !== VERSION) throw notAKeyFile();
  const salt = bytes.subarray(1, 1 + SALT_BYTES);
  const iv = bytes.subarray(1 + SALT_BYTES, 1 + SALT_BYTES + IV_BYTES);
  const rounds = bytes.readUInt32BE(1 + SALT_BYTES + IV_BYTES);
  if (rounds < MIN_ROUNDS || rounds > MAX_ROUNDS) {
    throw new EngineError(
      "rejected",
      "This key file asks for an amount of work that no client writes. It was not opened.",
    );
  }
  const { aesKey, macKey } = await keysOf(passphrase, salt, rounds);
  const signed = bytes.subarray(0, -MAC_BYTES);
  const hmac = createHmac("sha256", macKey);
  for await (const slice of slices(signed, signal)) hmac.update(slice);
  if (!timingSafeEqual(hmac.digest(), bytes.subarray(-MAC_BYTES))) {
    throw new EngineError("wrong-recovery-key", "This passphrase does not open the key file, or the file is damaged.");
  }
  const decipher = createDecipheriv("aes-256-ctr", aesKey, iv);
  for await (const slice of slices(signed.subarray(PREFIX_BYTES), signal)) yield decipher.update(slice);
}

/**
 * Cuts the text of a JSON array of objects into the texts of these objects, without parsing them: a key file
 * may have a hundred megabytes, and parsing that at once would stop everything else for a second.
 */
class KeySplitter {
  #state: "start" | "between" | "inside" | "end" = "start";
  #depth = 0;
  #isString = false;
  #isEscaped = false;
  #begun: Buffer[] = [];
  #begunBytes = 0;

  /** The array has begun and ended. */
  get isComplete(): boolean {
    return this.#state === "end";
  }

  /** The objects that end in this slice. Throws `rejected` where the text is no array of objects. */
  *push(slice: Buffer): Generator<Buffer> {
    let from = 0;
    for (let index = 0; index < slice.length; index += 1) {
      const byte = slice[index] ?? 0;
      if (this.#state === "inside") {
        if (!this.#endsObject(byte)) continue;
        yield this.#finish(slice.subarray(from, index + 1));
      } else if (this.#startsObject(byte)) {
        from = index;
      }
    }
    if (this.#state === "inside") this.#keep(slice.subarray(from));
  }

  #startsObject(byte: number): boolean {
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return false;
    if (this.#state === "start" && byte === 0x5b) this.#state = "between";
    else if (this.#state === "between" && byte === 0x5d) this.#state = "end";
    else if (this.#state === "between" && byte === 0x7b) {
      this.#state = "inside";
      this.#depth = 1;
      return true;
    } else if (this.#state !== "between" || byte !== 0x2c) throw notKeys();
    return false;
  }

  #endsObject(byte: number): boolean {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (this.#isString) {
      if (byte === 0x5c) this.#isEscaped = true;
      else if (byte === 0x22) this.#isString = false;
    } else if (byte === 0x22) this.#isString = true;
    else if (byte === 0x7b || byte === 0x5b) this.#depth += 1;
    else if (byte === 0x7d || byte === 0x5d) this.#depth -= 1;
    return this.#depth === 0;
  }

  #keep(part: Buffer): void {
    this.#begunBytes += part.length;
    if (this.#begunBytes > MAX_KEY_BYTES) throw notKeys();
    this.#begun.push(part);
  }

  #finish(part: Buffer): Buffer {
    this.#keep(part);
    const whole = this.#begun.length === 1 ? part : Buffer.concat(this.#begun);
    this.#begun = [];
    this.#begunBytes = 0;
    this.#state = "between";
    return whole;
  }
}

function armour(bytes: Buffer): string {
  const text = bytes.toString("base64");
  const lines = [HEAD];
  for (let at = 0; at < text.length; at += LINE_CHARACTERS) lines.push(text.slice(at, at + LINE_CHARACTERS));
  return `${[...lines, FOOT].join("\n")}\n`;
}

function unarmour(text: string): Buffer {
  const from = text.indexOf(HEAD);
  const to = text.indexOf(FOOT, from + HEAD.length);
  if (from < 0 || to < 0) throw notAKeyFile();
  const bytes = Buffer.from(text.slice(from + HEAD.length, to), "base64");
  if (bytes.length <= PREFIX_BYTES + MAC_BYTES) throw notAKeyFile();
  return bytes;
}

async function* slices(bytes: Buffer, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += BYTES_PER_SLICE) {
    stopIfAborted(signal);
    yield bytes.subarray(at, at + BYTES_PER_SLICE);
    await breathe();
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const notAKeyFile = (): EngineError => new EngineError("rejected", "This is not a file of exported room keys.");
const notKeys = (): EngineError => new EngineError("rejected", "The file opened, but part of it holds no room keys.");

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new EngineError("cancelled", "Cancelled.");
}

/** Lets everything else that waits have its turn. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
