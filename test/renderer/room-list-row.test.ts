/** What a row of the room list says of a draft. Subject: renderer/features/room-list/RoomRowView.tsx. */
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { beforeAll, expect, test, vi } from "vitest";
import type { RoomId } from "../../preload/contract/ids.ts";
import type { RoomRow } from "../../preload/contract/views.ts";
import { RoomRowView } from "../../renderer/features/room-list/RoomRowView.tsx";
import { setUpText } from "../../renderer/text/text.ts";

const roomId = "!room:example.org" as RoomId;
const row: RoomRow = {
  key: roomId,
  roomId,
  membership: "join",
  name: "Garden",
  isDirect: false,
  preview: { senderName: "Mira", text: "the beans are ripe", isOwn: false, kind: "text" },
  notificationCount: 0,
  highlightCount: 0,
  isFavourite: false,
  isLowPriority: false,
  isMuted: false,
  typingNames: [],
  hasRunningCall: false,
  hasDraft: true,
};

/** The words under the room's name. */
function lineOf(parts: Partial<RoomRow>, isOpen = false): string | undefined {
  const view = createElement(RoomRowView, {
    row: { ...row, ...parts },
    isOpen,
    isTabStop: false,
    isBusy: false,
    nowMs: 0,
    avatarSrc: undefined,
    onOpen: () => {},
    onAnswerInvite: () => {},
  });
  const words = renderToStaticMarkup(view).replaceAll(/<[^>]*>/gu, "|");
  return words.split("Garden").at(-1)?.replaceAll(/\|+/gu, " ").trim();
}

beforeAll(() => {
  // Choosing the language marks the page with it.
  vi.stubGlobal("document", { documentElement: {} });
  setUpText("en");
  vi.unstubAllGlobals();
});

test("a draft stands before what was said, and alone where nothing was", () => {
  expect(lineOf({})).toBe("Draft Mira: the beans are ripe");
  expect(lineOf({ preview: undefined })).toBe("Draft");
  expect(lineOf({ hasDraft: false })).toBe("Mira: the beans are ripe");
});

test("where somebody types, and in the open room, there is no word of it", () => {
  expect(lineOf({ typingNames: ["Mira"] })).toBe("Mira is typing…");
  expect(lineOf({}, true)).toBe("Mira: the beans are ripe");
});
