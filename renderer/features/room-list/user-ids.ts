/**
 * User ids as users type them: parsed by the contract's grammar, with the errors in words.
 * Used by the dialogs of this folder. Invariant: what is returned as an id has been parsed.
 */
import * as v from "valibot";
import { userIdSchema } from "../../../preload/contract/ids.ts";
import type { UserId } from "../../../preload/contract/ids.ts";
import type { Text } from "../../text/text.ts";

const MAX_INVITES = 100;

/** The id, or what is wrong with it. */
export function readUserId(t: Text, text: string, ownUserId: UserId): { userId: UserId } | { error: string } {
  const parsed = v.safeParse(userIdSchema, text.trim());
  if (!parsed.success || /\s/u.test(parsed.output)) return { error: t("roomList.userIdInvalid") };
  if (parsed.output === ownUserId) return { error: t("roomList.userIdOwn") };
  return { userId: parsed.output };
}

/** The ids in a text, separated by spaces or commas and each once; or what is wrong with the first bad one. */
export function readUserIds(t: Text, text: string, ownUserId: UserId): { userIds: UserId[] } | { error: string } {
  const userIds = new Set<UserId>();
  for (const word of text.split(/[\s,;]+/u)) {
    if (word === "") continue;
    const parsed = v.safeParse(userIdSchema, word);
    if (!parsed.success) return { error: t("roomList.inviteInvalid", { id: word.slice(0, 64) }) };
    if (parsed.output !== ownUserId) userIds.add(parsed.output);
  }
  if (userIds.size > MAX_INVITES) return { error: t("roomList.inviteTooMany") };
  return { userIds: [...userIds] };
}
