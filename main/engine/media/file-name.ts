/**
 * safeFileName: the name under which a received file is saved. Used by the answer of `files.open`.
 * Invariant: on every system the result names one file in the folder that the user chose: no path, no device, no
 * hidden file, no stream, nothing that a shell or a file manager reads otherwise than a person does.
 */
import { clipText } from "../matrix/display-name.ts";
import { cleanFileName } from "../matrix/file-content.ts";

const MAX_NAME_BYTES = 200;
/** What Windows forbids in names, and controls of all kinds. The colon also opens an alternate stream. */
const FORBIDDEN = /[<>:"/\\|?*%~$`\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
/** Devices of Windows, with any extension behind them; superscript digits count as digits there. */
const RESERVED = /^(?:con|prn|aux|nul|conin\$|conout\$|clock\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])(?=[\s.]*(?:\.|$))/iu;

/** The name made safe; "file" where nothing is left of it. */
export function safeFileName(name: string | undefined): string {
  const plain = (cleanFileName(name) ?? "")
    .normalize("NFC")
    .replace(FORBIDDEN, "_")
    // A dot or a space at either end hides the file, vanishes on Windows, or stands for a folder.
    .replace(/^[\s.]+|[\s.]+$/gu, "")
    // Names that begin with a dash are read as options by programs.
    .replace(/^-+/u, "_");
  if (plain === "") return "file";
  const named = RESERVED.test(plain) ? `_${plain}` : plain;
  return clipBytes(named, MAX_NAME_BYTES);
}

/** Keeps the last extension; file systems count bytes or UTF-16 units, and both fit then. */
function clipBytes(name: string, maxBytes: number): string {
  if (Buffer.byteLength(name) <= maxBytes) return name;
  const ending = /\.[^.\s]{1,16}$/u.exec(name)?.[0] ?? "";
  let stem = name.slice(0, name.length - ending.length);
  while (Buffer.byteLength(stem) + Buffer.byteLength(ending) > maxBytes) stem = clipText(stem, stem.length - 1);
  return `${stem.replace(/[\s.]+$/u, "")}${ending}`;
}
