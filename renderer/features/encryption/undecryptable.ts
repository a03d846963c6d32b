/**
 * Messages that cannot be read, put together by what would mend them. Used by the health page.
 * Invariant: pure; every cause of the contract has exactly one fix, and nothing is offered that would show a
 * message whose sender cannot be trusted.
 */
import type { UndecryptableCause, UndecryptableRow } from "../../../preload/contract/views.ts";

/** The first four are buttons, the others words. */
export type UndecryptableFix =
  | "askAgain"
  | "confirmDevice"
  | "importKeys"
  | "reviewPerson"
  | "senderResends"
  | "senderConfirms"
  | "leave"
  | "update";

const fixes: Readonly<Record<UndecryptableCause, UndecryptableFix>> = {
  "missing-key": "askAgain",
  "key-too-new": "askAgain",
  "sent-before-we-joined": "senderResends",
  "history-without-backup": "importKeys",
  "history-unverified-device": "confirmDevice",
  "withheld-unverified": "confirmDevice",
  withheld: "senderResends",
  "unsigned-device": "senderConfirms",
  "unknown-device": "senderResends",
  "verification-violation": "reviewPerson",
  "mismatched-sender": "leave",
  replayed: "leave",
  "unsupported-algorithm": "update",
  malformed: "senderResends",
};

/** The one fix of a cause. */
export const fixOf = (cause: UndecryptableCause): UndecryptableFix => fixes[cause];

export type UndecryptableGroup = {
  key: string;
  cause: UndecryptableCause;
  fix: UndecryptableFix;
  /** Of one cause, and of one person where the fix is about a person; the newest first, as they came. */
  rows: readonly [UndecryptableRow, ...UndecryptableRow[]];
};

/** The rows by cause, in the order of their newest message. */
export function groupUndecryptable(rows: readonly UndecryptableRow[]): UndecryptableGroup[] {
  const groups = new Map<string, { cause: UndecryptableCause; rows: [UndecryptableRow, ...UndecryptableRow[]] }>();
  for (const row of rows) {
    const key = fixOf(row.cause) === "reviewPerson" ? `${row.cause} ${row.sender.userId}` : row.cause;
    const group = groups.get(key);
    if (group) group.rows.push(row);
    else groups.set(key, { cause: row.cause, rows: [row] });
  }
  return [...groups].map(([key, group]) => ({ key, fix: fixOf(group.cause), ...group }));
}
