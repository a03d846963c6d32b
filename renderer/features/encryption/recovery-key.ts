/**
 * What a recovery key, or a passphrase, looks like to the user: groups to read, a file to keep, rules for a
 * passphrase. Used by the set-up dialogs. spec: e2ee, "Key representation".
 * Invariant: pure; nothing here remembers a key.
 */

const GROUP_LENGTH = 4;
/** Shorter ones are guessed by a machine, whatever they say. */
export const MIN_PASSPHRASE_LENGTH = 12;

/** The key in groups of four, whatever spaces it came with. */
export function groupsOf(recoveryKey: string): string[] {
  return recoveryKey.replaceAll(/\s+/gu, "").match(new RegExp(`.{1,${GROUP_LENGTH}}`, "gu")) ?? [];
}

export type PassphraseProblem = "short" | "differs";

/** What is wrong with a new passphrase, if anything. Letters are counted as the user sees them. */
export function passphraseProblem(passphrase: string, again: string): PassphraseProblem | undefined {
  const letters = new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(passphrase);
  if (Array.from(letters).length < MIN_PASSPHRASE_LENGTH) return "short";
  return passphrase === again ? undefined : "differs";
}
