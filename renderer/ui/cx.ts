/**
 * Joins class names. Used by every component; it also turns the maybe-undefined lookups of CSS modules into
 * the plain string that the primitives want.
 * Invariant: pure; falsy parts vanish.
 */

/** The class names that are there, separated by spaces. */
export function cx(...parts: readonly (string | false | null | undefined)[]): string {
  return parts.filter(Boolean).join(" ");
}
