/**
 * Names that users give themselves and their rooms: cleaned of what deceives the eye, and told apart. Called by
 * the content readers, by the room name and by whoever shows a person.
 * Invariant: no result holds control characters, bidirectional overrides or characters without width, so that
 * two names which look the same are the same string.
 * spec: client-server, "Calculating the display name for a user".
 */

const MAX_NAME_LENGTH = 256;

/** Spaces, line ends and control characters of all kinds: each run reads as one space. */
const BLANKS = /[\p{Cc}\p{Z}\u2800]+/gu;
/** What changes direction or takes no room at all, but for joiners and selectors, which have their own rules. */
const INVISIBLE = /(?!\u200c|\u200d|\ufe0e|\ufe0f)\p{Default_Ignorable_Code_Point}|[\ufff9-\ufffc]/gu;
/** Selectors say how to draw an emoji; beside anything else they do nothing except make names differ. */
const IDLE_SELECTORS = /(?<!\p{Extended_Pictographic})[\ufe0e\ufe0f](?!\u20e3)/gu;
/** Joiners shape emoji and many scripts, but beside these letters they do nothing either. */
const IDLE_JOINERS =
  /(?<=^|[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Nd}\p{P}\p{Z}])[\u200c\u200d]+|[\u200c\u200d]+(?=$|[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Nd}\p{P}\p{Z}])/gu;
const LOOKS_LIKE_USER_ID = /^@[^:]+:./u;

/** The name on one line, without anything invisible, at most 256 characters; undefined where nothing is left. */
export function cleanName(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  // Cut before the work, so that a name of 64 KiB costs no more than a short one.
  const cleaned = name
    .slice(0, MAX_NAME_LENGTH * 4)
    .toWellFormed()
    .replace(INVISIBLE, "")
    .replace(IDLE_SELECTORS, "")
    .replace(BLANKS, " ")
    .replace(IDLE_JOINERS, "")
    .trim();
  return cleaned === "" ? undefined : clipText(cleaned, MAX_NAME_LENGTH);
}

/** The name to show for a user: with the id where another member bears the name, or where it poses as an id. */
export function disambiguateName(displayName: string | undefined, userId: string, isUnique: boolean): string {
  const shownId = cleanName(userId) ?? userId;
  const name = cleanName(displayName);
  if (name === undefined || name === shownId) return shownId;
  return isUnique && !LOOKS_LIKE_USER_ID.test(name) ? name : `${name} (${shownId})`;
}

/** At most `maxLength` code units, never with half a character at the end. */
export function clipText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const end = /[\ud800-\udbff]/u.test(text.charAt(maxLength - 1)) ? maxLength - 1 : maxLength;
  return text.slice(0, end);
}
