/** Downloads: only what the shell began, and always asked where to. Subject: main/shell/file-saves.ts. */
import { join } from "node:path";
import * as v from "valibot";
import { describe, expect, test, vi } from "vitest";
import { isSaveUrl, openFileSaves } from "../../main/shell/file-saves.ts";
import { MEDIA_BASE } from "../../main/shell/media-request.ts";
import { fileUrl } from "../../preload/contract/file-address.ts";
import { savedFileSchema } from "../../preload/contract/shell-contract.ts";

const saved = v.parse(savedFileSchema, {
  accountId: "a1b2c3d4e5f6g7h8",
  file: { of: "event", roomId: "!r:example.org", eventId: "$e/1", part: "file" },
});
const url = fileUrl(MEDIA_BASE, saved, { toSave: true });

function open() {
  const saves = openFileSaves({ folder: () => "/downloads", log: { warn: () => {} } as never });
  const offer = (address: string) => {
    const preventDefault = vi.fn<() => void>();
    const setSaveDialogOptions = vi.fn<(options: object) => void>();
    saves.onDownload(
      { preventDefault },
      {
        getURL: () => address,

        setSaveDialogOptions,
      },
    );
    return preventDefault.mock.calls.length > 0 ? "stopped" : setSaveDialogOptions.mock.calls[0]?.[0];
  };
  const begun: string[] = [];
  return {
    begin: (address: string, name = "plan.txt") => saves.begin({ url: address, name }, (one) => begun.push(one)),
    offer,
    begun,
  };
}

test("what the shell began is saved once, under a name that the dialog begins with", () => {
  const { begin, offer, begun } = open();
  begin(url);
  expect(begun).toEqual([url]);
  expect(offer(url)).toEqual({ defaultPath: join("/downloads", "plan.txt") });
  expect(offer(url)).toBe("stopped");
});

test("what a page begins is stopped, also at an address that could be saved", () => {
  const { offer } = open();
  for (const address of [url, "https://example.org/x", "blob:app://lattice/1", "app://lattice/index.html", "data:,x"])
    expect(offer(address)).toBe("stopped");
});

test.each(["../../.bashrc", "/etc/passwd", "a/b", "", "."])("the name %j leads nowhere else", (name) => {
  const { begin, offer } = open();
  begin(url, name);
  const options = offer(url) as { defaultPath: string };
  expect(options.defaultPath.startsWith("/downloads")).toBe(true);
});

test("downloads that never come are forgotten, the oldest first", () => {
  const { begin, offer } = open();
  const each = Array.from({ length: 17 }, (_, at) => url.replace("%241", "").replace("?save", `${at}?save`));
  for (const address of each) begin(address);
  expect(offer(each[0] ?? "")).toBe("stopped");
  expect(offer(each[16] ?? "")).not.toBe("stopped");
});

describe("addresses that are not begun", () => {
  test.each([
    url.replace("?save", ""),
    url.replace("?save", "?save=1"),
    `${url}&x`,
    url.replace("file/", "upload/"),
    "lattice-media://evil/file/x?save",
    "https://media/file/x?save",
    "app://lattice/file/x?save",
    "",
  ])("%s", (address) => {
    const { begin, begun } = open();
    begin(address);
    expect([begun, isSaveUrl(address)]).toEqual([[], false]);
  });
});

test.each([
  { ...saved, file: { of: "event", roomId: "../x", eventId: "$e", part: "file" } },
  { ...saved, file: { of: "event", roomId: "!r:example.org", eventId: "$e", part: "../../x" } },
  { ...saved, accountId: "../../x" },
  { url: "https://example.org" },
  "lattice-media://media/file/x?save",
  null,
])("a page cannot ask for %j", (asked) => {
  expect(v.safeParse(savedFileSchema, asked).success).toBe(false);
});
