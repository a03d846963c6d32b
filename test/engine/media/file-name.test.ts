/** Names under which files are saved, against the rules of three systems. Subject: file-name.ts. */
import fc from "fast-check";
import { posix, win32 } from "node:path";
import { expect, test } from "vitest";
import { safeFileName } from "../../../main/engine/media/file-name.ts";

const devices = ["CON", "prn", "Aux", "NUL", "COM1", "com9", "LPT1", "LPT\u00b2", "CONIN$", "CLOCK$", "COM0"];
const written = [
  "../../.bashrc",
  "..\\..\\Windows\\System32\\evil.dll",
  "/etc/passwd",
  "C:\\autoexec.bat",
  "C:evil",
  "\\\\server\\share\\x",
  "\\\\?\\C:\\x",
  "file.txt:stream",
  "file.txt::$DATA",
  "invoice\u202efdp.exe",
  "photo.jpg\u00a0\u00a0\u00a0\u00a0.exe",
  "a\u0000.png",
  ".htaccess",
  "...",
  "~",
  "~/x",
  "-rf",
  "--version",
  "$HOME",
  "`id`",
  "%APPDATA%",
  "name.",
  "name ",
  "name. . .",
  "desktop.ini ",
  "\ud800lone",
  "\u2215etc\u2215passwd",
  "x".repeat(500),
  `${"\u{1f600}".repeat(200)}.png`,
  "",
  " ",
  "\u200b",
  ...devices,
  ...devices.map((device) => `${device}.txt`),
  ...devices.map((device) => `${device} .tar.gz`),
  ...devices.map((device) => `${device}.`),
];
const hostile = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: "binary", maxLength: 300 }) },
  fc
    .array(fc.constantFrom(...written, "/", "\\", ".", "..", ":", "\u202e", " ", "\u0301", "con", "\ud83d"), {
      maxLength: 6,
    })
    .map((parts) => parts.join("")),
);

/** What the strictest of the systems wants of a name; the reason where it refuses. */
function objection(name: string): string | undefined {
  if (name === "" || name === "." || name === "..") return "no name";
  if (posix.basename(name) !== name || win32.basename(name) !== name) return "a path";
  if (win32.isAbsolute(name) || posix.isAbsolute(name) || win32.parse(name).root !== "") return "a root";
  // eslint-disable-next-line no-control-regex
  if (/[<>:"/\\|?*\u0000-\u001f\u007f-\u009f]/u.test(name)) return "a character of Windows";
  if (/\p{Bidi_Control}|\p{Cf}|\p{Cs}/u.test(name)) return "something invisible";
  if (/^[.\s-]|[.\s]$/u.test(name)) return "an end";
  const stem = name.split(".")[0]?.trimEnd().toUpperCase() ?? "";
  if (
    /^(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|CLOCK\$|COM[0-9\u00b9\u00b2\u00b3]|LPT[0-9\u00b9\u00b2\u00b3])$/u.test(stem)
  )
    return "a device";
  if (Buffer.byteLength(name) > 255) return "too long";
  return undefined;
}

test.each(written)("%j is saved under a name", (name) => {
  expect(objection(safeFileName(name))).toBeUndefined();
});

test("and so is everything else", () => {
  fc.assert(
    fc.property(hostile, (name) => {
      const safe = safeFileName(name);
      expect(objection(safe), JSON.stringify([name, safe])).toBeUndefined();
      expect(safeFileName(safe)).toBe(safe);
    }),
    { numRuns: 2_000 },
  );
});

test("a plain name stays, in any script", () => {
  for (const name of ["Rechnung 2026 (final).pdf", "写真.jpg", "фото_1.png", "a'b, c & d=e.txt", "über.tar.gz"]) {
    expect(safeFileName(name)).toBe(name);
  }
  expect(safeFileName(undefined)).toBe("file");
  expect(safeFileName("invoice\u202efdp.exe")).toBe("invoicefdp.exe");
  expect(safeFileName(`${"x".repeat(300)}.jpeg`)).toMatch(/^x{100,}\.jpeg$/u);
});
