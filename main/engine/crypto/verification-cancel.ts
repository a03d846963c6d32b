/**
 * The words for each way in which a verification ends early. Called by verification.ts.
 * Invariant: every code of the specification has words that say what happened and what to do next; a code that
 * is not known gets general ones, and text of the other side is never shown.
 * spec: e2ee, `m.key.verification.cancel`, with the codes of the short authentication string.
 */

/** Ours: the server does not take the messages of this verification. */
export const NOT_SENT = "lattice.not_sent";
/** Ours: both sides were content, and yet there is no signature: it was not stored, or the keys were not all compared. */
export const NOT_SIGNED = "lattice.not_signed";
/** Ours: it was declined on another device of this account. */
export const DECLINED_ELSEWHERE = "lattice.declined_elsewhere";

const MESSAGES = new Map<string, { byUs: string; byThem: string }>([
  [
    "m.user",
    { byUs: "You cancelled this.", byThem: "The other side cancelled. Talk to each other, then start again." },
  ],
  [
    "m.timeout",
    {
      byUs: "This took too long and has ended. Start again when both sides are ready.",
      byThem: "The other side waited too long. Start again when both sides are ready.",
    },
  ],
  [
    "m.unknown_transaction",
    {
      byUs: "The other side spoke of a verification that this device does not know. Start again.",
      byThem: "The other side does not know of this verification any more. Start again.",
    },
  ],
  [
    "m.unknown_method",
    {
      byUs: "Both sides know no common way to verify. Update the other app, then try again.",
      byThem: "The other app cannot verify in this way. Try another way, or update that app.",
    },
  ],
  [
    "m.unexpected_message",
    {
      byUs: "The other side answered out of turn, so this was stopped. Start again.",
      byThem: "Something arrived out of turn at the other side. Start again.",
    },
  ],
  [
    "m.key_mismatch",
    {
      byUs: "The keys are not those that they should be, so nothing was verified. Someone may be listening in: ask each other in another way before you try again.",
      byThem:
        "The other side saw keys that are not those of this device, so nothing was verified. Someone may be listening in: ask each other in another way before you try again.",
    },
  ],
  [
    "m.user_mismatch",
    {
      byUs: "This came from another user than the one to verify, so nothing was verified. Start again.",
      byThem: "The other side expected another user, so nothing was verified. Start again.",
    },
  ],
  [
    "m.invalid_message",
    {
      byUs: "The other side sent something that cannot be read. Start again, or update the other app.",
      byThem: "The other side could not read what this device sent. Start again, or update the other app.",
    },
  ],
  [
    "m.accepted",
    {
      byUs: "Another of your devices has taken this over. Go on there.",
      byThem: "Another of your devices has taken this over. Go on there.",
    },
  ],
  [
    "m.mismatched_commitment",
    {
      byUs: "The other side changed its key half-way, so nothing was verified. Someone may be listening in: try again on another network.",
      byThem:
        "The other side saw a key change half-way, so nothing was verified. Someone may be listening in: try again on another network.",
    },
  ],
  [
    "m.mismatched_sas",
    {
      byUs: "What both sides compared does not fit, so nothing was verified. Someone may be listening in: try again on another network, and trust nothing until it works.",
      byThem:
        "The other side says that what you compared does not fit, so nothing was verified. Someone may be listening in: try again on another network, and trust nothing until it works.",
    },
  ],
  [
    NOT_SENT,
    {
      byUs: "Your server refused a message of this verification. Start again later.",
      byThem: "Your server refused a message of this verification. Start again later.",
    },
  ],
  [
    NOT_SIGNED,
    {
      byUs: "The comparison left no signature on your server, so nothing was verified. Try again; where that does not help, ask each other in another way.",
      byThem:
        "The comparison left no signature on your server, so nothing was verified. Try again; where that does not help, ask each other in another way.",
    },
  ],
  [
    DECLINED_ELSEWHERE,
    {
      byUs: "This was declined on another of your devices.",
      byThem: "This was declined on another of your devices.",
    },
  ],
]);

const UNKNOWN = {
  byUs: "The verification was stopped. Start again.",
  byThem: "The other side stopped for a reason that this app does not know. Start again.",
};

/** What happened and what to do, fit to show. */
export function cancelMessage(code: string, byUs: boolean): string {
  const message = MESSAGES.get(code) ?? UNKNOWN;
  return byUs ? message.byUs : message.byThem;
}
