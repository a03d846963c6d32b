/**
 * Text files that the user keeps or brings: the recovery key, and key files. Used by the dialogs that save and open.
 * Invariant: what is saved lives in memory only until the browser has taken it, and a file that is too large is
 * never read.
 */

/** As long as the contract takes. */
export const MAX_KEY_FILE_BYTES = 200_000_000;
/** The browser has taken the file by then. */
const RELEASE_AFTER_MS = 60_000;

/** Hands a text to the user as a file; the name loses what no file system takes. */
export function saveTextFile(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = fileNameOf(name);
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), RELEASE_AFTER_MS);
}

/** The name without separators, control characters and marks that turn the direction of writing. */
export function fileNameOf(name: string): string {
  const bare = name
    .replaceAll(/[\p{Cc}\p{Cf}<>:"/\\|?*]/gu, "-")
    .replace(/^[.\s]+/u, "")
    .slice(0, 120)
    .trim();
  return bare === "" ? "Lattice.txt" : bare;
}

const KEY_FILE_HEAD = "-----BEGIN MEGOLM SESSION DATA-----";

/** Whether a text can be a key file at all. spec: e2ee, "Key exports". */
export const isKeyFile = (text: string): boolean => text.slice(0, 1_000).trimStart().startsWith(KEY_FILE_HEAD);
