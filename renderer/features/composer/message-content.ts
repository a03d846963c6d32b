/**
 * Makes of what was typed what the engine sends: the kind of message, its body, and the users it names.
 * Called by ComposerPane when the user sends. Invariant: what comes out fits the contract's messageContentSchema,
 * or nothing comes out. spec: client-server, "m.emote" and "User and room mentions".
 */
import * as v from "valibot";
import { MAX_BODY_LENGTH, type MessageContent } from "../../../preload/contract/engine-contract.ts";
import { type UserId, userIdSchema } from "../../../preload/contract/ids.ts";

const MAX_MENTIONS = 50;

/** An event may take 65,536 bytes; encrypting makes four bytes of three and adds an envelope. */
const MAX_BODY_BYTES = 45_000;

/** A code unit takes at most three bytes: a text shorter than this is far from any limit, and not worth counting. */
const COUNT_BYTES_FROM_LENGTH = 10_000;

/**
 * A user id in running text: the characters that today's grammar allows in a localpart, a server name or
 * address, and a port. Bounded everywhere, and no part can match what the next one matches.
 */
const USER_ID =
  /(?<![\p{L}\p{N}._%+-])@[a-z0-9._=/+-]{1,250}:(?:\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9.-]{0,228}[a-z0-9])?)(?::[0-9]{1,5})?/giu;

/** The users whose ids stand in the text, each once, at most fifty. */
export function findMentions(text: string): readonly UserId[] {
  const found = new Set<UserId>();
  for (const match of text.matchAll(USER_ID)) {
    const parsed = v.safeParse(userIdSchema, match[0]);
    if (parsed.success) found.add(parsed.output);
    if (found.size === MAX_MENTIONS) break;
  }
  return [...found];
}

/** About how many more characters fit; negative where it is too long. Text of wide characters fills an event sooner. */
export function remainingLength(text: string): number {
  const byLength = MAX_BODY_LENGTH - text.length;
  if (text.length < COUNT_BYTES_FROM_LENGTH) return byLength;
  const sizeBytes = new TextEncoder().encode(text).length;
  return Math.min(byLength, Math.floor(((MAX_BODY_BYTES - sizeBytes) * text.length) / sizeBytes));
}

/** The message for a typed text, or undefined where there is nothing to send or it is too long. */
export function toContent(typed: string): MessageContent | undefined {
  const text = typed.replace(/\r\n?/gu, "\n").trimEnd();
  const isEmote = /^\/me\s/u.test(typed);
  const body = isEmote ? text.slice("/me".length).trim() : text;
  if (body.trim() === "" || remainingLength(body) < 0) return undefined;
  const mentioned = findMentions(body);
  return {
    msgtype: isEmote ? "m.emote" : "m.text",
    body,
    ...(mentioned.length === 0 ? {} : { mentionedUserIds: [...mentioned] }),
  };
}
