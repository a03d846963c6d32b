/**
 * Files of messages for the page, and files from the page: `/media/file/…` and `/media/upload/…`, see the contract's
 * file-address.ts. Used by server.ts, which has made sure that the page of this host asks.
 * Invariants: a file passes in chunks, whatever its size; bytes of a server never become a page or a script; who
 * goes away is not served any further.
 */
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  fileHeaders,
  parseFilePath,
  parseOffset,
  parseRange,
  type FileAddress,
} from "../../preload/contract/file-address.ts";
import { appendToFile, readFileRange, statusOf, type AskForFiles } from "../../preload/contract/file-transfer.ts";
import { EngineCallError, type EngineCaller } from "./engine-caller.ts";
import { mediaHeaders } from "./media.ts";

type FileExchange = {
  url: URL;
  request: IncomingMessage;
  response: ServerResponse;
  /** Of every answer of the host. */
  headers: Readonly<Record<string, string>>;
  caller: EngineCaller;
};

/** Whether the address is one of a file. */
export const isFileUrl = (url: URL): boolean => /^\/media\/(?:file|upload)\//u.test(url.pathname);

/** Answers a request for a file, or takes a part of one in. Never rejects. */
export async function exchangeFile(exchange: FileExchange): Promise<void> {
  const { url, request, response } = exchange;
  const headers = { ...exchange.headers, ...mediaHeaders };
  const leaving = new AbortController();
  response.once("close", () => leaving.abort());
  // A download may take long; it ends with whoever asked for it.
  const ask: AskForFiles = (command, args) =>
    exchange.caller.call(command, args, { signal: leaving.signal, timeoutMs: Infinity });
  try {
    const address = parseFilePath(url.pathname.slice("/media/".length));
    if (!address) return void response.writeHead(400, { ...headers, "content-length": "0" }).end();
    if (request.method === "POST") {
      const reply = await takeIn(address, parseOffset(url.searchParams.get("offset")), request, ask);
      return void response.writeHead(200, { ...headers, ...jsonHeaders }).end(JSON.stringify(reply));
    }
    await handOut(address, { ...exchange, headers, ask, signal: leaving.signal });
  } catch (error) {
    if (response.headersSent || leaving.signal.aborted) return void response.destroy();
    const data = error instanceof EngineCallError ? error.data : notReadable;
    // Unread bytes of a request stand in the way of the next one on the connection.
    response.writeHead(statusOf(data.code), { ...headers, ...jsonHeaders, connection: "close" });
    response.end(JSON.stringify({ error: data }));
  }
}

async function takeIn(
  address: FileAddress,
  offset: number | undefined,
  request: IncomingMessage,
  ask: AskForFiles,
): Promise<{ sizeBytes: number }> {
  const { accountId, file } = address;
  if (file.of !== "upload" || offset === undefined) throw new EngineCallError(notReadable);
  return { sizeBytes: await appendToFile(ask, { accountId, uploadId: file.uploadId }, offset, request) };
}

async function handOut(
  address: FileAddress,
  { url, request, response, headers, ask, signal }: FileExchange & { ask: AskForFiles; signal: AbortSignal },
): Promise<void> {
  const { sizeBytes, ...file } = await ask("files.open", address);
  const answerHeaders = { ...headers, ...fileHeaders(file, { toSave: url.searchParams.has("save") }) };
  const range = parseRange(request.headers.range, sizeBytes);
  if (range === "unsatisfiable") {
    response.writeHead(416, { ...answerHeaders, "content-range": `bytes */${sizeBytes}`, "content-length": "0" }).end();
    return;
  }
  const { from, to } = range ?? { from: 0, to: sizeBytes - 1 };
  response.writeHead(range ? 206 : 200, {
    ...answerHeaders,
    "content-length": String(to - from + 1),
    ...(range && { "content-range": `bytes ${from}-${to}/${sizeBytes}` }),
  });
  if (request.method !== "HEAD") {
    for await (const bytes of readFileRange(ask, address, { from, to })) {
      if (!response.write(bytes)) await once(response, "drain", { signal });
    }
  }
  response.end();
}

const jsonHeaders = { "content-type": "application/json", "cache-control": "no-store" };
const notReadable = { code: "invalid-request", message: "This request for a file cannot be read." } as const;
