/**
 * Addresses of homeservers: which ones may be used, and how paths are put onto them. Called by discovery and by
 * the homeserver client. Invariant: a base URL is https, or http on this very machine; it holds no credentials,
 * query or fragment; and no id ever becomes a path segment that climbs out of its place.
 */
import { isIP } from "node:net";
import { EngineError } from "../base/errors.ts";

const MAX_URL_LENGTH = 2_048;

/** True for names and addresses that never leave this machine. `hostname` is as URL gives it. */
export function isLoopback(hostname: string): boolean {
  if (hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]") return true;
  return isIP(hostname) === 4 && hostname.startsWith("127.");
}

/** The base URL without slashes at its end, or undefined where it must not be used. */
export function parseBaseUrl(text: string): string | undefined {
  if (text.length > MAX_URL_LENGTH || /[\s\\?#]/u.test(text)) return undefined;
  const url = URL.parse(text);
  if (!url || url.username !== "" || url.password !== "" || url.hostname === "") return undefined;
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) return undefined;
  return `${url.protocol}//${url.host}${url.pathname}`.replace(/\/+$/u, "");
}

/** The URL of an endpoint. Each segment is one part of the path, encoded here. */
export function endpointUrl(
  baseUrl: string,
  prefix: `/${string}`,
  segments: readonly string[] = [],
  query: Record<string, string | number | readonly string[] | undefined> = {},
): URL {
  const url = new URL(`${baseUrl}${prefix}${segments.map((segment) => `/${encodeSegment(segment)}`).join("")}`);
  for (const [key, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? (value as readonly string[]) : [value]) {
      if (each !== undefined) url.searchParams.append(key, String(each));
    }
  }
  return url;
}

function encodeSegment(segment: string): string {
  // The URL parser would resolve dots, even encoded ones; half a character cannot be encoded at all.
  if (/^\.{0,2}$/u.test(segment) || !segment.isWellFormed()) {
    throw new EngineError("rejected", "This cannot be addressed on the server.");
  }
  return encodeURIComponent(segment);
}
