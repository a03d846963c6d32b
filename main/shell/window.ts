/**
 * The one window: its hardening, its place on the screen, and what reaches its page. Made by index.ts.
 * Invariant: the page is sandboxed, isolated and without Node; it shows only when it has something to show, and a
 * page that crashed is loaded again. Routes wait until the page's preload listens.
 */
import { BrowserWindow, screen, type WebContents, type WebPreferences } from "electron";
import {
  shellChannels,
  type EngineStatus,
  type Route,
  type ScreenRequest,
} from "../../preload/contract/shell-contract.ts";
import { APP_ORIGIN, isAppUrl } from "./app-files.ts";
import { backoffDelayMs } from "./backoff.ts";
import type { ShellLog } from "./log.ts";
import type { SettingsStore } from "./settings.ts";
import { clampBounds, MIN_HEIGHT_PX, MIN_WIDTH_PX } from "./window-state.ts";

const RELOAD = { firstMs: 500, maxMs: 30_000 };
const SAVE_DELAY_MS = 500;

/** How every page of the app is kept: sandboxed, isolated, and without Node. */
export const pagePreferences = (deps: { preloadPath: string; isPackaged: boolean }): WebPreferences => ({
  preload: deps.preloadPath,
  sandbox: true,
  contextIsolation: true,
  nodeIntegration: false,
  nodeIntegrationInWorker: false,
  nodeIntegrationInSubFrames: false,
  webviewTag: false,
  webSecurity: true,
  allowRunningInsecureContent: false,
  experimentalFeatures: false,
  navigateOnDragDrop: false,
  safeDialogs: true,
  spellcheck: false,
  devTools: !deps.isPackaged,
});

export type WindowDeps = {
  preloadPath: string;
  iconPath: string;
  isPackaged: boolean;
  settings: SettingsStore;
  /** True where closing the window only hides it. */
  hidesOnClose(): boolean;
  /** The user looks at the window now, or no longer. */
  onFrontChange(): void;
  /** The page is gone, or another in its place: nobody there waits for anything any more. */
  onPageGone(): void;
  log: ShellLog;
};

export class MainWindow {
  readonly #window: BrowserWindow;
  readonly #deps: WindowDeps;
  #isListening = false;
  #waitingRoutes: Route[] = [];
  #status: EngineStatus = { state: "starting" };
  #crashCount = 0;
  #wantsToShow = true;
  #isReady = false;
  #saveTimer: NodeJS.Timeout | undefined;

  constructor(deps: WindowDeps) {
    this.#deps = deps;
    this.#window = new BrowserWindow({
      ...clampBounds(deps.settings.get("windowBounds"), workAreas()),
      minWidth: MIN_WIDTH_PX,
      minHeight: MIN_HEIGHT_PX,
      show: false,
      title: "Lattice",
      icon: deps.iconPath,
      autoHideMenuBar: true,
      webPreferences: {
        ...pagePreferences(deps),
        // An incoming call has to ring in a window that nobody has clicked yet.
        autoplayPolicy: "no-user-gesture-required",
      },
    });
    if (deps.settings.get("isWindowMaximized")) this.#window.maximize();
    // Maximising shows the window on some systems; it waits for its first picture all the same.
    if (this.#window.isVisible()) this.#window.hide();
    this.#listen();
  }

  get contents(): WebContents {
    return this.#window.webContents;
  }

  get isGone(): boolean {
    return this.#window.isDestroyed();
  }

  /** Whether the user has the window before him. */
  get isInFront(): boolean {
    return !this.isGone && this.#window.isVisible() && this.#window.isFocused() && !this.#window.isMinimized();
  }

  /** Loads the page; a failure is logged, since the address is our own file. */
  load(): void {
    this.#window
      .loadURL(`${APP_ORIGIN}/index.html`)
      .catch((error: unknown) => this.#deps.log.error("the page cannot be loaded", error));
  }

  /** Brings the window to the front. */
  show(): void {
    this.#wantsToShow = true;
    if (!this.#isReady) return;
    if (this.#window.isMinimized()) this.#window.restore();
    this.#window.show();
    this.#window.focus();
  }

  /** Leads the page to a place in the app, as soon as it listens. */
  route(route: Route): void {
    if (this.#isListening) this.contents.send(shellChannels.route, route);
    else this.#waitingRoutes = [...this.#waitingRoutes.slice(-9), route];
  }

  /** Tells the page how the engine is, now and after every load. */
  setEngineStatus(status: EngineStatus): void {
    this.#status = status;
    if (this.#isListening) this.contents.send(shellChannels.engineStatus, status);
  }

  /** Tells the page what can be shared, or that it is over. */
  setScreenRequest(request: ScreenRequest): void {
    if (!this.isGone && this.#isListening) this.contents.send(shellChannels.screenSources, request);
  }

  /** Silences the page while it only rings. */
  setSilent(isSilent: boolean): void {
    if (!this.isGone) this.contents.setAudioMuted(isSilent);
  }

  /** To be called when the page's preload is there: it keeps what it gets until the page asks. */
  onPreloadReady(): void {
    this.#isListening = true;
    this.contents.send(shellChannels.engineStatus, this.#status);
    for (const route of this.#waitingRoutes.splice(0)) this.contents.send(shellChannels.route, route);
  }

  /** A hidden page may be slowed down, except while it holds a call. */
  setCallRuns(runs: boolean): void {
    if (!this.isGone) this.contents.setBackgroundThrottling(!runs);
  }

  /** Lets the user's eye find the window without taking the keyboard from him. */
  demandAttention(wanted: boolean): void {
    if (!this.isGone && (!wanted || !this.#window.isFocused())) this.#window.flashFrame(wanted);
  }

  #listen(): void {
    const window = this.#window;
    window.once("ready-to-show", () => {
      this.#isReady = true;
      if (this.#wantsToShow) window.show();
    });
    window.on("close", (event) => {
      this.#save();
      if (!this.#deps.hidesOnClose()) return;
      event.preventDefault();
      this.#wantsToShow = false;
      window.hide();
    });
    const saveSoon = (): void => {
      clearTimeout(this.#saveTimer);
      this.#saveTimer = setTimeout(() => this.#save(), SAVE_DELAY_MS);
    };
    window.on("resize", saveSoon);
    window.on("move", saveSoon);
    window.on("maximize", saveSoon);
    window.on("unmaximize", saveSoon);
    window.on("closed", () => {
      clearTimeout(this.#saveTimer);
      this.#deps.onPageGone();
      this.#deps.onFrontChange();
    });
    window.on("focus", () => {
      window.flashFrame(false);
      this.#deps.onFrontChange();
    });
    for (const change of ["blur", "show", "hide", "minimize", "restore"] as const)
      window.on(change as "blur", () => this.#deps.onFrontChange());
    // The title is the app's; a page could otherwise write a room's name into the task bar.
    window.on("page-title-updated", (event) => event.preventDefault());
    this.contents.on("did-start-navigation", (details) => {
      if (!details.isMainFrame || details.isSameDocument) return;
      this.#isListening = false;
      this.#deps.onPageGone();
    });
    // The one navigation that no guard is asked about is to the empty page.
    this.contents.on("did-navigate", (_navigated, url) => {
      if (!isAppUrl(url)) this.load();
    });
    this.contents.on("render-process-gone", (_gone, details) => {
      this.#isListening = false;
      this.#deps.onPageGone();
      if (details.reason === "clean-exit") return;
      const delayMs = backoffDelayMs(RELOAD, this.#crashCount++);
      this.#deps.log.warn("the page ended and is loaded again", {
        reason: details.reason,
        delayMs,
      });
      setTimeout(() => {
        if (!this.isGone) this.load();
      }, delayMs);
    });
  }

  #save(): void {
    if (this.isGone || this.#window.isMinimized()) return;
    this.#deps.settings.set("isWindowMaximized", this.#window.isMaximized());
    this.#deps.settings.set("windowBounds", this.#window.getNormalBounds());
  }
}

/** Where windows may stand, the main display first. */
export function workAreas(): Electron.Rectangle[] {
  const primary = screen.getPrimaryDisplay();
  return [primary, ...screen.getAllDisplays().filter((display) => display.id !== primary.id)].map(
    (display) => display.workArea,
  );
}
