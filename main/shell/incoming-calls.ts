/**
 * Which calls the small window shows, and what the user may do with them. Used by incoming-call-window.ts and index.ts.
 * Pure. Invariant: a call that makes no sound by the user's own rules brings up no window; the main window and the
 * notification have it all the same.
 */
import type { AccountId, CallId } from "../../preload/contract/ids.ts";
import type { RingingCall } from "../../preload/contract/shell-contract.ts";
import { isUnderWay, type WatchedCall } from "./calls-watch.ts";

/** One call of one account. */
export const callKey = ({ accountId, callId }: { accountId: AccountId; callId: CallId }): string =>
  `${accountId} ${callId}`;

/** Whether calls ring and none takes place: then all that a page plays is its ringing. */
export const onlyRings = (calls: readonly WatchedCall[]): boolean =>
  calls.some(({ call }) => call.state === "ringing") && !calls.some(({ call }) => isUnderWay(call));

/** Whether the call rings and may be heard, and so may be answered any moment. */
export const ringsAloud = ({ call }: WatchedCall): boolean =>
  call.state === "ringing" && call.direction === "incoming" && call.isAudible;

/** The calls to show, the oldest first. */
export function ringingCalls(
  calls: readonly WatchedCall[],
  { silenced, hidden }: { silenced: ReadonlySet<string>; hidden: ReadonlySet<string> },
): RingingCall[] {
  const isInCall = calls.some(({ call }) => isUnderWay(call));
  return calls
    .filter(ringsAloud)
    .toSorted((one, other) => one.call.startedAtMs - other.call.startedAtMs)
    .map(({ accountId, call }) => ({
      accountId,
      callId: call.callId,
      peer: call.peer,
      media: call.media,
      isEncrypted: call.isEncrypted,
      ...(call.shield === undefined ? {} : { shield: call.shield }),
      // During a call nothing rings aloud.
      isSilenced: isInCall || silenced.has(callKey({ accountId, callId: call.callId })),
      endsCurrentCall: isInCall,
    }))
    .filter((call) => !hidden.has(callKey(call)));
}
