/**
 * The small window of a ringing call: above everything else, and shown only while a call rings that may be heard and
 * no other window of ours is before the user. Made by index.ts, fed by the calls' watch.
 * Invariants: it never takes the keyboard from what the user does; its page is as locked in as the main one, has no
 * engine, no device and no file, and hears only what it shows; it is gone at once when nothing rings. Where the system
 * lets no program place a window (Wayland) there is none, and the notification does its work.
 */
import { BrowserWindow, screen, type WebContents } from "electron";
import {
  INCOMING_CALL_ARGUMENT,
  shellChannels,
  type IncomingCallReply,
  type RingingCall,
} from "../../preload/contract/shell-contract.ts";
import { APP_ORIGIN } from "./app-files.ts";
import type { CallsWatch } from "./calls-watch.ts";
import { callKey, ringingCalls } from "./incoming-calls.ts";
import type { ShellLog } from "./log.ts";
import type { SettingsStore } from "./settings.ts";
import { pagePreferences, workAreas } from "./window.ts";
import { placeCard, type Rectangle } from "./window-state.ts";

const WIDTH_PX = 352;
/** Until the page has said how much it needs. */
const FIRST_HEIGHT_PX = 168;
const SAVE_DELAY_MS = 200;
const SETTLE_MS = 700;

export type IncomingCallWindowDeps = {
  preloadPath: string;
  iconPath: string;
  isPackaged: boolean;
  settings: SettingsStore;
  calls: CallsWatch;
  /** Whether windows can be placed at all, and may be opened still. */
  isPossible(): boolean;
  /** Whether the user has another window of ours before him. */
  isInFront(): boolean;
  log: ShellLog;
};

export class IncomingCallWindow {
  readonly #deps: IncomingCallWindowDeps;
  readonly #silenced = new Set<string>();
  readonly #hidden = new Set<string>();
  #window: BrowserWindow | undefined;
  #heightPx = FIRST_HEIGHT_PX;
  #placed: Rectangle | undefined;
  #shownAtMs = 0;
  #saveTimer: NodeJS.Timeout | undefined;

  constructor(deps: IncomingCallWindowDeps) {
    this.#deps = deps;
    deps.calls.onChange(() => this.update());
  }

  /** Whether a page is this window's. */
  isOwn(contents: WebContents): boolean {
    return this.#window !== undefined && !this.#window.isDestroyed() && this.#window.webContents.id === contents.id;
  }

  /** What capturing the screen may not offer: the window itself. */
  get sourceId(): string | undefined {
    return this.#window?.getMediaSourceId();
  }

  /** To be called when another window of ours came before the user, or went. */
  update(): void {
    const calls = this.#shownCalls();
    if (!this.#deps.isPossible() || calls.length === 0 || this.#deps.isInFront()) return this.#close();
    if (this.#window) this.#window.webContents.send(shellChannels.incomingCalls, calls);
    else this.#open();
  }

  /** To be called when the page's preload is there. */
  onPreloadReady(): void {
    this.#window?.webContents.send(shellChannels.incomingCalls, this.#shownCalls());
  }

  /** Keeps in mind what the user wants of this window alone; everything else is index.ts's business. */
  onReply(reply: IncomingCallReply): void {
    if (reply.reply === "silence") this.#silenced.add(callKey(reply));
    else this.#hidden.add(callKey(reply));
    this.update();
  }

  fitHeight(heightPx: number): void {
    this.#heightPx = Math.ceil(heightPx);
    const window = this.#window;
    if (!window) return;
    window.setBounds(this.#place());
    if (!window.isVisible()) this.#show(window);
  }

  #shownCalls(): RingingCall[] {
    const calls = this.#deps.calls.current();
    const keys = new Set(calls.map(({ accountId, call }) => callKey({ accountId, callId: call.callId })));
    for (const kept of [this.#silenced, this.#hidden]) for (const key of kept) if (!keys.has(key)) kept.delete(key);
    return ringingCalls(calls, { silenced: this.#silenced, hidden: this.#hidden });
  }

  #open(): void {
    const window = (this.#window = new BrowserWindow({
      ...this.#place(),
      show: false,
      frame: false,
      resizable: false,
      minimizable: false,
      maximizable: false,
      fullscreenable: false,
      skipTaskbar: true,
      alwaysOnTop: true,
      hasShadow: true,
      // A panel comes above other programs' full screens without making Lattice the active program.
      ...(process.platform === "darwin" ? { type: "panel" } : {}),
      title: "Incoming call",
      icon: this.#deps.iconPath,
      webPreferences: {
        ...pagePreferences(this.#deps),
        additionalArguments: [INCOMING_CALL_ARGUMENT],
        backgroundThrottling: false,
      },
    }));
    // Whoever shares the screen does not show who calls.
    window.setContentProtection(true);
    window.on("page-title-updated", (event) => event.preventDefault());
    window.on("move", () => this.#onMove(window));
    window.on("closed", () => {
      // By the user, with the keys of the system: the same as hiding it.
      if (this.#window !== window) return;
      for (const call of this.#shownCalls()) this.#hidden.add(callKey(call));
      this.#close();
    });
    window.webContents.on("render-process-gone", () => this.#close());
    window
      .loadURL(`${APP_ORIGIN}/index.html`)
      .catch((error: unknown) => this.#deps.log.error("the window of a ringing call cannot be loaded", error));
  }

  #show(window: BrowserWindow): void {
    // Whoever types goes on typing where he is.
    window.showInactive();
    this.#shownAtMs = performance.now();
    // After it is shown: window managers of X11 forget what they were told before, and place a window themselves.
    window.setAlwaysOnTop(true, "floating");
    // Electron would otherwise hide the app from the dock meanwhile.
    window.setVisibleOnAllWorkspaces(true, { visibleOnFullScreen: true, skipTransformProcessType: true });
    window.setBounds(this.#place());
  }

  #place(): Rectangle {
    const near = screen.getDisplayNearestPoint(screen.getCursorScreenPoint()).workArea;
    const size = { width: WIDTH_PX, height: this.#heightPx };
    return (this.#placed = placeCard(this.#deps.settings.get("incomingCallPosition"), size, [near, ...workAreas()]));
  }

  #onMove(window: BrowserWindow): void {
    clearTimeout(this.#saveTimer);
    this.#saveTimer = setTimeout(() => {
      if (window.isDestroyed() || !window.isVisible()) return;
      const { x, y } = window.getBounds();
      // Where we put it ourselves is not where the user wants it.
      if (x === this.#placed?.x && y === this.#placed.y) return;
      // What moved it so soon was the window manager, which placed it by its own mind after we had.
      if (performance.now() - this.#shownAtMs < SETTLE_MS) return window.setBounds(this.#place());
      this.#deps.settings.set("incomingCallPosition", { x, y });
    }, SAVE_DELAY_MS);
  }

  #close(): void {
    const window = this.#window;
    if (!window) return;
    this.#window = undefined;
    this.#heightPx = FIRST_HEIGHT_PX;
    clearTimeout(this.#saveTimer);
    if (!window.isDestroyed()) window.destroy();
  }
}
