/**
 * Attention: which room each port's window shows in front of its user. Set by attention.set, read by
 * notifications of every account. Invariant: a port that is gone looks at nothing.
 */
import type { AccountId, RoomId } from "../../../preload/contract/ids.ts";

export function openAttention() {
  const byPort = new Map<number, { accountId: AccountId; roomId: RoomId }>();
  return {
    set(portId: number, looksAt: { accountId: AccountId; roomId: RoomId } | undefined): void {
      if (looksAt) byPort.set(portId, looksAt);
      else byPort.delete(portId);
    },
    isLookedAt: (accountId: AccountId, roomId: RoomId): boolean =>
      [...byPort.values()].some((each) => each.accountId === accountId && each.roomId === roomId),
  };
}
export type Attention = ReturnType<typeof openAttention>;
