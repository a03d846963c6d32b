/**
 * Begins what makes this computer hold a call: placing one, answering one. Used by every view that has a button for it
 * and by the window of calls, which is asked by others.
 * Invariants: the page that holds the media is the one that gives the command, so what is begun is begun once, in the
 * window of calls or, where none can be opened, here; what goes wrong is told by the account's notices of calls.
 */
import { createContext, useContext } from "react";
import type { CallRequest, LatticeHost } from "../../../preload/contract/shell-contract.ts";
import { toCommandErrorData } from "../../engine-client/command-error.ts";
import type { EngineClient } from "../../engine-client/engine-client.ts";
import { useEngineClient } from "../../engine-client/EngineProvider.tsx";
import { dropEarly, openEarly } from "./call-media/early-devices.ts";
import { mediaChoices } from "./call-media/media-choices.ts";
import { callNotices } from "./call-notices.ts";
import { givePrepared } from "./use-call-media.ts";

/** The host, as far as calls are begun by it. */
export type CallHost = Pick<LatticeHost, "openCall">;

/** Without a provider above there is no other window, and every call is held here. */
export const CallHostContext = createContext<CallHost>({ openCall: () => false });

export type BeginCall = (request: CallRequest) => Promise<"here" | "elsewhere">;

/** Begins in the window of calls, or here; says where. Resolves when the command is answered, and never rejects. */
export function useBeginCall(): BeginCall {
  const client = useEngineClient();
  const host = useContext(CallHostContext);
  return async (request) => {
    if (host.openCall(request)) return "elsewhere";
    await beginCallHere(client, request);
    return "here";
  };
}

/** Gives the command from this page, which then holds the media. */
export async function beginCallHere(client: Pick<EngineClient, "call">, request: CallRequest): Promise<void> {
  const { accountId } = request;
  if (request.ask === "show") return;
  // The devices take as long as the engine's answer.
  openEarly(request.media, mediaChoices.snapshot());
  try {
    if (request.ask === "place") {
      const { roomId, media } = request;
      await client.call("calls.place", { accountId, roomId, media });
    } else {
      const { callId, media, otherCalls } = request;
      const prepared = givePrepared(client, callId, media);
      await client.call("calls.answer", {
        accountId,
        callId,
        media,
        ...(otherCalls && { otherCalls }),
        ...(prepared && { prepared }),
      });
    }
  } catch (error) {
    dropEarly();
    callNotices.show(accountId, toCommandErrorData(error).message);
  }
}
