/**
 * What happens when the page asks for a screen: who may ask, what it can choose from, and what it gets. Opened by
 * index.ts, which gives it the session's requests and the page's choices.
 * Invariants: a request is answered exactly once; it is granted only to the main frame of our own page, during a call,
 * with a source that was offered for this very request; a cancel, a page that is gone, a call that is over, a minute
 * without a choice, and a later request all grant nothing. A source's id works once, so none is kept.
 */
import { randomUUID } from "node:crypto";
import type { DesktopCapturer, DesktopCapturerSource, Streams, WebFrameMain } from "electron";
import {
  MAX_SCREEN_SOURCES,
  type ScreenChoice,
  type ScreenRequest,
  type ScreenSource,
} from "../../preload/contract/shell-contract.ts";
import type { ShellLog } from "./log.ts";

const CHOICE_TIMEOUT_MS = 60_000;
const THUMBNAIL_SIZE = { width: 320, height: 180 };
const THUMBNAIL_QUALITY_PERCENT = 70;
const MAX_THUMBNAIL_LENGTH = 200_000;
const MAX_NAME_LENGTH = 200;

/** What Electron asks. */
export type DisplayRequest = {
  frame: WebFrameMain | null;
  securityOrigin: string;
  videoRequested: boolean;
  audioRequested: boolean;
};

/** A page of ours that asks for a screen; what is to be chosen is chosen there. */
export type AskingPage = { setScreenRequest(request: ScreenRequest): void };

export type ScreenShareDeps = {
  getSources: DesktopCapturer["getSources"];
  /** The page of ours whose main frame this is; undefined for all others. */
  pageOf(frame: WebFrameMain): AskingPage | undefined;
  isCallUnderWay(): boolean;
  /** The desktop asks the user itself as soon as the sources are listed; there is nothing left to choose then. */
  hasSystemDialog: boolean;
  canShareSound: boolean;
  isDeniedBySystem(): boolean;
  /** Windows of ours that nobody is to share. */
  ownSourceIds(): readonly string[];
  log: Pick<ShellLog, "warn" | "error">;
};

export interface ScreenShare {
  /** Answers the session's display media request. */
  onRequest(request: DisplayRequest, answer: (streams: Streams | null) => void): void;
  /** Takes what the user chose in our page. */
  onChoice(choice: ScreenChoice): void;
  /** The page is gone, or the call is over: whoever asked gets nothing. */
  cancel(): void;
}

type Pending = {
  requestId: string;
  page: AskingPage;
  /** Empty until the page was told. */
  sources: readonly DesktopCapturerSource[];
  hasSound: boolean;
  settle(streams: Streams | null): void;
};

/** One request at a time. */
export function openScreenShare(deps: ScreenShareDeps): ScreenShare {
  let pending: Pending | undefined;

  const open = (request: DisplayRequest, page: AskingPage, answer: (streams: Streams | null) => void): Pending => {
    const timer = setTimeout(() => entry.settle(null), CHOICE_TIMEOUT_MS);
    const entry: Pending = {
      requestId: randomUUID(),
      page,
      sources: [],
      hasSound: request.audioRequested && deps.canShareSound && !deps.hasSystemDialog,
      settle(streams) {
        if (pending !== entry) return;
        pending = undefined;
        clearTimeout(timer);
        if (!deps.hasSystemDialog) page.setScreenRequest(null);
        try {
          answer(streams);
        } catch (error) {
          // Electron throws where the frame that asked is gone.
          deps.log.error("a request for a screen cannot be answered", error);
        }
      },
    };
    return entry;
  };

  return {
    onRequest(request, answer) {
      const { frame } = request;
      const page = frame ? deps.pageOf(frame) : undefined;
      if (!page || !request.videoRequested || !deps.isCallUnderWay()) {
        deps.log.warn("a request for a screen was refused");
        return answer(null);
      }
      pending?.settle(null);
      const entry = (pending = open(request, page, answer));
      const thumbnailSize = deps.hasSystemDialog ? { width: 0, height: 0 } : THUMBNAIL_SIZE;
      deps.getSources({ types: ["screen", "window"], thumbnailSize }).then(
        (all) => {
          if (pending !== entry) return;
          if (deps.hasSystemDialog) return entry.settle(all[0] ? { video: all[0] } : null);
          const own = new Set(deps.ownSourceIds());
          entry.sources = all.filter((source) => !own.has(source.id)).slice(0, MAX_SCREEN_SOURCES);
          entry.page.setScreenRequest({
            requestId: entry.requestId,
            sources: entry.sources.map(toScreenSource),
            canShareSound: entry.hasSound,
            isDeniedBySystem: deps.isDeniedBySystem(),
          });
        },
        (error: unknown) => {
          // The desktop's own dialog tells a cancel as a failure.
          deps.log.error("the screens cannot be listed", error);
          entry.settle(null);
        },
      );
    },
    onChoice({ requestId, sourceId, withSound }) {
      if (pending?.requestId !== requestId) return;
      const video = pending.sources.find((source) => source.id === sourceId);
      if (!video || !deps.isCallUnderWay()) return pending.settle(null);
      pending.settle({ video, ...(withSound && pending.hasSound ? { audio: "loopback" } : {}) });
    },
    cancel: () => pending?.settle(null),
  };
}

function toScreenSource({ id, name, thumbnail }: DesktopCapturerSource): ScreenSource {
  const picture = thumbnail.isEmpty()
    ? undefined
    : `data:image/jpeg;base64,${thumbnail.toJPEG(THUMBNAIL_QUALITY_PERCENT).toString("base64")}`;
  return {
    id,
    // A title may hold what turns text around, or breaks its line.
    name: name.replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, "").slice(0, MAX_NAME_LENGTH),
    kind: id.startsWith("screen:") ? "screen" : "window",
    ...(picture !== undefined && picture.length <= MAX_THUMBNAIL_LENGTH ? { thumbnail: picture } : {}),
  };
}

/** The first macOS (14.2) whose sound can be captured without a driver; Linux has no way that works everywhere. */
const FIRST_DARWIN_WITH_LOOPBACK = [23, 2] as const;

/** Whether the computer's sound can be shared; `release` is the system's, as Node gives it. */
export function hasLoopback(platform: NodeJS.Platform, release: string): boolean {
  if (platform !== "darwin") return platform === "win32";
  const [major = 0, minor = 0] = release.split(".").map(Number);
  const [firstMajor, firstMinor] = FIRST_DARWIN_WITH_LOOPBACK;
  return major > firstMajor || (major === firstMajor && minor >= firstMinor);
}
