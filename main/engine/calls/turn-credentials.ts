/**
 * TurnCredentials: the servers that help two peers to reach each other, kept fresh ahead of any call.
 * Opened by the call service. Invariant: no server is ever named that the user's homeserver did not name.
 * spec: client-server, GET /voip/turnServer.
 */
import type { Clock } from "../base/clock.ts";
import { EngineError, retryPlan } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { IceServer } from "../../../preload/contract/views.ts";

/** What the homeserver gave; `undefined` where it has none. */
export type TurnServer = { urls: readonly string[]; username: string; password: string; ttlSeconds: number };
export type FetchTurnServer = () => Promise<TurnServer | undefined>;

/** Credentials must last this long when a call begins. */
const MIN_LEFT_MS = 600_000;
/** How long an answer of "none" is believed. */
const NONE_MS = 3_600_000;
const OFFLINE_RETRY_MS = 30_000;
/** A call waits no longer than this for credentials: most calls need none. */
const MAX_WAIT_MS = 3_000;
const MIN_REFRESH_MS = 30_000;
const ICE_URL = /^(?:turns?|stuns?):[^\s]+$/u;

export type TurnCredentials = {
  /** The servers, if they are at hand and fresh. */
  current(): IceServer[] | undefined;
  /** The servers; after a short wait for nothing an empty list. */
  wait(): Promise<IceServer[]>;
  /** Fetches now, and from then on whenever the credentials grow old. */
  start(): void;
  close(): void;
};

export function openTurnCredentials(deps: { clock: Clock; log: Logger; fetch: FetchTurnServer }): TurnCredentials {
  const { clock, log } = deps;
  let known: { servers: IceServer[]; untilMs: number } | undefined;
  let fetching: Promise<void> | undefined;
  let stopTimer: (() => void) | undefined;
  let isForbidden = false;
  let isStarted = false;
  let isClosed = false;
  let failures = 0;
  /** No question before this: the server asked for it, or did not answer. */
  let notBeforeMs = 0;

  const current = () => (isForbidden ? [] : known && clock.monotonic() < known.untilMs ? known.servers : undefined);

  const schedule = (delayMs: number) => {
    stopTimer?.();
    stopTimer = undefined;
    if (isStarted && !isClosed && !isForbidden)
      stopTimer = clock.setTimer(Math.max(MIN_REFRESH_MS, delayMs), () => void refresh());
  };

  const refresh = (): Promise<void> => {
    fetching ??= fetchOnce().finally(() => {
      fetching = undefined;
    });
    return fetching;
  };

  const fetchOnce = async (): Promise<void> => {
    try {
      const server = await deps.fetch();
      failures = 0;
      const ttlMs = Math.max(0, server?.ttlSeconds ?? 0) * 1_000;
      const validMs = server ? Math.max(ttlMs - MIN_LEFT_MS, ttlMs / 2) : NONE_MS;
      known = { servers: server ? toIceServers(server) : [], untilMs: clock.monotonic() + validMs };
      schedule(validMs);
    } catch (error) {
      takeFailure(error);
    }
  };

  const takeFailure = (error: unknown): void => {
    const code = error instanceof EngineError ? error.code : "bug";
    if (code === "forbidden") {
      isForbidden = true;
      return;
    }
    if (code === "not-found") {
      known = { servers: [], untilMs: clock.monotonic() + NONE_MS };
      schedule(NONE_MS);
      return;
    }
    log.warn("no TURN credentials", { code });
    const plan = retryPlan(error, failures);
    failures += 1;
    const delayMs = plan.when === "after" ? plan.delayMs : plan.when === "online" ? OFFLINE_RETRY_MS : NONE_MS;
    notBeforeMs = clock.monotonic() + delayMs;
    schedule(delayMs);
  };

  return {
    current,
    async wait() {
      const servers = current();
      if (servers) return servers;
      if (clock.monotonic() < notBeforeMs) return [];
      const { promise: tooLong, resolve } = Promise.withResolvers<void>();
      const stop = clock.setTimer(MAX_WAIT_MS, resolve);
      await Promise.race([refresh(), tooLong]);
      stop();
      return current() ?? [];
    },
    start() {
      if (isStarted) return;
      isStarted = true;
      void refresh();
    },
    close() {
      isClosed = true;
      stopTimer?.();
    },
  };
}

/** A URL that no browser understands would make the whole list unusable. */
function toIceServers({ urls, username, password }: TurnServer): IceServer[] {
  const usable = urls.filter((url) => ICE_URL.test(url));
  return usable.length > 0 ? [{ urls: usable, username, credential: password }] : [];
}
