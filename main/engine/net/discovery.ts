/**
 * Discovery: from what a user types to the base URL of a homeserver. Called before a sign-in.
 *   user id, server name, host:port   → /.well-known/matrix/client → /versions → /login
 *   URL                               → /versions there, else as its server name
 *   anything on this machine          → http, then https, without .well-known
 * Invariant: what is given back has answered as a homeserver over https, or over http on this machine. Nothing
 * here takes longer than its deadlines, whatever the other side does.
 * spec: client-server, "Well-known URI" (IGNORE, FAIL_PROMPT, FAIL_ERROR).
 */
import type { Clock } from "../base/clock.ts";
import { EngineError } from "../base/errors.ts";
import { findVersions, findWellKnownBaseUrl, readLoginFlows } from "../matrix/endpoints.ts";
import { endpointUrl, isLoopback, parseBaseUrl } from "./addresses.ts";
import { NotMatrixError, readJson, requestJson, send } from "./http.ts";
import type { HttpAnswer } from "./http.ts";

export type DiscoveryDeps = { fetch: typeof fetch; clock: Clock; signal?: AbortSignal | undefined };

export type DiscoveredHomeserver = {
  homeserverUrl: string;
  serverName: string;
  canUsePassword: boolean;
  canUseSingleSignOn: boolean;
};

const DEADLINE_MS = 10_000;
const MAX_BYTES = 64 * 1_024;
const MAX_REDIRECTS = 5;

/** Finds the homeserver behind a user id, a server name, host:port, or a URL. */
export async function discoverHomeserver(address: string, deps: DiscoveryDeps): Promise<DiscoveredHomeserver> {
  const target = parseAddress(address);
  const homeserverUrl = await findBaseUrl(target, deps);
  return { homeserverUrl, serverName: target.serverName, ...(await fetchLoginFlows(homeserverUrl, deps)) };
}

type Target = {
  /** `host` or `host:port`, as the user knows it. */
  serverName: string;
  hostname: string;
  /** Set where the user typed a whole URL. */
  typedUrl: string | undefined;
};

function parseAddress(address: string): Target {
  const text = address.trim();
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//iu.test(text);
  if (hasScheme) {
    const typedUrl = parseBaseUrl(text);
    const url = typedUrl === undefined ? undefined : URL.parse(typedUrl);
    if (!url) {
      throw new EngineError(
        "not-a-homeserver",
        "This address cannot be used. Enter one that starts with https://, without a password in it.",
      );
    }
    return { serverName: url.host, hostname: url.hostname, typedUrl };
  }
  const serverName = text.startsWith("@") ? text.slice(text.indexOf(":") + 1) : text;
  const url =
    /^[^\s/\\?#@]+$/u.test(serverName) && (!text.startsWith("@") || text.includes(":"))
      ? URL.parse(`https://${serverName}`)
      : null;
  if (!url || url.hostname === "" || serverName.length > 255) {
    throw new EngineError(
      "not-a-homeserver",
      "This is not the address of a server. Enter something like matrix.example.org.",
    );
  }
  return { serverName: url.host, hostname: url.hostname, typedUrl: undefined };
}

async function findBaseUrl(target: Target, deps: DiscoveryDeps): Promise<string> {
  if (target.typedUrl !== undefined) {
    const isPlain = URL.parse(target.typedUrl)?.pathname === "/";
    const candidates = isPlain && !isLoopback(target.hostname) ? [() => byServerName(target, deps)] : [];
    return firstThatWorks([() => checkVersions(target.typedUrl as string, deps), ...candidates]);
  }
  if (isLoopback(target.hostname)) {
    return firstThatWorks([
      () => checkVersions(`http://${target.serverName}`, deps),
      () => checkVersions(`https://${target.serverName}`, deps),
    ]);
  }
  return byServerName(target, deps);
}

async function byServerName(target: Target, deps: DiscoveryDeps): Promise<string> {
  const found = await fetchWellKnown(target.hostname, deps);
  if (found.outcome === "base-url") return checkVersions(found.baseUrl, deps);
  // The specification would ask the user now; all he could say is where the server is, and here he has named it.
  return firstThatWorks(
    [() => checkVersions(`https://${target.serverName}`, deps)],
    found.outcome === "prompt" ? found.error : undefined,
  );
}

/** Tries one after the other; throws what tells the user most: that something answered, rather than that nothing did. */
async function firstThatWorks(attempts: readonly (() => Promise<string>)[], earlier?: EngineError): Promise<string> {
  const failures: EngineError[] = earlier ? [earlier] : [];
  for (const attempt of attempts) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof EngineError) || error.code === "cancelled" || error.code === "rate-limited") throw error;
      failures.push(error);
    }
  }
  const weight = (error: EngineError) => (error.code === "certificate" ? 2 : error.code === "offline" ? 0 : 1);
  const [worst] = failures.toSorted((a, b) => weight(b) - weight(a));
  throw worst ?? notAHomeserver();
}

type WellKnown =
  | { outcome: "base-url"; baseUrl: string }
  | { outcome: "ignore" }
  | { outcome: "prompt"; error: EngineError };

/** Throws only where discovery must stop: FAIL_ERROR, a certificate that cannot be trusted, or the caller's wish. */
async function fetchWellKnown(hostname: string, deps: DiscoveryDeps): Promise<WellKnown> {
  let answer: HttpAnswer;
  try {
    answer = await followRedirects(new URL(`https://${hostname}/.well-known/matrix/client`), deps);
  } catch (error) {
    if (!(error instanceof EngineError) || error.code === "cancelled" || error.code === "certificate") throw error;
    return { outcome: "prompt", error: error instanceof NotMatrixError ? notAHomeserver(error) : error };
  }
  if (answer.status === 404) return { outcome: "ignore" };
  const written = answer.status === 200 ? findWellKnownBaseUrl(readJson(answer)) : undefined;
  if (written === undefined) return { outcome: "prompt", error: notAHomeserver() };
  const baseUrl = parseBaseUrl(written);
  // A server elsewhere has no business to send us to this machine.
  if (baseUrl === undefined || isLoopback(new URL(baseUrl).hostname)) {
    throw new EngineError(
      "not-a-homeserver",
      "The server's own entry names an address that cannot be used. Ask the people who run it.",
    );
  }
  return { outcome: "base-url", baseUrl };
}

async function followRedirects(start: URL, deps: DiscoveryDeps): Promise<HttpAnswer> {
  const seen = new Set<string>();
  let url = start;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    seen.add(url.href);
    const answer = await send(deps, {
      method: "GET",
      url,
      timeoutMs: DEADLINE_MS,
      maxBytes: MAX_BYTES,
      signal: deps.signal,
    });
    const location = answer.status >= 300 && answer.status <= 399 ? answer.headers.get("location") : null;
    if (location === null) return answer;
    const next = URL.parse(location, url.href);
    if (!next || next.protocol !== "https:" || next.username !== "" || next.password !== "" || seen.has(next.href))
      break;
    url = next;
  }
  throw new EngineError(
    "not-a-homeserver",
    "The server sends us in circles or to an unsafe place. Ask the people who run it.",
  );
}

/** Gives the base URL back once /versions has answered there as a homeserver does. */
async function checkVersions(baseUrl: string, deps: DiscoveryDeps): Promise<string> {
  const versions = findVersions(await fetchJson(baseUrl, "/_matrix/client/versions", deps));
  if (versions === undefined) throw notAHomeserver();
  if (!versions.some((version) => /^(?:r0|v1)\.\d/u.test(version))) {
    throw new EngineError(
      "not-a-homeserver",
      "This homeserver speaks no version of Matrix that Lattice knows. It may be too old.",
    );
  }
  return baseUrl;
}

async function fetchLoginFlows(
  baseUrl: string,
  deps: DiscoveryDeps,
): Promise<{ canUsePassword: boolean; canUseSingleSignOn: boolean }> {
  try {
    return readLoginFlows(await fetchJson(baseUrl, "/_matrix/client/v3/login", deps));
  } catch (error) {
    // A homeserver that leaves sign-in to another service has no such endpoint.
    if (
      error instanceof EngineError &&
      (error.code === "not-found" || error.code === "rejected" || error.code === "forbidden")
    ) {
      return { canUsePassword: false, canUseSingleSignOn: false };
    }
    throw error;
  }
}

async function fetchJson(baseUrl: string, path: `/${string}`, deps: DiscoveryDeps): Promise<unknown> {
  try {
    return await requestJson(deps, {
      method: "GET",
      url: endpointUrl(baseUrl, path),
      timeoutMs: DEADLINE_MS,
      maxBytes: MAX_BYTES,
      signal: deps.signal,
    });
  } catch (error) {
    if (error instanceof NotMatrixError) throw notAHomeserver(error);
    throw error;
  }
}

function notAHomeserver(cause?: EngineError): EngineError {
  return new EngineError(
    "not-a-homeserver",
    "No Matrix homeserver answers at this address. Check it, or ask the people who run the server.",
    {},
    { cause },
  );
}
