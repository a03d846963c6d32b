/**
 * The rooms' window: its hardening and its place on the screen. Made by index.ts.
 * Invariant: the page is sandboxed, isolated and without Node; it shows only when it has something to show, and a
 * page that crashed is loaded again.
 */
import { BrowserWindow, screen, type WebContents, type WebPreferences } from "electron";
import { shellChannels, type Route } from "../../preload/contract/shell-contract.ts";
import { backoffDelayMs } from "./backoff.ts";
import type { ShellLog } from "./log.ts";
import { PageChannel } from "./page-channel.ts";
import type { SettingsStore } from "./settings.ts";
import { clampBounds, MAIN_WINDOW_SIZE } from "./window-state.ts";

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
  onClosed(): void;
  /** It is there for its page alone, until somebody wants to see it. */
  startsHidden: boolean;
  log: ShellLog;
};

export class MainWindow {
  /** What reaches the page. */
  readonly page: PageChannel;
  readonly #window: BrowserWindow;
  readonly #deps: WindowDeps;
  #crashCount = 0;
  #wantsToShow: boolean;
  #isReady = false;
  #saveTimer: NodeJS.Timeout | undefined;

  constructor(deps: WindowDeps) {
    this.#deps = deps;
    this.#wantsToShow = !deps.startsHidden;
    this.#window = new BrowserWindow({
      ...clampBounds(deps.settings.get("windowBounds"), workAreas()),
      minWidth: MAIN_WINDOW_SIZE.min.width,
      minHeight: MAIN_WINDOW_SIZE.min.height,
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
    this.page = new PageChannel(this.#window, {
      onPageGone: () => deps.onPageGone(),
      onCrash: (reason) => this.#loadAgain(reason),
      log: deps.log,
    });
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
    this.page.post(shellChannels.route, route);
  }

  /** Silences the page while it only rings. */
  setSilent(isSilent: boolean): void {
    if (!this.isGone) this.contents.setAudioMuted(isSilent);
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
      this.#deps.onClosed();
    });
    window.on("focus", () => {
      window.flashFrame(false);
      this.#deps.onFrontChange();
    });
    for (const change of ["blur", "show", "hide", "minimize", "restore"] as const)
      window.on(change as "blur", () => this.#deps.onFrontChange());
  }

  #loadAgain(reason: string): void {
    const delayMs = backoffDelayMs(RELOAD, this.#crashCount++);
    this.#deps.log.warn("the page ended and is loaded again", { reason, delayMs });
    setTimeout(() => {
      if (!this.isGone) this.page.load();
    }, delayMs);
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
