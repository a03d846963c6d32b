/**
 * User-interactive authentication, as far as an engine can do it by itself: the password stage. Used by net/keys.ts.
 * Invariant: a password is sent only in answer to a server that asks for one; without one at hand the caller
 * learns that it is needed, and nothing was changed. spec: client-server, "User-Interactive Authentication API".
 */
import type { UserId } from "../../../preload/contract/ids.ts";
import { EngineError } from "../base/errors.ts";
import { isObject, readArray, readObject, readString } from "../matrix/json.ts";
import { readJson, toHttpError, type HttpAnswer } from "./http.ts";

export type AuthChallenge = { session: string | undefined; canUsePassword: boolean; isRefusal: boolean };

/** What a 401 asks for; undefined where it is none of these challenges. */
export function readChallenge(answer: HttpAnswer): AuthChallenge | undefined {
  if (answer.status !== 401) return undefined;
  const body = readJson(answer);
  if (!isObject(body)) return undefined;
  const flows = readArray(body, "flows");
  if (flows === undefined) return undefined;
  return {
    session: readString(body, "session")?.slice(0, 1_000),
    canUsePassword: flows.some((flow) => {
      const stages = isObject(flow) ? readArray(flow, "stages") : undefined;
      return stages?.length === 1 && stages[0] === "m.login.password";
    }),
    isRefusal: readString(body, "errcode") !== undefined && readObject(body, "completed") === undefined,
  };
}

/**
 * Sends a request, and once more with the password where the server wants it.
 * Throws `password-needed` without a password, `wrong-credentials` where it is refused.
 */
export async function withInteractiveAuth(
  attempt: (auth: object | undefined) => Promise<HttpAnswer>,
  options: { userId: UserId; password: string | undefined; nowMs: number },
): Promise<unknown> {
  let answer = await attempt(undefined);
  const challenge = readChallenge(answer);
  if (challenge) {
    if (!challenge.canUsePassword) {
      throw new EngineError(
        "rejected",
        "Your server wants this confirmed in a browser. Do it on your account's web page, then try again.",
      );
    }
    if (options.password === undefined) {
      throw new EngineError("password-needed", "Your server wants to see your password before it does this.");
    }
    answer = await attempt({
      type: "m.login.password",
      identifier: { type: "m.id.user", user: options.userId },
      password: options.password,
      ...(challenge.session !== undefined && { session: challenge.session }),
    });
    if (readChallenge(answer)) {
      throw new EngineError("wrong-credentials", "This password is wrong. Check it and try again.");
    }
  }
  if (answer.status < 200 || answer.status > 299) throw toHttpError(answer, options.nowMs);
  return readJson(answer);
}
