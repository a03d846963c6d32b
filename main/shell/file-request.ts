/**
 * Files of messages for the page, and files from the page: addresses of the `lattice-media:` scheme that begin with
 * file/ or upload/, see the contract's file-address.ts. Used by media-protocol.ts. Invariants: a file passes in
 * chunks, whatever its size; bytes of a server never become a page or a script; only the app's own page is answered.
 */
import {
  fileHeaders,
  parseFilePath,
  parseOffset,
  parseRange,
  type FileAddress,
} from "../../preload/contract/file-address.ts";
import { appendToFile, readFileRange, statusOf, type AskForFiles } from "../../preload/contract/file-transfer.ts";
import { APP_ORIGIN } from "./app-files.ts";
import { EngineCallError, type EngineLink } from "./engine-client.ts";
import { MEDIA_BASE, mediaHeaders } from "./media-request.ts";

/** Whether the address is one of a file. */
export const isFileUrl = (text: string): boolean => /^(?:file|upload)\//u.test(text.slice(MEDIA_BASE.length));

/** The answer to a request for a file, or for taking a part of one in. Never rejects. */
export async function exchangeFile(request: Request, engine: Pick<EngineLink, "call">): Promise<Response> {
  // A download may take long; it ends with whoever asked for it.
  const ask: AskForFiles = (command, args) =>
    engine.call(command, args, { timeoutMs: Infinity, signal: request.signal });
  try {
    const origin = request.headers.get("origin");
    const url = new URL(request.url);
    const address = request.url.startsWith(MEDIA_BASE) ? parseFilePath(url.pathname.slice(1)) : undefined;
    if (!address || !(origin === null || origin === APP_ORIGIN)) return failure(400);
    if (request.method === "POST") return await takeIn(address, url, request, ask);
    if (request.method !== "GET") return failure(405);
    return await handOut(address, url, request, ask);
  } catch (error) {
    const code = error instanceof EngineCallError ? error.code : "bug";
    return failure(statusOf(code), error instanceof EngineCallError ? { code, message: error.message } : undefined);
  }
}

async function takeIn(address: FileAddress, url: URL, request: Request, ask: AskForFiles): Promise<Response> {
  const { accountId, file } = address;
  const offset = parseOffset(url.searchParams.get("offset"));
  if (file.of !== "upload" || offset === undefined || !request.body) return failure(400);
  const sizeBytes = await appendToFile(ask, { accountId, uploadId: file.uploadId }, offset, request.body);
  return Response.json({ sizeBytes }, { headers: answerHeaders() });
}

async function handOut(address: FileAddress, url: URL, request: Request, ask: AskForFiles): Promise<Response> {
  const { sizeBytes, ...file } = await ask("files.open", address);
  const headers = { ...answerHeaders(), ...fileHeaders(file, { toSave: url.searchParams.has("save") }) };
  const range = parseRange(request.headers.get("range"), sizeBytes);
  if (range === "unsatisfiable")
    return new Response(null, { status: 416, headers: { ...headers, "content-range": `bytes */${sizeBytes}` } });
  const { from, to } = range ?? { from: 0, to: sizeBytes - 1 };
  return new Response(ReadableStream.from(readFileRange(ask, address, { from, to })), {
    status: range ? 206 : 200,
    headers: {
      ...headers,
      "content-length": String(to - from + 1),
      ...(range && { "content-range": `bytes ${from}-${to}/${sizeBytes}` }),
    },
  });
}

const answerHeaders = (): Record<string, string> => ({ ...mediaHeaders(), "cache-control": "no-store" });

const failure = (status: number, error?: { code: string; message: string }): Response =>
  error
    ? Response.json({ error }, { status, headers: answerHeaders() })
    : new Response(null, { status, headers: answerHeaders() });
