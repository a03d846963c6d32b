/**
 * Finds the web and mail addresses in a message, and says which messages are nothing but a few emoji.
 * Called by MessageText for every message drawn. The text is a stranger's: every step here is linear in its
 * length, and only http, https and mailto ever become a link.
 * Invariant: the parts, put together, are the text again, character for character.
 */

/** A stretch of the text; `at` is where it begins. */
export type TextPart =
  | { kind: "text"; at: number; text: string }
  | { kind: "link"; at: number; text: string; href: string };

/** Longer addresses stay text: no honest one is longer, and parsing them costs. */
const MAX_LINK_LENGTH = 2_048;
/** Further addresses in one message stay text. */
const MAX_LINKS = 100;

/**
 * One class of characters after a fixed word: nothing to backtrack into. Excluded are spaces, quotes, brackets
 * that wrap addresses, and the invisible characters that change the direction of text.
 */
const CANDIDATE =
  // eslint-disable-next-line no-control-regex -- control characters end an address
  /(?:https?:\/\/|mailto:)[^\s<>"“”«»\u0000-\u001f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+/giu;

const TRAILING = new Set([".", ",", ";", ":", "!", "?", "'", "’", "…", "*", "_", "~", "`", "|"]);
const OPENER: Record<string, string> = { ")": "(", "]": "[", "}": "{" };

function count(text: string, character: string): number {
  let total = 0;
  for (let at = text.indexOf(character); at !== -1; at = text.indexOf(character, at + 1)) total += 1;
  return total;
}

/** Cuts the punctuation of the sentence off the end of an address; a bracket stays where its partner is inside. */
function trimEnd(candidate: string): string {
  const surplus = new Map<string, number>();
  for (const [closer, opener] of Object.entries(OPENER))
    surplus.set(closer, count(candidate, closer) - count(candidate, opener));
  let end = candidate.length;
  for (; end > 0; end -= 1) {
    const last = candidate[end - 1] ?? "";
    const extra = surplus.get(last);
    if (extra !== undefined) {
      if (extra <= 0) break;
      surplus.set(last, extra - 1);
    } else if (!TRAILING.has(last)) break;
  }
  return candidate.slice(0, end);
}

/** The normal form of an address that may be opened, or undefined. */
export function openableUrl(text: string): string | undefined {
  if (text.length > MAX_LINK_LENGTH) return undefined;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return undefined;
  }
  if (url.protocol === "mailto:") return url.pathname.includes("@") ? url.href : undefined;
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  // A name and password before the host exist to make one host look like another.
  return url.hostname === "" || url.username !== "" || url.password !== "" ? undefined : url.href;
}

/** Splits a text into plain parts and links. */
export function findLinks(text: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  let from = 0;
  let links = 0;
  for (const match of text.matchAll(CANDIDATE)) {
    if (links >= MAX_LINKS) break;
    // A word that merely ends like a scheme ("xhttp://") is no address.
    if (match.index > 0 && /[\p{L}\p{N}]/u.test(text[match.index - 1] ?? "")) continue;
    if (match[0].length > 2 * MAX_LINK_LENGTH) continue;
    const address = trimEnd(match[0]);
    const href = openableUrl(address);
    if (href === undefined) continue;
    if (match.index > from) parts.push({ kind: "text", at: from, text: text.slice(from, match.index) });
    parts.push({ kind: "link", at: match.index, text: address, href });
    from = match.index + address.length;
    links += 1;
  }
  if (from < text.length || parts.length === 0) parts.push({ kind: "text", at: from, text: text.slice(from) });
  return parts;
}

const MAX_EMOJI = 8;
/** Eight of the longest family emoji, with spaces between them, stay below this. */
const MAX_EMOJI_TEXT_LENGTH = 200;
const EMOJI = /\p{RGI_Emoji}|\s/gv;

/** True for a text of at most eight emoji and nothing else: it is drawn larger. */
export function isEmojiOnly(text: string): boolean {
  if (text.length === 0 || text.length > MAX_EMOJI_TEXT_LENGTH) return false;
  let emoji = 0;
  const rest = text.replace(EMOJI, (found) => {
    if (found.trim() !== "") emoji += 1;
    return "";
  });
  return rest === "" && emoji > 0 && emoji <= MAX_EMOJI;
}
