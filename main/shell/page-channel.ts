/**
 * What reaches the page of a window of ours, and what keeps that page there: made by window.ts and calls-window.ts for
 * their windows.
 * Invariants: nothing is sent to a page whose preload does not listen; what must not be lost waits for it, in order; a
 * page that is not ours never stays; the title is the shell's.
 */
import type { BrowserWindow } from "electron";
import { shellChannels, type EngineStatus, type ScreenRequest } from "../../preload/contract/shell-contract.ts";
import { APP_ORIGIN, isAppUrl } from "./app-files.ts";
import type { ShellLog } from "./log.ts";

const MAX_WAITING = 10;

export type PageChannelDeps = {
  /** The page is gone, or another in its place: nobody there waits for anything any more. */
  onPageGone(): void;
  /** Its process has ended, and not by our will. */
  onCrash(reason: string): void;
  log: ShellLog;
};

export class PageChannel {
  readonly #window: BrowserWindow;
  readonly #deps: PageChannelDeps;
  #isListening = false;
  #waiting: { channel: string; data: unknown }[] = [];
  #status: EngineStatus = { state: "starting" };

  constructor(window: BrowserWindow, deps: PageChannelDeps) {
    this.#window = window;
    this.#deps = deps;
    this.#listen();
  }

  /** Loads the page; a failure is logged, since the address is our own file. */
  load(): void {
    this.#window
      .loadURL(`${APP_ORIGIN}/index.html`)
      .catch((error: unknown) => this.#deps.log.error("the page cannot be loaded", error));
  }

  /** Sends now, or not at all. */
  tell(channel: string, data: unknown): void {
    if (!this.#window.isDestroyed() && this.#isListening) this.#window.webContents.send(channel, data);
  }

  /** Sends as soon as the page listens; of many that wait the newest are kept. */
  post(channel: string, data: unknown): void {
    if (this.#isListening) this.tell(channel, data);
    else this.#waiting = [...this.#waiting.slice(1 - MAX_WAITING), { channel, data }];
  }

  /** Tells the page how the engine is, now and after every load. */
  setEngineStatus(status: EngineStatus): void {
    this.#status = status;
    this.tell(shellChannels.engineStatus, status);
  }

  /** Tells the page what can be shared, or that it is over. */
  setScreenRequest(request: ScreenRequest): void {
    this.tell(shellChannels.screenSources, request);
  }

  /** To be called when the page's preload is there: it keeps what it gets until the page asks. */
  onPreloadReady(): void {
    this.#isListening = true;
    this.tell(shellChannels.engineStatus, this.#status);
    for (const { channel, data } of this.#waiting.splice(0)) this.tell(channel, data);
  }

  #listen(): void {
    const { webContents } = this.#window;
    // The title is the app's; a page could otherwise write a room's name into the task bar.
    this.#window.on("page-title-updated", (event) => event.preventDefault());
    webContents.on("did-start-navigation", (details) => {
      if (!details.isMainFrame || details.isSameDocument) return;
      this.#isListening = false;
      this.#deps.onPageGone();
    });
    // The one navigation that no guard is asked about is to the empty page.
    webContents.on("did-navigate", (_navigated, url) => {
      if (!isAppUrl(url)) this.load();
    });
    webContents.on("render-process-gone", (_gone, details) => {
      this.#isListening = false;
      this.#deps.onPageGone();
      if (details.reason !== "clean-exit") this.#deps.onCrash(details.reason);
    });
  }
}
