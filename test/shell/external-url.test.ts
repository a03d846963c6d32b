/**
 * The filter before the user's browser: web and mail pass in canonical form, everything that could start a program
 * or hide its target does not.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { externalUrl } from "../../main/shell/external-url.ts";

test.each([
  ["https://example.org", "https://example.org/"],
  ["HTTP://EXAMPLE.org/a?b=c#d", "http://example.org/a?b=c#d"],
  ["https://bücher.example/", "https://xn--bcher-kva.example/"],
  ["mailto:alice@example.org?subject=Hi&body=there", "mailto:alice@example.org?subject=Hi&body=there"],
])("%s passes", (text, url) => {
  expect(externalUrl(text)).toBe(url);
});

const programs = [
  "file",
  "smb",
  "ftp",
  "sftp",
  "ssh",
  "telnet",
  "ldap",
  "jar",
  "view-source",
  "javascript",
  "data",
  "vbscript",
  "blob",
  "about",
  "chrome",
  "devtools",
  "ms-msdt",
  "ms-settings",
  "ms-officecmd",
  "ms-word",
  "ms-excel",
  "ms-appinstaller",
  "search-ms",
  "ms-cxh",
  "ms-gamingoverlay",
  "ms-search",
  "shell",
  "res",
  "steam",
  "slack",
  "zoommtg",
  "vscode",
  "itms-services",
  "tel",
  "sms",
  "facetime",
  "intent",
  "android-app",
  "x-apple.systempreferences",
  "help",
  "man",
  "nfs",
  "dav",
  "webcal",
  "matrix",
  "app",
  "lattice-media",
  "afp",
  "vnc",
  "rdp",
  "hcp",
  "onenote",
  "callto",
  "skype",
  "magnet",
  "irc",
  "gopher",
  "ws",
  "wss",
  "resource",
];
const forms = (scheme: string): string[] => [
  `${scheme}:`,
  `${scheme}:x`,
  `${scheme}://host/path`,
  `${scheme}:///etc/passwd`,
  `${scheme.toUpperCase()}://HOST`,
];
const hostile = [
  ...programs.flatMap(forms),
  ...[
    "\\\\server\\share",
    "//server/share",
    "C:\\Windows\\System32\\calc.exe",
    "/usr/bin/xterm",
    "example.org",
    "",
    "https://",
    "https:",
    "http:///",
    "https://%zz/",
  ],
  ...[
    "java\nscript:alert(1)",
    " javascript:alert(1)",
    "https://exa\tmple.org",
    "https://example.org/\u0000",
    "https://example.org/\u202Egpj.exe",
    "https:\\\\example.org\\x",
  ],
  ...[
    "https://bank.example@evil.example/",
    "https://user:password@example.org/",
    "mailto:a@b.c?attach=/etc/passwd",
    "mailto:a@b.c?Attachment=x",
    "mailto:/etc/passwd",
    "mailto:--attach=/etc/passwd",
  ],
  `https://example.org/${"a".repeat(10_000)}`,
];

test("nothing else passes", () => {
  expect(hostile.length).toBeGreaterThanOrEqual(300);
  expect(hostile.filter((text) => externalUrl(text) !== undefined)).toEqual([]);
});

test("whatever passes is web or mail", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.webUrl()), (text) => {
      const url = externalUrl(text);
      expect(url === undefined || /^(?:https?:\/\/|mailto:)/u.test(url)).toBe(true);
    }),
  );
});
