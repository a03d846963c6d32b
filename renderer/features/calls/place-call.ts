/**
 * Calls somebody from outside of the room, as from the list of calls. Called by renderer/app.
 * Invariant: what goes wrong is told by the account's notices of calls.
 */
import type { AccountId, RoomId } from "../../../preload/contract/ids.ts";
import type { CallView } from "../../../preload/contract/views.ts";
import { toCommandErrorData } from "../../engine-client/command-error.ts";
import type { EngineClient } from "../../engine-client/engine-client.ts";
import { callNotices } from "./call-notices.ts";

/** Places a call; the window that asks holds its media. */
export function placeCall(
  client: Pick<EngineClient, "call">,
  { accountId, roomId, media }: { accountId: AccountId; roomId: RoomId; media: CallView["media"] },
): void {
  client
    .call("calls.place", { accountId, roomId, media })
    .catch((error: unknown) => callNotices.show(accountId, toCommandErrorData(error).message));
}
