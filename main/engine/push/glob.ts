/**
 * Globs of push rules: `*` for any run of characters, `?` for any one, case ignored. Compiled once for each
 * rule, matched against every event. Invariant: the work is at most (length of text × length of pattern), and
 * for a pattern without wildcards about the length of the text: no pattern and no message makes it explode.
 * spec: client-server, "Push Rules", conditions `event_match` and `contains_display_name`.
 */

/** - `whole`: the pattern covers the text. - `words`: it covers a part that starts and ends at word boundaries. */
export type GlobScope = "whole" | "words";

export type Glob = { pattern: string; scope: GlobScope; hasWildcards: boolean };

/** No rule that a person wrote is longer; ids, which may be the whole pattern, end here too. */
const MAX_PATTERN_LENGTH = 255;

/** A matcher for a pattern with wildcards; undefined where the pattern is too long. */
export function compileGlob(pattern: string, scope: GlobScope): Glob | undefined {
  if (pattern.length > MAX_PATTERN_LENGTH) return undefined;
  // A run of stars says no more than one, and costs a state each.
  const folded = pattern.toLowerCase().replaceAll(/\*+/gu, "*");
  return { pattern: folded, scope, hasWildcards: /[*?]/u.test(folded) };
}

/** A matcher for exactly these characters, stars and all. */
export function compileLiteral(text: string, scope: GlobScope): Glob {
  return { pattern: text.toLowerCase(), scope, hasWildcards: false };
}

/** True where the glob matches the text, as far as its scope says. */
export function matchesGlob(glob: Glob, text: string): boolean {
  const folded = text.toLowerCase();
  if (glob.hasWildcards) return runStates(glob, folded);
  return glob.scope === "whole" ? folded === glob.pattern : hasWords(folded, glob.pattern);
}

/** No words at all are nowhere: a keyword that was left empty must not match every message. */
function hasWords(text: string, words: string): boolean {
  if (words === "") return false;
  for (let at = text.indexOf(words); at !== -1; at = text.indexOf(words, at + 1)) {
    if (canStartAt(text, at) && canEndAt(text, at + words.length)) return true;
  }
  return false;
}

/**
 * Walks the text once, a character at a time, with the set of places that the pattern may have come to. A place
 * at `*` stays while characters pass; whatever stands behind a star may start without one.
 */
function runStates(glob: Glob, text: string): boolean {
  const pattern = Array.from(glob.pattern, (character) => character.codePointAt(0));
  const isWords = glob.scope === "words";
  const end = pattern.length;
  let places: number[] = [];
  let next: number[] = [];
  /** The round in which each place was last added: no place is in a set twice. */
  const addedIn = new Uint32Array(end + 1);
  const add = (set: number[], place: number, round: number): void => {
    for (let at = place; addedIn[at] !== round; at += 1) {
      addedIn[at] = round;
      set.push(at);
      if (pattern[at] !== STAR) return;
    }
  };
  for (let index = 0, round = 1; ; round += 1) {
    if (isWords ? canStartAt(text, index) : index === 0) add(places, 0, round);
    if (addedIn[end] === round && (isWords ? canEndAt(text, index) : index === text.length)) return true;
    const character = text.codePointAt(index);
    if (character === undefined) return false;
    for (const place of places) {
      const wanted = pattern[place];
      if (wanted === STAR) add(next, place, round + 1);
      else if (place < end && (wanted === QUESTION_MARK || wanted === character)) add(next, place + 1, round + 1);
    }
    [places, next] = [next, places];
    next.length = 0;
    index += character > 0xffff ? 2 : 1;
  }
}

const STAR = 0x2a;
const QUESTION_MARK = 0x3f;

const canStartAt = (text: string, index: number): boolean =>
  index === 0 || !isWordCharacter(text.charCodeAt(index - 1));
const canEndAt = (text: string, index: number): boolean =>
  index === text.length || !isWordCharacter(text.charCodeAt(index));

/** Of the letters only those of ASCII, as the specification has it. The text is lower case already. */
function isWordCharacter(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x5f;
}
