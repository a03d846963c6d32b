/**
 * Removes the drafts that versions before encryption kept in the page's storage, where anyone with the file can
 * read them. Called once by ComposerPane's module. Invariant: touches no other entry, and never throws.
 */
const PREFIX = "lattice.draft.";

/** Forgets every draft in this storage. */
export function forgetOldDrafts(openStorage: () => Pick<Storage, "length" | "key" | "removeItem">): void {
  try {
    const storage = openStorage();
    const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index));
    for (const key of keys) if (key?.startsWith(PREFIX)) storage.removeItem(key);
  } catch {
    // Forbidden by the browser's settings: then there was never a draft in it.
  }
}
