/**
 * The host for tray entries that a desktop would bring: owns `org.kde.StatusNotifierWatcher` on the session bus and
 * remembers who registered. Used by display.ts. Invariant: speaks just the D-Bus that this needs, little-endian.
 * spec: freedesktop.org, StatusNotifierItem; D-Bus Specification, "Message Protocol".
 */
import { connect, type Socket } from "node:net";

export interface TrayHost {
  /** Bus names of the entries that were registered. */
  readonly items: readonly string[];
  close(): void;
}

const WATCHER = "org.kde.StatusNotifierWatcher";
const PATH = "/StatusNotifierWatcher";
const METHOD_CALL = 1;
const METHOD_RETURN = 2;
const ERROR = 3;
const SIGNAL = 4;
const FIELD_CODES = {
  path: 1,
  interface: 2,
  member: 3,
  errorName: 4,
  replySerial: 5,
  destination: 6,
  sender: 7,
  signature: 8,
};

type Header = { type: number; serial: number; fields: Map<number, string | number>; body: Buffer };

/** Connects to the bus and takes the name. */
export async function startTrayHost(busAddress: string): Promise<TrayHost> {
  const path = /unix:(?:path|abstract)=([^,;]+)/u.exec(busAddress);
  if (!path?.[1]) throw new Error(`The bus address cannot be used: ${busAddress}`);
  const socket = connect(busAddress.includes("abstract=") ? `\0${path[1]}` : path[1]);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  await authenticate(socket);
  const items: string[] = [];
  let serial = 0;
  const send = (
    type: number,
    fields: [number, string, string | number][],
    signature = "",
    body: Buffer = Buffer.alloc(0),
  ): void => {
    serial += 1;
    socket.write(
      encode(type, serial, signature === "" ? fields : [...fields, [FIELD_CODES.signature, "g", signature]], body),
    );
  };
  const reply = (call: Header, signature = "", body?: Buffer): void => {
    const to = call.fields.get(FIELD_CODES.sender) ?? "";
    send(
      METHOD_RETURN,
      [
        [FIELD_CODES.replySerial, "u", call.serial],
        [FIELD_CODES.destination, "s", to],
      ],
      signature,
      body,
    );
  };
  const callBus = (member: string, signature = "", body?: Buffer): void =>
    send(
      METHOD_CALL,
      [
        [FIELD_CODES.path, "o", "/org/freedesktop/DBus"],
        [FIELD_CODES.interface, "s", "org.freedesktop.DBus"],
        [FIELD_CODES.member, "s", member],
        [FIELD_CODES.destination, "s", "org.freedesktop.DBus"],
      ],
      signature,
      body,
    );
  const answer = (call: Header): void => {
    const member = call.fields.get(FIELD_CODES.member);
    if (member === "RegisterStatusNotifierItem") {
      items.push(String(call.fields.get(FIELD_CODES.sender)));
      reply(call);
      return send(
        SIGNAL,
        [
          [FIELD_CODES.path, "o", PATH],
          [FIELD_CODES.interface, "s", WATCHER],
          [FIELD_CODES.member, "s", "StatusNotifierItemRegistered"],
        ],
        "s",
        writeString(readString(call.body)),
      );
    }
    if (member === "Get") {
      const property = readString(call.body.subarray(align(5 + readString(call.body).length, 4)));
      return reply(call, "v", property === "RegisteredStatusNotifierItems" ? stringsVariant(items) : trueVariant());
    }
    if (member === "GetAll") return reply(call, "a{sv}", Buffer.alloc(8));
    if (member === "RegisterStatusNotifierHost" || member === "Ping") return reply(call);
    const to = call.fields.get(FIELD_CODES.sender) ?? "";
    send(ERROR, [
      [FIELD_CODES.replySerial, "u", call.serial],
      [FIELD_CODES.destination, "s", to],
      [FIELD_CODES.errorName, "s", "org.freedesktop.DBus.Error.UnknownMethod"],
    ]);
  };

  let buffered: Buffer = Buffer.alloc(0);
  const ready = new Promise<void>((resolve) => {
    let returns = 0;
    socket.on("data", (chunk) => {
      buffered = Buffer.concat([buffered, chunk]);
      for (let message = decode(buffered); message; message = decode(buffered)) {
        buffered = buffered.subarray(message.sizeBytes);
        if (message.header.type === METHOD_CALL) answer(message.header);
        // The answers to Hello and RequestName.
        else if (message.header.type === METHOD_RETURN && ++returns === 2) resolve();
      }
    });
  });
  socket.on("error", () => {});
  callBus("Hello");
  callBus("RequestName", "su", Buffer.concat([padTo(writeString(WATCHER), 4), uint32(4)]));
  await ready;
  return { items, close: () => socket.destroy() };
}

async function authenticate(socket: Socket): Promise<void> {
  const uid = Buffer.from(String(process.getuid?.() ?? 0)).toString("hex");
  socket.write(`\0AUTH EXTERNAL ${uid}\r\n`);
  const line = await new Promise<string>((resolve) => socket.once("data", (chunk) => resolve(chunk.toString())));
  if (!line.startsWith("OK")) throw new Error(`The bus refused us: ${line}`);
  socket.write("BEGIN\r\n");
}

function encode(type: number, serial: number, fields: [number, string, string | number][], body: Buffer): Buffer {
  let encoded = Buffer.alloc(0);
  for (const [code, kind, value] of fields) {
    const signature = Buffer.from([code, 1, kind.charCodeAt(0), 0]);
    const data =
      kind === "u"
        ? uint32(Number(value))
        : kind === "g"
          ? Buffer.from([String(value).length, ...Buffer.from(`${value}\0`)])
          : writeString(String(value));
    encoded = Buffer.concat([padTo(encoded, 8), signature, data]);
  }
  const head = Buffer.concat([
    Buffer.from(["l".charCodeAt(0), type, 0, 1]),
    uint32(body.length),
    uint32(serial),
    uint32(encoded.length),
    encoded,
  ]);
  return Buffer.concat([padTo(head, 8), body]);
}

function decode(bytes: Buffer): { header: Header; sizeBytes: number } | undefined {
  if (bytes.length < 16) return undefined;
  const bodyBytes = bytes.readUInt32LE(4);
  const fieldBytes = bytes.readUInt32LE(12);
  const bodyAt = align(16 + fieldBytes, 8);
  if (bytes.length < bodyAt + bodyBytes) return undefined;
  const fields = new Map<number, string | number>();
  for (let at = 16; at < 16 + fieldBytes;) {
    at = align(at, 8);
    const code = bytes[at] ?? 0;
    const kind = String.fromCharCode(bytes[at + 2] ?? 0);
    at += 4;
    if (kind === "u") {
      fields.set(code, bytes.readUInt32LE(at));
      at += 4;
    } else if (kind === "g") {
      const length = bytes[at] ?? 0;
      fields.set(code, bytes.toString("utf8", at + 1, at + 1 + length));
      at += length + 2;
    } else {
      const length = bytes.readUInt32LE(at);
      fields.set(code, bytes.toString("utf8", at + 4, at + 4 + length));
      at += length + 5;
    }
  }
  const header = {
    type: bytes[1] ?? 0,
    serial: bytes.readUInt32LE(8),
    fields,
    body: bytes.subarray(bodyAt, bodyAt + bodyBytes),
  };
  return { header, sizeBytes: bodyAt + bodyBytes };
}

/** Programs ask whether a host is there. */
const trueVariant = (): Buffer => Buffer.from([1, "b".charCodeAt(0), 0, 0, 1, 0, 0, 0]);
function stringsVariant(texts: readonly string[]): Buffer {
  const array = Buffer.concat(texts.map((text) => padTo(writeString(text), 4)));
  const lastPadding = array.length - texts.reduce((at, text) => align(at, 4) + writeString(text).length, 0);
  const signature = Buffer.from("\u0002as\0");
  return Buffer.concat([signature, uint32(array.length - lastPadding), array.subarray(0, array.length - lastPadding)]);
}
const readString = (bytes: Buffer): string =>
  bytes.length < 4 ? "" : bytes.toString("utf8", 4, 4 + bytes.readUInt32LE(0));
const writeString = (text: string): Buffer =>
  Buffer.concat([uint32(Buffer.byteLength(text)), Buffer.from(`${text}\0`)]);
const align = (at: number, to: number): number => Math.ceil(at / to) * to;
const padTo = (bytes: Buffer, to: number): Buffer =>
  Buffer.concat([bytes, Buffer.alloc(align(bytes.length, to) - bytes.length)]);
function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
