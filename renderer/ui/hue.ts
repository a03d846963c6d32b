/**
 * The colour that belongs to a person or a room: one of eight hues, by a hash of the id.
 * Used by Avatar and by whatever shows a name in its colour, as `data-hue={hueOf(id)}` (see tokens.css).
 * Invariant: the same id has the same hue on every device and in every version.
 */

const HUE_COUNT = 8;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Index of the hue token of this id, 0 to 7. */
export function hueOf(id: string): number {
  let hash = FNV_OFFSET;
  for (let index = 0; index < id.length; index++) {
    hash = Math.imul(hash ^ id.charCodeAt(index), FNV_PRIME) >>> 0;
  }
  return ((hash ^ (hash >>> 16)) >>> 0) % HUE_COUNT;
}
