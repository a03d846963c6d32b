/**
 * Deep links: every form of the specification becomes its route; hostile ones become nothing, and never a throw.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findLink, parseLink } from "../../main/shell/deep-links.ts";

const good: [string, object][] = [
  ["matrix:r/somewhere:example.org", { to: "alias", alias: "#somewhere:example.org" }],
  [
    "matrix:r/somewhere:example.org?via=example.com&via=elsewhere.ca&action=join",
    { to: "alias", alias: "#somewhere:example.org", via: ["example.com", "elsewhere.ca"] },
  ],
  ["matrix:roomid/somewhere:example.org", { to: "room", roomId: "!somewhere:example.org" }],
  ["matrix:roomid/rDPTq5k0XyzwrRbVwYXqa5zV2NKiyhNHqQ", { to: "room", roomId: "!rDPTq5k0XyzwrRbVwYXqa5zV2NKiyhNHqQ" }],
  ["matrix:roomid/somewhere:example.org/e/event", { to: "room", roomId: "!somewhere:example.org", eventId: "$event" }],
  ["matrix:u/alice:example.org?action=chat", { to: "user", userId: "@alice:example.org" }],
  ["MATRIX:U/alice:example.org", { to: "user", userId: "@alice:example.org" }],
  ["matrix:user/alice:example.org", { to: "user", userId: "@alice:example.org" }],
  ["matrix://authority/u/alice:example.org", { to: "user", userId: "@alice:example.org" }],
  ["matrix:r/caf%C3%A9:example.org#fragment", { to: "alias", alias: "#café:example.org" }],
  ["https://matrix.to/#/#somewhere:example.org", { to: "alias", alias: "#somewhere:example.org" }],
  [
    "https://matrix.to/#/%23somewhere%3Aexample.org?via=a.example",
    { to: "alias", alias: "#somewhere:example.org", via: ["a.example"] },
  ],
  [
    "https://matrix.to/#/!room:example.org/$event:example.org",
    { to: "room", roomId: "!room:example.org", eventId: "$event:example.org" },
  ],
  ["https://www.matrix.to/#/@alice:example.org", { to: "user", userId: "@alice:example.org" }],
];

const schemes = [
  "javascript:",
  "file:///",
  "data:text/html,",
  "vbscript:",
  "about:",
  "chrome:",
  "app://lattice/",
  "http:",
  "https:",
  "ms-settings:",
  "\\\\server\\share",
  "//",
];
const tails = ["alert(1)", "r/a:b", "u/alice:example.org", "matrix:r/a:b", "%00", "..", "?via=x", "#/#a:b"];
const hostile: string[] = [
  ...schemes.flatMap((scheme) => tails.map((tail) => scheme + tail)),
  ...[
    "--inspect=9229",
    "--no-sandbox",
    "--renderer-cmd-prefix=calc",
    "-r",
    "--",
    "--gpu-launcher=cmd",
    "--load-extension=/tmp",
  ],
  ...[
    "matrix:",
    "matrix:/",
    "matrix://",
    "matrix:///",
    "matrix:u",
    "matrix:u/",
    "matrix:u//",
    "matrix:/u/alice:b",
    "matrix:x/alice:b",
    "matrix:__proto__/a:b",
    "matrix:constructor/a:b",
    "matrix:toString/a:b",
  ],
  ...[
    "matrix:u/alice",
    "matrix:r/a",
    "matrix:e/event",
    "matrix:u/alice:b/e/x",
    "matrix:roomid/a:b/e",
    "matrix:roomid/a:b/u/c:d",
    "matrix:roomid/a:b/e/c/e/d",
    "matrix:roomid/a:b/e/c/",
  ],
  ...[
    "matrix:u/%",
    "matrix:u/%zz:b",
    "matrix:u/%00:b",
    "matrix:u/a%00:b",
    "matrix:u/a%0a:b",
    "matrix:u/a%1b:b",
    "matrix:u/%ff%fe:b",
    "matrix:u/%7f:b",
    "matrix:roomid/%0d%0aSet-Cookie:x",
  ],
  ...[
    `matrix:u/${"a".repeat(300)}:b`,
    `matrix:u/${"a".repeat(1_000_000)}:b`,
    `matrix:r/a:b?${"via=x&".repeat(200_000)}`,
    "matrix:".repeat(1_000),
    "/".repeat(5_000),
  ],
  ...[
    "https://matrix.to",
    "https://matrix.to/",
    "https://matrix.to/#/",
    "https://matrix.to/#//",
    "https://matrix.to/#/alice:b",
    "https://matrix.to/#/%",
    "https://matrix.to/#/@alice",
    "https://matrix.to/#/@a:b/@c:d",
    "https://matrix.to/#/@a:b/$e",
  ],
  ...[
    "https://matrix.to.evil.example/#/@a:b",
    "https://evil.example/https://matrix.to/#/@a:b",
    "https://matrix.to@evil.example/#/@a:b",
    "http://matrix.to/#/@a:b",
    "https://matrix.to:99/#/@a:b",
    " https://matrix.to/#/@a:b",
    "https://matrix.to/#/%00@a:b",
  ],
  ...[
    "",
    " ",
    "\0",
    "\n",
    "null",
    "undefined",
    "[object Object]",
    "matrix",
    "matrix;u/a:b",
    "ｍatrix:u/a:b",
    "matrix :u/a:b",
    "\u202ematrix:u/a:b",
  ],
  ...Array.from({ length: 60 }, (_, index) => `matrix:${String.fromCodePoint(index + 1)}/alice:example.org`).filter(
    (link) => !/matrix:u/iu.test(link),
  ),
];

describe("parseLink", () => {
  test.each(good)("%s", (link, route) => {
    expect(parseLink(link)).toEqual(route);
  });

  test("hostile links lead nowhere", () => {
    expect(hostile.length).toBeGreaterThanOrEqual(200);
    expect(hostile.filter((link) => parseLink(link) !== undefined)).toEqual([]);
  });

  test("servers that are none are left out, and no more than five are kept", () => {
    const link = `matrix:r/a:b?via=ok.example&via=%3Cscript%3E&via=a/b&${Array.from({ length: 9 }, (_, n) => `via=s${n}.example`).join("&")}`;
    expect(parseLink(link)).toEqual({
      to: "alias",
      alias: "#a:b",
      via: ["ok.example", "s0.example", "s1.example", "s2.example", "s3.example"],
    });
  });

  test("no text makes it throw", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.webUrl(),
          fc.string().map((rest) => `matrix:${rest}`),
          fc.string().map((rest) => `https://matrix.to/#/${rest}`),
        ),
        (text) => {
          parseLink(text);
        },
      ),
    );
  });
});

describe("findLink", () => {
  test("finds the link among switches and paths", () => {
    expect(findLink(["/opt/lattice", "--no-sandbox", "matrix:u/alice:example.org", "matrix:u/bob:example.org"])).toBe(
      "matrix:u/alice:example.org",
    );
    expect(
      findLink(["--url=matrix:u/alice:example.org", "/home/matrix:u", "-matrix:u/a:b", "x".repeat(100_000)]),
    ).toBeUndefined();
  });
});
