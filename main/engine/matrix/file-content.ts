/**
 * Contents of messages that carry a file: m.image, m.video, m.audio, m.file and m.sticker. Read by the timeline and
 * by whoever fetches files; written by the file sender.
 * Invariant: a file whose encryption is described in any other way than the specification's reads as none at all:
 * nothing is guessed about keys.
 * spec: client-server, "m.room.message msgtypes", "Sending encrypted attachments", "Extensions to EncryptedFile".
 */
import * as v from "valibot";
import { mxcUriSchema, uploadIdSchema, type UploadId } from "../../../preload/contract/ids.ts";
import { cleanName, clipText } from "./display-name.ts";
import { parseMxcUri } from "./ids.ts";
import type { MxcUri } from "./ids.ts";
import { readCount, readObject, readString, readValue } from "./json.ts";
import type { JsonObject } from "./json.ts";

/** A file that lies on the server as AES-256-CTR ciphertext, and what it takes to read it. */
export type EncryptedFile = {
  mxc: MxcUri;
  /** 32 bytes. */
  key: Uint8Array;
  /** 16 bytes: the first value of the counter. */
  iv: Uint8Array;
  /** 32 bytes: of the ciphertext. */
  sha256: Uint8Array;
};

/** Where the bytes are. */
export type FileSource =
  | { at: "server"; mxc: MxcUri }
  | { at: "server-encrypted"; file: EncryptedFile }
  /** Of a pending event: still here, under this name. */
  | { at: "upload"; uploadId: UploadId };

export type FilePart = {
  source: FileSource;
  /** As the sender says, as all that follows. */
  contentType: string | undefined;
  sizeBytes: number | undefined;
  widthPx: number | undefined;
  heightPx: number | undefined;
};

export type FileContent = FilePart & {
  /** On one line, without path and without anything invisible; never "". */
  name: string;
  /** What is said about the file; undefined where the text is only its name. */
  caption: string | undefined;
  durationMs: number | undefined;
  thumbnail: FilePart | undefined;
};

/** In the content of a pending event: the upload that takes this place when it is sent. Never sent itself. */
export const UPLOAD_KEY = "lattice.upload";
export const THUMBNAIL_UPLOAD_KEY = "lattice.thumbnail_upload";

const MSGTYPES: ReadonlySet<string | undefined> = new Set(["m.image", "m.video", "m.audio", "m.file"]);
const MAX_SIDE_PX = 100_000;
const MAX_DURATION_MS = 1_000 * 3_600 * 24 * 366;
const MAX_NAME_LENGTH = 255;
const CONTENT_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,127}$/u;

/**
 * The file that a message or a sticker carries; undefined where there is none that can be fetched. `isPending`: it is
 * our own and not sent yet, so it may name uploads; nobody else's content may.
 */
export function readFileContent(
  type: string,
  content: JsonObject,
  options: { isPending: boolean } = { isPending: false },
): FileContent | undefined {
  if (type !== "m.sticker" && (type !== "m.room.message" || !MSGTYPES.has(readString(content, "msgtype"))))
    return undefined;
  const { isPending } = options;
  const source = (isPending && readUpload(content, UPLOAD_KEY)) || readSource(content, "file", "url");
  if (!source) return undefined;
  const info = readObject(content, "info") ?? {};
  const thumbnail =
    (isPending && readUpload(info, THUMBNAIL_UPLOAD_KEY)) || readSource(info, "thumbnail_file", "thumbnail_url");
  const body = readString(content, "body") ?? "";
  const fileName = readString(content, "filename");
  return {
    ...readInfo(info),
    source,
    name: cleanFileName(fileName) ?? cleanFileName(body) ?? "file",
    caption: fileName === undefined || fileName === body || body === "" ? undefined : body,
    durationMs: clamped(readCount(info, "duration"), MAX_DURATION_MS),
    thumbnail: thumbnail && { ...readInfo(readObject(info, "thumbnail_info") ?? {}), source: thumbnail },
  };
}

/** `file` is believed before `url`: a description of encryption that makes no sense must not open a way around it. */
function readSource(object: JsonObject, fileKey: string, urlKey: string): FileSource | undefined {
  const described = readValue(object, fileKey);
  if (described !== undefined) {
    const file = parseEncryptedFile(described);
    return file && { at: "server-encrypted", file };
  }
  const mxc = parseMxcUri(readValue(object, urlKey));
  return mxc && { at: "server", mxc };
}

function readUpload(object: JsonObject, key: string): FileSource | undefined {
  const uploadId = v.safeParse(uploadIdSchema, readValue(object, key));
  return uploadId.success ? { at: "upload", uploadId: uploadId.output } : undefined;
}

function readInfo(info: JsonObject): Omit<FilePart, "source"> {
  return {
    contentType: parseContentType(readString(info, "mimetype")),
    sizeBytes: readCount(info, "size"),
    widthPx: clamped(readCount(info, "w"), MAX_SIDE_PX),
    heightPx: clamped(readCount(info, "h"), MAX_SIDE_PX),
  };
}

const clamped = (value: number | undefined, max: number): number | undefined =>
  value === undefined || value === 0 ? undefined : Math.min(value, max);

/** `type/subtype` in lower case, or undefined. */
export function parseContentType(text: string | undefined): string | undefined {
  const essence = text?.slice(0, 1_000).split(";")[0]?.trim().toLowerCase();
  return essence !== undefined && CONTENT_TYPE.test(essence) ? essence : undefined;
}

/** The last part of a path, on one line, without anything that deceives the eye; undefined where nothing is left. */
export function cleanFileName(name: string | undefined): string | undefined {
  const part = name
    ?.slice(-4_096)
    .split(/[/\\]/u)
    .findLast((each) => each.trim() !== "");
  if (part === undefined) return undefined;
  // Where it is too long the end stays: it tells what kind of file it is.
  const ending = part.length > MAX_NAME_LENGTH ? (/\.[^.]{1,16}$/u.exec(part)?.[0] ?? "") : "";
  const cleaned = cleanName(
    part.length > MAX_NAME_LENGTH ? clipText(part, MAX_NAME_LENGTH - ending.length) + ending : part,
  );
  return cleaned === undefined || /^\.+$/u.test(cleaned) ? undefined : cleaned;
}

/** Unpadded base64, which some clients pad, of exactly so many bytes. */
const bytesSchema = (lengthBytes: number, alphabet: "base64" | "base64url") =>
  v.pipe(
    v.string(),
    v.regex(alphabet === "base64" ? /^[A-Za-z0-9+/]+={0,2}$/u : /^[A-Za-z0-9_-]+={0,2}$/u),
    v.maxLength(Math.ceil(lengthBytes / 3) * 4),
    v.transform((text): Uint8Array => Buffer.from(text, alphabet)),
    v.check((bytes) => bytes.byteLength === lengthBytes),
  );

const encryptedFileSchema = v.object({
  v: v.literal("v2"),
  url: mxcUriSchema,
  key: v.object({
    kty: v.literal("oct"),
    alg: v.literal("A256CTR"),
    ext: v.literal(true),
    key_ops: v.pipe(
      v.array(v.string()),
      v.maxLength(10),
      v.check((operations) => operations.includes("encrypt") && operations.includes("decrypt")),
    ),
    k: bytesSchema(32, "base64url"),
  }),
  iv: bytesSchema(16, "base64"),
  hashes: v.object({ sha256: bytesSchema(32, "base64") }),
});

/** An EncryptedFile; undefined where it is not one of version 2, whole and of the right lengths. */
export function parseEncryptedFile(raw: unknown): EncryptedFile | undefined {
  const parsed = v.safeParse(encryptedFileSchema, raw);
  if (!parsed.success) return undefined;
  const { url, key, iv, hashes } = parsed.output;
  return { mxc: url, key: key.k, iv, sha256: hashes.sha256 };
}

/** As it stands in the content of an event. */
export function toEncryptedFileJson(file: EncryptedFile): JsonObject {
  return {
    v: "v2",
    url: file.mxc,
    key: {
      kty: "oct",
      alg: "A256CTR",
      ext: true,
      key_ops: ["encrypt", "decrypt"],
      k: Buffer.from(file.key).toString("base64url"),
    },
    iv: unpadded(file.iv),
    hashes: { sha256: unpadded(file.sha256) },
  };
}

const unpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replace(/=+$/u, "");
