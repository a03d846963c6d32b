/**
 * The account's tokens in use: a fresh one for each request, and what to do when the server refuses one.
 * Opened by the homeserver client.
 *   refused → a newer one is there? use it → else refresh (one for all who ask) → else signed out
 * Invariant: new tokens are saved, durably, before their first use, because the old refresh token dies with it;
 * only a homeserver's own word ends a session, never a lost network or a proxy.
 * spec: client-server, "Refreshing access tokens", "Soft logout"; MSC2918.
 */
import type { Clock } from "../base/clock.ts";
import { EngineError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { RefreshReply } from "../matrix/endpoints.ts";
import { SignedOutError } from "./http.ts";

export type Tokens = { accessToken: string; refreshToken?: string; expiresAtMs?: number };

export interface TokenStore {
  /** Undefined where the account is not signed in. */
  current(): Tokens | undefined;
  /** The tokens are on disk when this returns. */
  save(tokens: Tokens): void;
  /** The server has ended the session. `isSoft`: the device and its data are still good. */
  onSignedOut(isSoft: boolean): void;
}

/** A token this close to its end is refreshed before it is used. */
const REFRESH_AHEAD_MS = 60_000;
/** After a failure the token is used up to its end; it is not tried again before this. */
const AHEAD_PAUSE_MS = 60_000;
/** One refused token, one refreshed by someone else, one refreshed here: more rounds mean a server gone mad. */
const MAX_ROUNDS = 4;

export function openTokenKeeper(deps: {
  tokens: TokenStore;
  clock: Clock;
  log: Logger;
  refresh: (refreshToken: string) => Promise<RefreshReply>;
}) {
  const { tokens, clock, log } = deps;
  let refreshing: Promise<void> | undefined;
  let notAheadBeforeMs = -Infinity;

  /** One refresh for all who need it. */
  function refreshOnce(refreshToken: string): Promise<void> {
    refreshing ??= refresh(refreshToken).finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  async function refresh(refreshToken: string): Promise<void> {
    const reply = await deps.refresh(refreshToken);
    // Signed out, or in again, while the request was on its way: what it brought belongs to nobody.
    if (tokens.current()?.refreshToken !== refreshToken) return;
    const kept = reply.refreshToken ?? refreshToken;
    tokens.save({
      accessToken: reply.accessToken,
      refreshToken: kept,
      ...(reply.expiresInMs !== undefined && { expiresAtMs: clock.now() + reply.expiresInMs }),
    });
    // Half a life at least, so that a server of very short lives is not asked before every request.
    notAheadBeforeMs = clock.monotonic() + (reply.expiresInMs ?? 0) / 2;
    log.debug("tokens refreshed");
  }

  async function refreshAhead(current: Tokens): Promise<void> {
    const { refreshToken, expiresAtMs } = current;
    if (refreshToken === undefined || expiresAtMs === undefined) return;
    if (clock.now() < expiresAtMs - REFRESH_AHEAD_MS || clock.monotonic() < notAheadBeforeMs) return;
    try {
      await refreshOnce(refreshToken);
    } catch (error) {
      // The token may be good for a minute yet, and if it is not, the request itself will say so.
      notAheadBeforeMs = clock.monotonic() + AHEAD_PAUSE_MS;
      log.warn("tokens not refreshed ahead of time", { code: error instanceof EngineError ? error.code : undefined });
    }
  }

  /** Refreshes after a refusal; signs out where the homeserver refuses that too. */
  async function recover(current: Tokens, refusal: SignedOutError): Promise<void> {
    if (current.refreshToken === undefined) throw end(current, refusal.isSoft, refusal);
    try {
      await refreshOnce(current.refreshToken);
    } catch (error) {
      if (error instanceof SignedOutError) throw end(current, error.isSoft, error);
      // Refused for another reason: the refresh token is spent or too old. Whether the device is gone, too, only
      // the first refusal knows.
      const isRefused =
        error instanceof EngineError &&
        (error.code === "forbidden" || error.code === "rejected" || error.code === "not-found");
      throw isRefused && error.data.errcode !== "M_USER_LOCKED" ? end(current, refusal.isSoft, refusal) : error;
    }
  }

  function end(refused: Tokens, isSoft: boolean, error: SignedOutError): SignedOutError {
    const now = tokens.current();
    // Told once, and only of the tokens that are in use: not when the user has signed in again meanwhile.
    if (now?.accessToken === refused.accessToken) {
      log.warn("signed out by the server", { isSoft });
      tokens.onSignedOut(isSoft);
    }
    return error.isSoft === isSoft ? error : new SignedOutError(isSoft);
  }

  return {
    /** Runs `request` with a token that is good, refreshing it where it must be. */
    async use<Reply>(request: (accessToken: string) => Promise<Reply>): Promise<Reply> {
      for (let round = 1; ; round += 1) {
        const held = tokens.current();
        if (!held) throw new SignedOutError(true);
        // In order on purpose: a round starts with what the one before has learnt.
        await refreshAhead(held);
        const current = tokens.current();
        if (!current) throw new SignedOutError(true);
        try {
          return await request(current.accessToken);
        } catch (error) {
          if (!(error instanceof SignedOutError)) throw error;
          const newest = tokens.current();
          if (!newest) throw error;
          if (round >= MAX_ROUNDS) throw end(newest, error.isSoft, error);
          if (newest.accessToken === current.accessToken) await recover(current, error);
        }
      }
    },
  };
}
