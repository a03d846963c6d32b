/**
 * Answers a call that the user took outside of the window: by a notification, or in the small window. Called by
 * renderer/app, where routes are followed.
 * Invariant: the media is in the window that asks; where the call is over meanwhile, the account's notices say so.
 */
import type { AccountId, CallId } from "../../../preload/contract/ids.ts";
import type { CallView } from "../../../preload/contract/views.ts";
import { toCommandErrorData } from "../../engine-client/command-error.ts";
import type { EngineClient } from "../../engine-client/engine-client.ts";
import { callNotices } from "./call-notices.ts";

/** Answers; other calls that run end, as they do by the card. */
export function answerCall(
  client: Pick<EngineClient, "call">,
  { accountId, callId, answer }: { accountId: AccountId; callId: CallId; answer: CallView["media"] },
): void {
  client
    .call("calls.answer", { accountId, callId, media: answer })
    .catch((error: unknown) => callNotices.show(accountId, toCommandErrorData(error).message));
}
