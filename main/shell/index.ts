/**
 * The shell's start: single instance, then crash sink, then engine, then window. The entry point of the Electron main
 * process; nothing calls it. Invariant: schemes, sandbox and guards are in force before any page exists, and the
 * order of the end is the reverse: window, then engine, which gets the time to close its store.
 */
import { release } from "node:os";
import { join } from "node:path";
import {
  app,
  crashReporter,
  desktopCapturer,
  dialog,
  ipcMain,
  MessageChannelMain,
  Notification,
  protocol,
  safeStorage,
  session,
  systemPreferences,
  utilityProcess,
  webContents,
  type MessagePortMain,
  type WebContents,
  type WebFrameMain,
} from "electron";
import * as v from "valibot";
import { fileUrl } from "../../preload/contract/file-address.ts";
import type { AccountId, CallId } from "../../preload/contract/ids.ts";
import {
  callRequestSchema,
  incomingCallHeightSchema,
  incomingCallReplySchema,
  routeSchema,
  savedFileSchema,
  screenChoiceSchema,
  shellChannels,
  type HostInfo,
  type IncomingCallReply,
  type Route,
  type SavedFile,
} from "../../preload/contract/shell-contract.ts";
import type { CallView } from "../../preload/contract/views.ts";
import { isAppUrl } from "./app-files.ts";
import { appScheme, serveApp } from "./app-protocol.ts";
import { badgeCount } from "./badge-words.ts";
import { keepAwakeDuringCalls } from "./calls-awake.ts";
import { hangUpAll } from "./calls-power.ts";
import { isUnderWay, openCallsWatch, type CallsWatch } from "./calls-watch.ts";
import { CallsWindow } from "./calls-window.ts";
import { findLink, parseLink } from "./deep-links.ts";
import { EngineLink } from "./engine-client.ts";
import { EngineSupervisor, type EngineProcess } from "./engine-supervisor.ts";
import { openFramePort } from "./frame-port.ts";
import { IncomingCallWindow } from "./incoming-call-window.ts";
import { onlyRings, ringsAloud } from "./incoming-calls.ts";
import { isSameFrame, openIpc } from "./ipc.ts";
import { openProfileKey, type SystemKeyStore } from "./key-vault.ts";
import { logEngineLines, openShellLog, type ShellLog } from "./log.ts";
import { mediaScheme, serveMedia } from "./media-protocol.ts";
import { MEDIA_BASE } from "./media-request.ts";
import { setApplicationMenu } from "./menu.ts";
import { guardNavigation, guardSession, openExternal } from "./navigation-guard.ts";
import { showNotifications } from "./notifications.ts";
import { guardPermissions } from "./permissions.ts";
import { hasLoopback, openScreenShare, type ScreenShare } from "./screen-share.ts";
import { openSettings } from "./settings.ts";
import { hasTrayHost, openTray } from "./tray.ts";
import { isWayland } from "./wayland.ts";
import { MainWindow } from "./window.ts";

const dist = join(import.meta.dirname, "..");
const assetsFolder = join(dist, "..", "assets");
const iconPath = join(assetsFolder, "icons", "256x256.png");
const SHELL_PORT_OWNER = "shell";

// Chromium refuses its sandbox to root, who has to say so; windows ask for theirs one by one all the same.
if (!app.commandLine.hasSwitch("no-sandbox")) app.enableSandbox();
protocol.registerSchemesAsPrivileged([appScheme, mediaScheme]);
if (app.isPackaged)
  for (const flag of ["remote-debugging-port", "remote-debugging-pipe", "remote-allow-origins"])
    app.commandLine.removeSwitch(flag);

if (app.requestSingleInstanceLock()) void run();
else app.quit();

async function run(): Promise<void> {
  const log = openShellLog(app.getPath("logs"), app.isPackaged);
  openCrashSink(log);
  guardNavigation(log);

  // Before ready: macOS tells a link that started the app early.
  const links = openLinks();
  await app.whenReady();

  const userFolder = app.getPath("userData");
  const settings = openSettings(userFolder, log);
  const supervisor = openSupervisor(userFolder, log, () => {
    if (settings.get("wasToldOfPlainKey")) return;
    settings.set("wasToldOfPlainKey", true);
    tellPlainKey();
  });
  const engine = new EngineLink(() => {
    const { port1, port2 } = new MessageChannelMain();
    supervisor.connect(SHELL_PORT_OWNER, port1);
    return openFramePort(port2);
  }, log);

  const calls = openCallsWatch(engine);
  const isCallUnderWay = (): boolean => calls.current().some(({ call }) => isUnderWay(call));
  const hasWayland = isWayland(process.platform, process.env, app.commandLine.getSwitchValue("ozone-platform"));

  let isQuitting = false;
  let canHide = false;
  let window: MainWindow | undefined;
  const isMain = (contents: WebContents): boolean =>
    window !== undefined && !window.isGone && contents.id === window.contents.id;
  const callsWindow = new CallsWindow({
    preloadPath: join(dist, "preload", "index.cjs"),
    iconPath,
    isPackaged: app.isPackaged,
    settings,
    calls,
    isQuitting: () => isQuitting,
    hangUp: () => void hangUpAll(calls.current(), engine, log),
    onFrontChange: () => incomingCalls.update(),
    onPageGone: () => screenShare.cancel(),
    log,
  });
  const isOurs = (contents: WebContents): boolean => isMain(contents) || callsWindow.isOwn(contents);
  const openWindow = ({ startsHidden = false } = {}): MainWindow => {
    if (window && !window.isGone) return window;
    window = new MainWindow({
      preloadPath: join(dist, "preload", "index.cjs"),
      iconPath,
      isPackaged: app.isPackaged,
      settings,
      hidesOnClose: () => !isQuitting && canHide && settings.get("closeToTray"),
      onFrontChange: () => incomingCalls.update(),
      onPageGone: () => screenShare.cancel(),
      onClosed: () => callsWindow.onMainClosed(),
      startsHidden,
      log,
    });
    window.page.setEngineStatus(supervisor.status);
    window.page.load();
    return window;
  };
  const open = (route?: Route): void => {
    const shown = openWindow();
    shown.show();
    if (route) shown.route(route);
  };

  const saves = guardSession(session.defaultSession, log);
  guardPermissions(session.defaultSession, { isOurs, isCallUnderWay });
  const incomingCalls = new IncomingCallWindow({
    preloadPath: join(dist, "preload", "index.cjs"),
    iconPath,
    isPackaged: app.isPackaged,
    settings,
    calls,
    isPossible: () => !hasWayland && !isQuitting,
    isInFront: () => (window?.isInFront ?? false) || callsWindow.isInFront,
    log,
  });
  const screenShare = openScreenShare({
    getSources: (options) => desktopCapturer.getSources(options),
    pageOf: (frame) => {
      const contents = contentsOf(frame);
      if (contents === undefined) return undefined;
      return callsWindow.isOwn(contents) ? callsWindow.page : isMain(contents) ? window?.page : undefined;
    },
    isCallUnderWay,
    hasSystemDialog: hasWayland,
    canShareSound: hasLoopback(process.platform, release()),
    isDeniedBySystem: () =>
      process.platform === "darwin" && systemPreferences.getMediaAccessStatus("screen") === "denied",
    // What is shared is looked at beside the call; a call that shows itself shows nothing.
    ownSourceIds: () => [incomingCalls.sourceId, callsWindow.sourceId].filter((id) => id !== undefined),
    log,
  });
  // The handler is not called where macOS brings a picker of its own; the permission is asked for all the same.
  session.defaultSession.setDisplayMediaRequestHandler(screenShare.onRequest, { useSystemPicker: true });
  serveApp(session.defaultSession, join(dist, "renderer"), log);
  serveMedia(session.defaultSession, engine, log);
  const save = (file: SavedFile, download: (url: string) => void): void => {
    const url = fileUrl(MEDIA_BASE, file, { toSave: true });
    // The engine has it by now; it is asked for the name.
    engine.call("files.open", file, { timeoutMs: Infinity }).then(
      ({ name }) => saves.begin({ url, name }, download),
      (error: unknown) => log.error("a file cannot be saved", error),
    );
  };
  listenToPages({
    isOurs,
    supervisor,
    log,
    window: () => window,
    callsWindow,
    canPlaceWindows: !hasWayland,
    open,
    save,
    screenShare,
  });
  listenToCallPages({ isMain, callsWindow, open, log });
  const silence = (): void => {
    if (onlyRings(calls.current())) window?.setSilent(true);
  };
  const answer = (call: { accountId: AccountId; callId: CallId }, media?: CallView["media"]): void =>
    callsWindow.request({ ask: "answer", ...call, media: media ?? mediaOf(calls, call.callId) });
  listenToIncomingCalls({ incomingCalls, calls, engine, answer, open, onSilence: silence, log });

  supervisor.onStatus((status) => {
    engine.onEngineStatus(status);
    if (window && !window.isGone) window.page.setEngineStatus(status);
    callsWindow.setEngineStatus(status);
  });
  supervisor.start();

  links.onRoute(open);
  app.on("activate", () => open());
  app.on("before-quit", () => {
    isQuitting = true;
    incomingCalls.update();
  });
  app.on("window-all-closed", () => {
    if (process.platform !== "darwin") app.quit();
  });
  quitAfter(() => supervisor.stop());

  setApplicationMenu({ platform: process.platform, isPackaged: app.isPackaged, open });
  openWindow();

  const tray = openTray({ assetsFolder, open: () => open(), quit: () => app.quit() });
  canHide = await hasTrayHost(process.platform);
  engine.watch("badge", {}, ([badge]) => {
    app.setBadgeCount(badgeCount(badge));
    tray.setBadge(badge);
  });
  showNotifications({
    engine,
    log,
    iconPath,
    open,
    answer,
    onRinging: (isRinging) => window?.demandAttention(isRinging),
  });
  keepAwakeDuringCalls({ calls, engine, log, onCallRuns: (runs) => window?.setCallRuns(runs) });
  calls.onChange((current) => {
    if (!isCallUnderWay()) screenShare.cancel();
    // Silenced in the small window; what was silent is heard again as soon as anything but ringing can be heard.
    if (!onlyRings(current)) window?.setSilent(false);
    // The rooms' page is what rings.
    if (current.some(ringsAloud) && !isQuitting) openWindow({ startsHidden: true });
  });
}

/** Crashes stay on this computer: a dump in the profile, a line in the log. */
function openCrashSink(log: ShellLog): void {
  crashReporter.start({ uploadToServer: false });
  process.on("uncaughtException", (error) => log.error("uncaught in the shell", error));
  process.on("unhandledRejection", (error) => log.error("unhandled rejection in the shell", error));
  app.on("child-process-gone", (_gone, details) =>
    log.warn("a helper process ended", { type: details.type, reason: details.reason }),
  );
}

function openSupervisor(
  userFolder: string,
  log: ShellLog,
  tellOfPlainKey: () => void,
): EngineSupervisor<MessagePortMain> {
  const dataDir = join(userFolder, "profile");
  return new EngineSupervisor<MessagePortMain>({
    fork: () => forkEngine(log),
    openMessage: async () => ({
      dataDir,
      profileKey: await openProfileKey({
        folder: dataDir,
        accountsFolder: join(dataDir, "accounts"),
        keyStore: safeStorage satisfies SystemKeyStore,
        platform: process.platform,
        log,
        tellPlainKey: tellOfPlainKey,
        wait: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)),
      }),
    }),
    log,
  });
}

function forkEngine(log: ShellLog): EngineProcess<MessagePortMain> {
  const child = utilityProcess.fork(join(dist, "engine", "entry.utility.js"), [], {
    serviceName: "Lattice engine",
    stdio: "pipe",
  });
  logEngineLines(log, child.stdout);
  logEngineLines(log, child.stderr);
  child.on("error", (type) => log.warn("the engine process met a fatal error", { type }));
  return {
    post: (message, ports) => child.postMessage(message, ports),
    onMessage: (listener) => void child.on("message", listener),
    onExit: (listener) => void child.once("exit", listener),
    kill: () => void child.kill(),
  };
}

type PageDeps = {
  isOurs: (contents: WebContents) => boolean;
  supervisor: EngineSupervisor<MessagePortMain>;
  window: () => MainWindow | undefined;
  callsWindow: CallsWindow;
  canPlaceWindows: boolean;
  open: (route?: Route) => void;
  save: (file: SavedFile, download: (url: string) => void) => void;
  screenShare: ScreenShare;
  log: ShellLog;
};

/** The few things that any page of ours may ask of the shell. */
function listenToPages({ isOurs, supervisor, callsWindow, log, ...pages }: PageDeps): void {
  const ipc = openIpc(ipcMain, isOurs, log);
  ipc.answer(shellChannels.hostInfo, (sender): HostInfo => {
    const isCalls = callsWindow.isOwn(sender);
    // Asked once by each preload as it starts: after its answer the page can be told things.
    queueMicrotask(() => (isCalls ? callsWindow.page : pages.window()?.page)?.onPreloadReady());
    return {
      runtime: "electron",
      role: isCalls ? "calls" : "main",
      version: app.getVersion(),
      platform: process.platform,
      mediaBase: MEDIA_BASE,
      canPlaceWindows: pages.canPlaceWindows,
    };
  });
  ipc.on(shellChannels.requestEnginePort, v.pipe(v.string(), v.minLength(8), v.maxLength(128)), (nonce, sender) => {
    const { port1, port2 } = new MessageChannelMain();
    supervisor.connect(`window-${sender.id}`, port1);
    sender.postMessage(shellChannels.enginePort, { nonce }, [port2]);
  });
  ipc.on(shellChannels.showWindow, v.undefined_(), () => pages.open());
  ipc.on(shellChannels.openExternal, v.pipe(v.string(), v.maxLength(8_192)), (url) => {
    const route = parseLink(url);
    if (route) pages.open(route);
    else openExternal(url, log);
  });
  ipc.on(shellChannels.saveFile, savedFileSchema, (file, sender) =>
    pages.save(file, (url) => {
      if (!sender.isDestroyed()) sender.downloadURL(url);
    }),
  );
  ipc.on(shellChannels.chooseScreenSource, screenChoiceSchema, (choice) => pages.screenShare.onChoice(choice));
}

type CallPageDeps = {
  isMain: (contents: WebContents) => boolean;
  callsWindow: CallsWindow;
  open: (route?: Route) => void;
  log: ShellLog;
};

/** What only one of the two pages may ask: the rooms' for a call, the calls' for the rest. */
function listenToCallPages({ isMain, callsWindow, open, log }: CallPageDeps): void {
  const rooms = openIpc(ipcMain, isMain, log);
  rooms.on(shellChannels.openCall, callRequestSchema, (request) => callsWindow.request(request));
  const calls = openIpc(ipcMain, (contents) => callsWindow.isOwn(contents), log);
  calls.on(shellChannels.openMain, routeSchema, (route) => open(route));
  calls.on(shellChannels.closeWindow, v.undefined_(), () => callsWindow.closeByPage());
  calls.on(shellChannels.setCompact, v.boolean(), (isCompact) => callsWindow.setCompact(isCompact));
}

/** With pictures where the caller has some. */
const mediaOf = (calls: CallsWatch, callId: CallId): CallView["media"] =>
  calls.current().find(({ call }) => call.callId === callId)?.call.media ?? "voice";

type IncomingCallDeps = {
  incomingCalls: IncomingCallWindow;
  calls: CallsWatch;
  engine: EngineLink;
  answer: (call: { accountId: AccountId; callId: CallId }, media: CallView["media"]) => void;
  open: (route?: Route) => void;
  onSilence: () => void;
  log: ShellLog;
};

/** What the small window of a ringing call may ask: to take or leave a call, and nothing else. */
function listenToIncomingCalls({ incomingCalls, calls, engine, answer, open, onSilence, log }: IncomingCallDeps): void {
  const follow = (reply: IncomingCallReply): void => {
    const { accountId, callId } = reply;
    const decline = (): void => {
      engine
        .call("calls.reject", { accountId, callId })
        .catch((error: unknown) => log.error("a call cannot be declined", error));
    };
    switch (reply.reply) {
      case "answer":
        return answer({ accountId, callId }, reply.media);
      case "decline":
        return decline();
      case "message": {
        const roomId = calls.current().find(({ call }) => call.callId === callId)?.call.roomId;
        decline();
        if (roomId !== undefined) open({ to: "room", accountId, roomId });
        return;
      }
      case "silence":
        return onSilence();
      case "hide":
        return;
    }
  };
  const ipc = openIpc(ipcMain, (contents) => incomingCalls.isOwn(contents), log);
  ipc.answer(shellChannels.incomingCallInfo, () => {
    queueMicrotask(() => incomingCalls.onPreloadReady());
    return { mediaBase: MEDIA_BASE };
  });
  ipc.on(shellChannels.incomingCallHeight, incomingCallHeightSchema, (heightPx) => incomingCalls.fitHeight(heightPx));
  ipc.on(shellChannels.incomingCallReply, incomingCallReplySchema, (reply) => {
    incomingCalls.onReply(reply);
    follow(reply);
  });
}

/** The contents whose main frame this is, while it shows our own page. */
function contentsOf(frame: WebFrameMain): WebContents | undefined {
  const contents = webContents.fromFrame(frame);
  return contents !== undefined && isSameFrame(frame, contents.mainFrame) && isAppUrl(frame.url) ? contents : undefined;
}

/** Collects links to Matrix from all the ways in which systems hand them over. */
function openLinks(): { onRoute(listener: (route?: Route) => void): void } {
  let listener: ((route?: Route) => void) | undefined;
  let waiting = routeIn(process.argv.slice(1));
  const follow = (route: Route | undefined): void => {
    if (listener) listener(route);
    else waiting = route ?? waiting;
  };
  app.on("second-instance", (_started, argv) => follow(routeIn(argv.slice(1))));
  app.on("open-url", (event, url) => {
    event.preventDefault();
    follow(parseLink(url));
  });
  // Linux takes links by the desktop file; taking them by force would push out another client of the user's.
  if (app.isPackaged && process.platform !== "linux")
    app.setAsDefaultProtocolClient("matrix", process.execPath, ["--"]);
  return {
    onRoute(next) {
      listener = next;
      if (waiting) next(waiting);
    },
  };
}

function routeIn(argv: readonly string[]): Route | undefined {
  const link = findLink(argv);
  return link === undefined ? undefined : parseLink(link);
}

/** Holds the end of the app until the engine has closed its store. */
function quitAfter(close: () => Promise<void>): void {
  let state: "running" | "closing" | "closed" = "running";
  app.on("will-quit", (event) => {
    if (state === "closed") return;
    event.preventDefault();
    if (state === "closing") return;
    state = "closing";
    void close().finally(() => {
      state = "closed";
      // Not within the event that was prevented just now, where Electron would not hear it.
      setImmediate(() => app.quit());
    });
  });
}

function tellPlainKey(): void {
  const text =
    "This computer offers no password store, so the key that protects your messages lies in a file that only your user account can read. Install a keyring (for example GNOME Keyring or KWallet) for better protection.";
  if (Notification.isSupported())
    new Notification({ title: "Lattice keeps its key in a file", body: text, silent: true }).show();
  else
    void dialog.showMessageBox({
      type: "info",
      title: "Lattice",
      message: "Lattice keeps its key in a file",
      detail: text,
    });
}
