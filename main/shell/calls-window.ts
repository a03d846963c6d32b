/**
 * The window of calls: one for all, which goes on whatever becomes of the rooms' window. Made by index.ts, fed by the
 * calls' watch and by what pages, notifications and the small window of a ringing call ask for.
 * Invariants: each request reaches the page once; while a call rings the page is loaded already, hidden, and it goes
 * again when nobody asked for it; closing the window hangs up, since what is unseen must not go on listening.
 */
import { BrowserWindow, screen, type WebContents } from "electron";
import { shellChannels, type CallRequest, type EngineStatus } from "../../preload/contract/shell-contract.ts";
import type { CallsWatch } from "./calls-watch.ts";
import { ringsAloud } from "./incoming-calls.ts";
import type { ShellLog } from "./log.ts";
import { PageChannel } from "./page-channel.ts";
import type { SettingsStore } from "./settings.ts";
import { pagePreferences, workAreas } from "./window.ts";
import { CALLS_WINDOW_SIZE, clampBounds, placeCompact } from "./window-state.ts";

const SAVE_DELAY_MS = 500;
/** The ground of a call, before the page has drawn it. */
const GROUND = "#070a0f";

export type CallsWindowDeps = {
  preloadPath: string;
  iconPath: string;
  isPackaged: boolean;
  settings: SettingsStore;
  calls: CallsWatch;
  /** From then on no window is opened, which would keep the app alive. */
  isQuitting(): boolean;
  /** The user closed the window: what takes place there ends. */
  hangUp(): void;
  /** The user looks at the window now, or no longer. */
  onFrontChange(): void;
  /** Nobody there waits for anything any more. */
  onPageGone(): void;
  log: ShellLog;
};

type Open = { window: BrowserWindow; page: PageChannel };

export class CallsWindow {
  readonly #deps: CallsWindowDeps;
  #open: Open | undefined;
  #status: EngineStatus = { state: "starting" };
  /** Somebody asked for it; before, it is only there in case. */
  #isWanted = false;
  #isReady = false;
  #isCompact = false;
  #saveTimer: NodeJS.Timeout | undefined;

  constructor(deps: CallsWindowDeps) {
    this.#deps = deps;
    deps.calls.onChange((calls) => {
      const { accountId } = calls.find(ringsAloud) ?? {};
      if (accountId === undefined) {
        if (!this.#isWanted) this.#destroy();
      } else if (!this.#open && !deps.isQuitting()) {
        const ready: CallRequest = { ask: "show", accountId };
        this.#ensure().page.post(shellChannels.callRequest, ready);
      }
    });
  }

  /** Whether a page is this window's. */
  isOwn(contents: WebContents): boolean {
    return this.#open !== undefined && this.#open.window.webContents.id === contents.id;
  }

  /** Whether the user has the window before him. */
  get isInFront(): boolean {
    const window = this.#open?.window;
    return window !== undefined && window.isVisible() && window.isFocused() && !window.isMinimized();
  }

  /** What capturing the screen may not offer: the window itself. */
  get sourceId(): string | undefined {
    return this.#open?.window.getMediaSourceId();
  }

  /** The channel of its page, while there is one. */
  get page(): PageChannel | undefined {
    return this.#open?.page;
  }

  /** Has the page do this, and brings the window to the front. */
  request(request: CallRequest): void {
    const { page } = this.#ensure();
    this.#isWanted = true;
    page.post(shellChannels.callRequest, request);
    this.#show();
  }

  setEngineStatus(status: EngineStatus): void {
    this.#status = status;
    this.#open?.page.setEngineStatus(status);
  }

  /** The page has nothing left to show. */
  closeByPage(): void {
    this.#destroy();
  }

  /** The rooms' window is gone; a window that nobody sees is not to keep the app alive. */
  onMainClosed(): void {
    if (!this.#isWanted) this.#destroy();
  }

  /** Makes the window small and keeps it above all others, or gives it back its size and place. */
  setCompact(isCompact: boolean): void {
    const window = this.#open?.window;
    if (!window || isCompact === this.#isCompact) return;
    if (isCompact) {
      this.#save(window);
      if (window.isFullScreen()) window.setFullScreen(false);
      if (window.isMaximized()) window.unmaximize();
    }
    this.#isCompact = isCompact;
    const size = isCompact ? COMPACT_MIN_SIZE : CALLS_WINDOW_SIZE.min;
    window.setMinimumSize(size.width, size.height);
    window.setAlwaysOnTop(isCompact, "floating");
    // Electron would otherwise hide the app from the dock meanwhile.
    window.setVisibleOnAllWorkspaces(isCompact, { visibleOnFullScreen: isCompact, skipTransformProcessType: true });
    window.setBounds(isCompact ? placeCompact(screen.getDisplayMatching(window.getBounds()).workArea) : this.#bounds());
  }

  #bounds(): Electron.Rectangle {
    return clampBounds(this.#deps.settings.get("callsWindowBounds"), workAreas(), CALLS_WINDOW_SIZE);
  }

  #ensure(): Open {
    if (this.#open) return this.#open;
    const window = new BrowserWindow({
      ...this.#bounds(),
      minWidth: CALLS_WINDOW_SIZE.min.width,
      minHeight: CALLS_WINDOW_SIZE.min.height,
      show: false,
      title: "Lattice: call",
      icon: this.#deps.iconPath,
      autoHideMenuBar: true,
      backgroundColor: GROUND,
      webPreferences: {
        ...pagePreferences(this.#deps),
        autoplayPolicy: "no-user-gesture-required",
        // It holds a call, or is about to.
        backgroundThrottling: false,
      },
    });
    const page = new PageChannel(window, {
      onPageGone: () => this.#deps.onPageGone(),
      // The engine hangs up what the page held; there is nothing to come back to.
      onCrash: (reason) => {
        this.#deps.log.warn("the page of calls ended", { reason });
        if (this.#open?.window === window) this.#destroy();
      },
      log: this.#deps.log,
    });
    const opened = (this.#open = { window, page });
    page.setEngineStatus(this.#status);
    this.#listen(window);
    page.load();
    return opened;
  }

  #listen(window: BrowserWindow): void {
    window.once("ready-to-show", () => {
      if (this.#open?.window !== window) return;
      this.#isReady = true;
      if (this.#isWanted) this.#show();
    });
    window.on("close", () => {
      this.#save(window);
      this.#deps.hangUp();
    });
    window.on("closed", () => {
      if (this.#open?.window === window) this.#forget();
    });
    const saveSoon = (): void => {
      clearTimeout(this.#saveTimer);
      this.#saveTimer = setTimeout(() => this.#save(window), SAVE_DELAY_MS);
    };
    window.on("resize", saveSoon);
    window.on("move", saveSoon);
    for (const change of ["focus", "blur", "show", "hide", "minimize", "restore"] as const)
      window.on(change as "blur", () => this.#deps.onFrontChange());
  }

  #show(): void {
    const window = this.#open?.window;
    if (!window || !this.#isReady) return;
    if (window.isMinimized()) window.restore();
    window.show();
    window.focus();
  }

  #save(window: BrowserWindow): void {
    // A window that nobody has seen stands where we put it, and a small one where it is to be small.
    if (window.isDestroyed() || window.isMinimized() || this.#isCompact || !this.#isWanted) return;
    this.#deps.settings.set("callsWindowBounds", window.getNormalBounds());
  }

  #destroy(): void {
    const window = this.#open?.window;
    if (!window) return;
    this.#save(window);
    this.#forget();
    if (!window.isDestroyed()) window.destroy();
  }

  #forget(): void {
    clearTimeout(this.#saveTimer);
    this.#open = undefined;
    this.#isWanted = false;
    this.#isReady = false;
    this.#isCompact = false;
    this.#deps.onPageGone();
    this.#deps.onFrontChange();
  }
}

const COMPACT_MIN_SIZE = { width: 240, height: 160 };
