/**
 * One HTTP request and the one reading of its outcome. Called by discovery and by the homeserver client.
 * Invariant: every failure is an EngineError that says what the caller must do next, and only a JSON error of a
 * homeserver changes the state of an account: a page of a hotel's Wi-Fi is `server-error`, whatever its status.
 * No request follows a redirect by itself, reads more than its limit, or outlives its deadlines.
 * spec: client-server, "Standard error response", "Rate limiting".
 */
import type { Clock } from "../base/clock.ts";
import { EngineError } from "../base/errors.ts";
import { findError } from "../matrix/endpoints.ts";

export type HttpDeps = { fetch: typeof fetch; clock: Clock };

export type HttpRequest = {
  method: "GET" | "POST" | "PUT" | "DELETE";
  url: URL;
  /** Sent as JSON. */
  body?: unknown;
  accessToken?: string;
  /** For the answer to begin. */
  timeoutMs: number;
  /** For the answer to end, once it has begun. */
  bodyTimeoutMs?: number;
  maxBytes: number;
  signal?: AbortSignal | undefined;
};

export type HttpAnswer = { status: number; headers: Headers; bytes: Uint8Array<ArrayBuffer> };

/** The server does not know this token (any more). `isSoft`: the device and its data are still good. */
export class SignedOutError extends EngineError {
  readonly isSoft: boolean;
  constructor(isSoft: boolean, errcode = "M_UNKNOWN_TOKEN") {
    super("signed-out", "The server has ended this session. Sign in again to go on.", { errcode });
    this.isSoft = isSoft;
  }
}

/** An answer came, but not one of a homeserver: a sign-in page, a proxy's words, or something endless. */
export class NotMatrixError extends EngineError {}

const CERTIFICATE_CODE =
  /^(?:CERT_|ERR_TLS_CERT|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED_CERT|UNABLE_TO_(?:GET_ISSUER|VERIFY)|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH_EXCEEDED)/u;

/** Sends a request and reads the whole answer, whatever its status. Throws where no whole answer came. */
export async function send(deps: HttpDeps, request: HttpRequest): Promise<HttpAnswer> {
  if (request.signal?.aborted) throw cancelled();
  const deadline = new AbortController();
  const signal = request.signal ? AbortSignal.any([deadline.signal, request.signal]) : deadline.signal;
  let stopTimer = deps.clock.setTimer(request.timeoutMs, () => deadline.abort());
  try {
    const response = await deps.fetch(request.url, {
      method: request.method,
      headers: headersOf(request),
      redirect: "manual",
      signal,
      ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
    });
    stopTimer();
    stopTimer = deps.clock.setTimer(request.bodyTimeoutMs ?? request.timeoutMs, () => deadline.abort());
    return { status: response.status, headers: response.headers, bytes: await readBody(response, request.maxBytes) };
  } catch (error) {
    throw toTransportError(error, request.signal, deadline.signal);
  } finally {
    stopTimer();
  }
}

/** Sends a request and gives the JSON of a good answer; throws for all others. */
export async function requestJson(deps: HttpDeps, request: HttpRequest): Promise<unknown> {
  const answer = await send(deps, request);
  if (answer.status < 200 || answer.status > 299) throw toHttpError(answer, deps.clock.now());
  const json = readJson(answer);
  if (json === undefined) throw notMatrix();
  return json;
}

/** The answer's JSON; undefined where it is none. */
export function readJson(answer: HttpAnswer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(answer.bytes)) as unknown;
  } catch {
    return undefined;
  }
}

/** What an answer outside 200 to 299 means. */
export function toHttpError(answer: HttpAnswer, nowMs: number): EngineError {
  const { status } = answer;
  const body = findError(readJson(answer));
  const retryAfterMs = readRetryAfter(answer.headers.get("retry-after"), nowMs) ?? body?.retryAfterMs;
  const data = { ...(body && { errcode: body.errcode }), ...(retryAfterMs !== undefined && { retryAfterMs }) };
  if (status === 429 || body?.errcode === "M_LIMIT_EXCEEDED") {
    return new EngineError("rate-limited", "The server asks to slow down. Lattice waits and tries again.", data);
  }
  if (status >= 500 || status === 408) {
    return new EngineError("server-error", "The server has a problem right now. Lattice will try again.", data);
  }
  // Without a Matrix error nothing says that a homeserver spoke at all: it may be a proxy or a sign-in page.
  if (!body) return notMatrix();
  switch (body.errcode) {
    case "M_UNKNOWN_TOKEN":
      return status === 401 || status === 403
        ? new SignedOutError(body.isSoftLogout)
        : new EngineError("rejected", REFUSED, data);
    case "M_USER_LOCKED":
      return new EngineError("forbidden", "Your account is locked. Ask the people who run your server.", data);
    case "M_CONSENT_NOT_GIVEN":
      return new EngineError(
        "forbidden",
        "Your server wants you to accept its terms first. Do so on its web page.",
        data,
      );
    case "M_RESOURCE_LIMIT_EXCEEDED":
      return new EngineError("forbidden", "Your server has reached a limit. Ask the people who run it.", data);
    case "M_TOO_LARGE":
      return new EngineError("rejected", "This is too large for your server. Send something smaller.", data);
    default:
  }
  if (status === 403) return new EngineError("forbidden", "The server does not allow this.", data);
  if (status === 404) return new EngineError("not-found", "The server does not know this.", data);
  return new EngineError("rejected", REFUSED, data);
}

const REFUSED = "The server refused this request.";

/** Milliseconds to wait by a Retry-After header, in seconds or as a date; undefined where it says nothing. */
export function readRetryAfter(header: string | null, nowMs: number): number | undefined {
  const text = header?.trim();
  if (!text) return undefined;
  if (/^\d+(?:\.\d+)?$/u.test(text)) return Math.min(Math.ceil(Number(text) * 1_000), Number.MAX_SAFE_INTEGER);
  // Dates only: Date.parse would take "-5" for a year.
  const atMs = /^[A-Za-z]{3}/u.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

function notMatrix(): EngineError {
  return new NotMatrixError(
    "server-error",
    "The answer did not come from your homeserver. If your network has a sign-in page, open it in a browser first.",
  );
}

function headersOf(request: HttpRequest): Record<string, string> {
  return {
    accept: "application/json",
    ...(request.body !== undefined && { "content-type": "application/json" }),
    ...(request.accessToken !== undefined && { authorization: `Bearer ${request.accessToken}` }),
  };
}

/** Counts bytes as they are after decompression, so that a small bomb does not pass as a small body. */
async function readBody(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    // Leaving the loop cancels the stream.
    if (size > maxBytes) {
      throw new NotMatrixError("server-error", "The server's answer is too large. Lattice did not read it.");
    }
    chunks.push(chunk);
  }
  // Memory of its own, not a piece of a shared pool: the bytes may be handed to another thread.
  const bytes = new Uint8Array(size);
  let end = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, end);
    end += chunk.byteLength;
  }
  return bytes;
}

function toTransportError(error: unknown, caller: AbortSignal | undefined, deadline: AbortSignal): EngineError {
  if (error instanceof EngineError) return error;
  if (caller?.aborted) return cancelled();
  if (deadline.aborted) {
    return new EngineError(
      "offline",
      "The server did not answer in time. Check your network connection.",
      {},
      { cause: error },
    );
  }
  if (codesOf(error).some((code) => CERTIFICATE_CODE.test(code))) {
    return new EngineError(
      "certificate",
      "The server's certificate cannot be trusted. Check the address and your clock, or ask the people who run the server.",
      {},
      { cause: error },
    );
  }
  return new EngineError(
    "offline",
    "The server cannot be reached. Check the address and your network connection.",
    {},
    { cause: error },
  );
}

const cancelled = () => new EngineError("cancelled", "Cancelled.");

/** fetch hides the socket's error in a chain of causes. */
function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if ("code" in at && typeof at.code === "string") codes.push(at.code);
  }
  return codes;
}
