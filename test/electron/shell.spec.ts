/**
 * The shell's borders in a real Electron: what the page can reach, what it cannot, and what the shell does for it.
 * The engine and the page are pretended (fixtures/), the shell and the preload are the built ones.
 */
import { spawn } from "node:child_process";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "@playwright/test";
import { CONTRACT_VERSION } from "../../preload/contract/engine-contract.ts";
import { test, type RunningApp } from "./app.ts";

const heard = (app: RunningApp, key: string): Promise<unknown[]> =>
  app.page.evaluate((name) => (globalThis as unknown as { heard: Record<string, unknown[]> }).heard[name] ?? [], key);
const takePort = (app: RunningApp, nonce: string): Promise<string> =>
  app.page.evaluate(
    (text) => (globalThis as unknown as { takePort: (nonce: string) => Promise<string> }).takePort(text),
    nonce,
  );

test("every page is sandboxed, isolated and without Node", async ({ launch }) => {
  const app = await launch();
  const preferences = await app.electron.evaluate(({ webContents }) =>
    webContents
      .getAllWebContents()
      .map((contents) =>
        (contents as unknown as { getLastWebPreferences(): Record<string, unknown> }).getLastWebPreferences(),
      ),
  );
  expect(preferences).toHaveLength(1);
  for (const each of preferences) {
    expect(each).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      webSecurity: true,
    });
    expect(each["nodeIntegrationInWorker"] ?? false).toBe(false);
    expect(each["nodeIntegrationInSubFrames"] ?? false).toBe(false);
    expect(each["allowRunningInsecureContent"] ?? false).toBe(false);
    expect(each["experimentalFeatures"] ?? false).toBe(false);
    expect(each["enableBlinkFeatures"] ?? "").toBe("");
  }
  const kinds = await app.page.evaluate(() =>
    ["require", "process", "module", "Buffer", "global", "electron", "ipcRenderer", "__dirname"].map(
      (name) => typeof (globalThis as Record<string, unknown>)[name],
    ),
  );
  expect(new Set(kinds)).toEqual(new Set(["undefined"]));
});

test("the preload adds one frozen object and nothing else", async ({ launch }) => {
  const app = await launch();
  const surface = await app.page.evaluate(() => {
    const host = (globalThis as unknown as { latticeHost: Record<string, unknown> }).latticeHost;
    try {
      host["openExternal"] = 1;
      (globalThis as Record<string, unknown>)["latticeHost"] = 1;
    } catch {
      // A frozen object throws in strict code.
    }
    const after = (globalThis as unknown as { latticeHost: Record<string, unknown> }).latticeHost;
    return {
      keys: Object.keys(after).toSorted(),
      kinds: Object.values(after)
        .map((value) => typeof value)
        .toSorted(),
      info: after["info"],
      isFrozen: Object.isFrozen(after),
    };
  });
  expect(surface.keys).toEqual([
    "chooseScreenSource",
    "closeWindow",
    "info",
    "onCallRequest",
    "onEngineStatus",
    "onRoute",
    "onScreenSources",
    "openCall",
    "openExternal",
    "openMain",
    "requestEnginePort",
    "saveFile",
    "setCompact",
    "showWindow",
  ]);
  expect(surface.kinds).toEqual([...Array.from({ length: 13 }, () => "function"), "object"]);
  expect(surface.info).toEqual({
    runtime: "electron",
    role: "main",
    version: "0.1.0",
    platform: process.platform,
    mediaBase: "lattice-media://media/",
    canPlaceWindows: true,
  });
  const names = await app.page.evaluate(() =>
    Object.getOwnPropertyNames(globalThis).filter(
      (name) =>
        /lattice|electron|ipc|node/iu.test(name) && !/^(?:Node|TextNode|ShadowRoot|.*AudioNode|.*Node)/u.test(name),
    ),
  );
  expect(names).toEqual(["latticeHost"]);
});

test("the page is served with its policy, which stops foreign code", async ({ launch }) => {
  const app = await launch();
  const headers = await app.page.evaluate(async () => Object.fromEntries((await fetch("/index.html")).headers));
  expect(headers["content-security-policy"]).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' lattice-media: blob: data:; media-src 'self' lattice-media: blob:; " +
      "font-src 'self'; connect-src 'self' lattice-media:; worker-src 'self'; manifest-src 'none'; object-src 'none'; frame-src 'none'; base-uri 'none'; " +
      "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  );
  expect(headers["x-content-type-options"]).toBe("nosniff");
  await app.page.evaluate(() => (globalThis as unknown as { startProbes: () => void }).startProbes());
  const probes = () =>
    app.page.evaluate(
      () => (globalThis as unknown as { probes?: { attempts: Record<string, string>; hits: string[] } }).probes,
    );
  await expect.poll(probes, { timeout: 20_000 }).toBeTruthy();
  expect(await probes()).toEqual({
    hits: [],
    attempts: {
      eval: "threw",
      function: "threw",
      timer: "threw",
      innerHTML: "threw",
      "inline script": "threw",
      "inline handler": "threw",
      "remote script": "threw",
      "blob script": "threw",
      "remote style": "nothing",
      fetch: "threw",
      socket: "threw",
      worker: "threw",
      policy: "threw",
      frame: "nothing",
      base: "nothing",
    },
  });
});

test("a file is saved where the user says when the page asks the shell, and no download begins otherwise", async ({
  launch,
}) => {
  const app = await launch();
  const path = join(app.userFolder, "saved.png");
  // In place of the user, who would answer the system's dialog; what the shell stopped never gets here.
  await app.electron.evaluate(({ session }, savePath) => {
    const downloads: { url: string; isStopped: boolean; defaultPath: string | undefined }[] = [];
    Object.assign(globalThis, { downloads });
    session.defaultSession.on("will-download", (event, item) => {
      const { defaultPath } = item.getSaveDialogOptions();
      downloads.push({ url: item.getURL(), isStopped: event.defaultPrevented, defaultPath });
      if (!event.defaultPrevented) item.setSavePath(savePath);
    });
  }, path);
  const downloads = () =>
    app.electron.evaluate(
      () =>
        (globalThis as unknown as { downloads: { url: string; isStopped: boolean; defaultPath?: string }[] }).downloads,
    );
  const url = "lattice-media://media/file/a1b2c3d4e5f6g7h8/!r%3Aexample.org/%24e/thumbnail?save";
  await app.page.evaluate((address) => {
    for (const href of [address, URL.createObjectURL(new Blob(["x"]))]) {
      const link = document.createElement("a");
      link.href = href;
      link.download = "";
      link.click();
    }
  }, url);
  // The first counts as a navigation, as all that leads to another origin, and was stopped as one.
  await expect.poll(downloads).toHaveLength(1);
  expect(await downloads()).toMatchObject([{ isStopped: true }]);
  expect((await downloads())[0]?.url).toMatch(/^blob:/u);

  await app.page.evaluate(() => {
    const { latticeHost } = globalThis as unknown as { latticeHost: { saveFile(file: unknown): void } };
    const accountId = "a1b2c3d4e5f6g7h8";
    for (const wrong of [
      null,
      "https://example.org/",
      { accountId, file: { of: "event", roomId: "../..", part: "file" } },
    ])
      latticeHost.saveFile(wrong);
    latticeHost.saveFile({
      accountId,
      file: { of: "event", roomId: "!r:example.org", eventId: "$e", part: "thumbnail" },
    });
  });
  await expect.poll(downloads).toHaveLength(2);
  expect((await downloads())[1]).toMatchObject({ url, isStopped: false });
  expect((await downloads())[1]?.defaultPath).toMatch(/[\\/]pixel\.png$/u);
  await expect.poll(() => readFile(path).catch(() => Buffer.alloc(0))).toHaveLength(70);
});

test("no address of the app scheme leaves its folder", async ({ launch }) => {
  const app = await launch();
  const paths = [
    "/../package.json",
    "/%2e%2e/package.json",
    "/..%2fpackage.json",
    "/..%5cpackage.json",
    "/..%2f..%2f..%2fetc/hostname.html",
    "/%252e%252e/package.json",
    "//etc/passwd.html",
    "/shell/index.js",
    "/..%2fshell%2findex.js",
    "/page.js%00.html",
    "/C:/x.html",
  ];
  const statuses = await app.page.evaluate(
    async (each) =>
      Promise.all(each.map(async (path) => (await fetch(`app://lattice${path}`).catch(() => ({ status: 0 }))).status)),
    paths,
  );
  expect(Object.fromEntries(paths.map((path, index) => [path, statuses[index]]))).toEqual(
    Object.fromEntries(paths.map((path, index) => [path, statuses[index] === 0 ? 0 : 404])),
  );
});

test("the page goes nowhere and opens nothing", async ({ launch }) => {
  const app = await launch();
  await app.electron.evaluate(({ shell }) => {
    (globalThis as unknown as { opened: string[] }).opened = [];
    shell.openExternal = async (url: string) => void (globalThis as unknown as { opened: string[] }).opened.push(url);
  });
  await app.page.evaluate(() => {
    for (const url of [
      "https://example.org/",
      "javascript:1",
      "about:blank",
      "data:text/html,x",
      "file:///etc/passwd",
      "app://lattice/other",
      "blob:app://lattice/1",
      "matrix:u/a:b",
      "",
    ]) {
      globalThis.open(url, "_blank");
      globalThis.open(url, "name", "popup,width=100,height=100");
    }
    const view = document.createElement("webview");
    view.setAttribute("src", "https://example.org/");
    document.body.append(view);
    const link = document.createElement("a");
    link.href = "https://example.org/";
    link.target = "_blank";
    document.body.append(link);
    link.click();
  });
  for (const url of [
    "https://example.org/",
    "file:///etc/passwd",
    "data:text/html,x",
    "app://other/index.html",
    "about:blank",
  ]) {
    await app.page.evaluate((to) => void (globalThis.location.href = to), url);
    await app.page.waitForTimeout(100);
  }
  // Chromium asks nobody about the empty page; the shell comes back from it by itself.
  await expect.poll(() => app.page.url()).toBe("app://lattice/index.html");
  await app.page.waitForLoadState();
  expect(await app.electron.evaluate(({ webContents }) => webContents.getAllWebContents().length)).toBe(1);
  await app.page.evaluate(() => {
    const { latticeHost } = globalThis as unknown as { latticeHost: { openExternal(url: unknown): void } };
    for (const url of [
      "file:///etc/passwd",
      "smb://host/x",
      "javascript:alert(1)",
      "https://good.example@evil.example/",
      5,
      null,
      {},
      ["https://example.org"],
      "x".repeat(1_000_000),
    ])
      latticeHost.openExternal(url);
    latticeHost.openExternal("https://example.org/good");
    latticeHost.openExternal("https://matrix.to/#/@alice:example.org");
  });
  await expect.poll(() => heard(app, "routes")).toEqual([{ to: "user", userId: "@alice:example.org" }]);
  expect(await app.electron.evaluate(() => (globalThis as unknown as { opened: string[] }).opened)).toEqual([
    "https://example.org/good",
  ]);
});

test("permissions are denied but for what calls and notifications need", async ({ launch }) => {
  const app = await launch();
  const states = await app.page.evaluate(async () => {
    const result: Record<string, string> = {};
    for (const name of [
      "camera",
      "microphone",
      "notifications",
      "geolocation",
      "midi",
      // Asked about, not used: using the clipboard needs the keyboard, which no window manager promises.
      "clipboard-read",
      "clipboard-write",
      "background-sync",
      "idle-detection",
      "local-fonts",
      "window-management",
      "storage-access",
      "persistent-storage",
    ]) {
      result[name] = await navigator.permissions.query({ name: name as PermissionName }).then(
        (status) => status.state,
        () => "unknown",
      );
    }
    const ask = (run: () => Promise<unknown>): Promise<string> =>
      run().then(
        () => "granted",
        (error: unknown) => `denied: ${String(error)}`,
      );
    result["getUserMedia"] = await ask(() => navigator.mediaDevices.getUserMedia({ audio: true, video: true }));
    result["getDisplayMedia"] = await ask(() => navigator.mediaDevices.getDisplayMedia({ video: true }));
    result["position"] = await ask(
      () =>
        new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(resolve, reject, { timeout: 3_000 })),
    );
    return result;
  });
  const granted = Object.entries(states)
    .filter(([, state]) => state === "granted")
    .map(([name]) => name)
    .toSorted();
  expect(granted).toEqual(["camera", "clipboard-write", "getUserMedia", "microphone", "notifications"]);
});

test("messages of any other sender are refused", async ({ launch }) => {
  const app = await launch();
  const before = (await app.engine.seen()).ports;
  const result = await app.electron.evaluate(async ({ BrowserWindow, ipcMain, webContents, shell }) => {
    const opened: string[] = [];
    shell.openExternal = async (url: string) => void opened.push(url);
    const call = { accountId: "a1b2c3d4e5f6g7h8", callId: "abc" };
    const request = { ask: "answer", ...call, media: "voice" };
    const stolen = "https://example.org/stolen";
    const messages: [string, unknown][] = [
      ["lattice:request-engine-port", stolen],
      ["lattice:open-external", stolen],
      ["lattice:save-file", stolen],
      ["lattice:show-window", undefined],
      ["lattice:choose-screen-source", stolen],
      ["lattice:open-call", request],
      ["lattice:open-main", { name: "home" }],
      ["lattice:close-window", undefined],
      ["lattice:set-compact", true],
      ["lattice:incoming-call-reply", stolen],
      ["lattice:incoming-call-height", 100],
    ];
    const ours = webContents.getAllWebContents()[0]!;
    // A page of ours, in a window that is not: a stranger all the same.
    const stranger = new BrowserWindow({ show: false });
    await stranger.loadURL("app://lattice/index.html");
    const frames = [
      { sender: stranger.webContents, senderFrame: stranger.webContents.mainFrame },
      { sender: ours, senderFrame: stranger.webContents.mainFrame },
      { sender: ours, senderFrame: null },
      {
        sender: ours,
        senderFrame: {
          processId: ours.mainFrame.processId,
          routingId: ours.mainFrame.routingId,
          url: "https://example.org/",
        },
      },
      {
        sender: ours,
        senderFrame: { processId: ours.mainFrame.processId, routingId: ours.mainFrame.routingId, url: "about:blank" },
      },
    ];
    const answers: unknown[] = [];
    for (const frame of frames) {
      for (const [channel, value] of messages) ipcMain.emit(channel, { ...frame }, value);
      const asked = { ...frame, returnValue: undefined as unknown };
      ipcMain.emit("lattice:host-info", asked);
      answers.push(asked.returnValue);
    }
    // The main window is a stranger to the channels of the others.
    const main = { sender: ours, senderFrame: ours.mainFrame };
    ipcMain.emit("lattice:close-window", main);
    ipcMain.emit("lattice:set-compact", main, true);
    ipcMain.emit("lattice:incoming-call-reply", main, { reply: "decline", ...call });
    const asked = { ...main, returnValue: undefined as unknown };
    ipcMain.emit("lattice:incoming-call-info", asked);
    answers.push(asked.returnValue);
    stranger.destroy();
    return {
      opened,
      windows: BrowserWindow.getAllWindows().map((window) => window.isAlwaysOnTop()),
      answers,
      channels: ipcMain
        .eventNames()
        .map(String)
        .filter((name) => name !== "error")
        // oxlint-disable-next-line unicorn/no-array-sort -- runs inside the app, whose Node may be older
        .sort(),
    };
  });
  expect(result.opened).toEqual([]);
  expect(result.windows).toEqual([false]);
  expect(result.answers).toEqual([null, null, null, null, null, null]);
  const seen = await app.engine.seen();
  expect(seen.ports).toBe(before);
  expect(seen.calls).toEqual([]);
  expect(result.channels).toEqual([
    "lattice:choose-screen-source",
    "lattice:close-window",
    "lattice:host-info",
    "lattice:incoming-call-height",
    "lattice:incoming-call-info",
    "lattice:incoming-call-reply",
    "lattice:open-call",
    "lattice:open-external",
    "lattice:open-main",
    "lattice:request-engine-port",
    "lattice:save-file",
    "lattice:set-compact",
    "lattice:show-window",
  ]);
});

test("the page gets a port to the engine, and the engine its key by message", async ({ launch }) => {
  const app = await launch();
  expect(await takePort(app, "nonce-one")).toBe("app://lattice");
  await expect
    .poll(() => heard(app, "frames"))
    .toContainEqual(expect.objectContaining({ t: "hello", contractVersion: CONTRACT_VERSION }));
  await app.page.evaluate(() =>
    (globalThis as unknown as { enginePort: MessagePort }).enginePort.postMessage({
      t: "call",
      id: 7,
      command: "sync.retryNow",
      args: {},
    }),
  );
  await expect.poll(() => heard(app, "frames")).toContainEqual({ t: "reply", id: 7, value: {} });
  const seen = await app.engine.seen();
  expect(seen.keyBytes).toBe(32);
  expect(seen.argv).toEqual([]);
  expect(await app.page.evaluate(() => (globalThis as unknown as { heard: { messages: number } }).heard.messages)).toBe(
    1,
  );
});

test("the engine is started again after it ended, and the page gets a new port", async ({ launch }) => {
  const app = await launch();
  await takePort(app, "nonce-one");
  await app.engine.exit(9);
  await expect
    .poll(() => heard(app, "statuses"))
    .toContainEqual(expect.objectContaining({ state: "restarting", attempt: 1 }));
  await expect.poll(async () => (await heard(app, "statuses")).at(-1)).toEqual({ state: "running" });
  await takePort(app, "nonce-two");
  await expect
    .poll(
      async () => new Set((await heard(app, "frames")).map((frame) => (frame as { engineId: string }).engineId)).size,
    )
    .toBe(2);
});

test("media reaches the page through the engine, sandboxed", async ({ launch }) => {
  const app = await launch();
  const answer = await app.page.evaluate(async () => {
    const image = new Image();
    image.src = "lattice-media://media/a1b2c3d4e5f6g7h8/example.org/abc?w=32&h=32&method=crop";
    await image.decode();
    const bad = await fetch("lattice-media://media/a1b2c3d4e5f6g7h8/example.org/..%2fadmin");
    const good = await fetch(image.src);
    return { width: image.naturalWidth, bad: bad.status, status: good.status, type: good.headers.get("content-type") };
  });
  expect(answer).toEqual({ width: 1, bad: 400, status: 200, type: "image/png" });
  expect((await app.engine.seen()).calls).toContainEqual({
    command: "media.fetch",
    args: {
      accountId: "a1b2c3d4e5f6g7h8",
      mxc: "mxc://example.org/abc",
      thumbnail: { widthPx: 32, heightPx: 32, method: "crop" },
    },
  });
});

test("there is one instance; a second one hands over its link and ends", async ({ launch }) => {
  const app = await launch({ args: ["matrix:u/first:example.org"] });
  await expect.poll(() => heard(app, "routes")).toEqual([{ to: "user", userId: "@first:example.org" }]);
  const startSecond = (link: string): Promise<number | null> =>
    new Promise((resolve) => {
      const child = spawn(
        app.command.executablePath,
        [...app.command.args.filter((each) => !each.startsWith("matrix:")), link],
        { stdio: "ignore" },
      );
      child.once("exit", resolve);
    });
  expect(await startSecond("matrix:roomid/room:example.org/e/event")).toBe(0);
  await expect
    .poll(() => heard(app, "routes"))
    .toContainEqual({ to: "room", roomId: "!room:example.org", eventId: "$event" });
  expect(await startSecond("javascript:alert(1)")).toBe(0);
  expect(await heard(app, "routes")).toHaveLength(2);
  expect(app.page.url()).toBe("app://lattice/index.html");
});

test("damage to the settings file does not stop the start", async ({ launch }) => {
  const app = await launch({
    prepare: (folder) =>
      writeFile(
        join(folder, "settings.json"),
        '{"windowBounds":{"x":-99999,"y":1e9,"width":"wide"},"__proto__":{"x":1}',
      ),
  });
  const bounds = await app.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.getBounds());
  expect(bounds.x).toBeGreaterThanOrEqual(0);
  expect(bounds.width).toBeGreaterThanOrEqual(480);
});

test("without a real key store the key lies in a file of the user's alone", async ({ launch }) => {
  const app = await launch();
  await app.engine.seen();
  const path = join(app.userFolder, "profile/profile.key");
  expect((await readFile(path)).byteLength).toBe(32);
  if (process.platform !== "win32") expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("a page that crashed is loaded again", async ({ launch }) => {
  const app = await launch();
  const text = await app.electron.evaluate(async ({ BrowserWindow }) => {
    const { webContents } = BrowserWindow.getAllWindows()[0]!;
    const loaded = new Promise<void>((resolve) => void webContents.once("did-finish-load", () => resolve()));
    webContents.forcefullyCrashRenderer();
    await loaded;
    return await webContents.executeJavaScript("document.querySelector('main').textContent + typeof latticeHost");
  });
  expect(text).toBe("readyobject");
});

test("the menu has the commands of the system and none for developers in disguise", async ({ launch }) => {
  const app = await launch();
  const items = await app.electron.evaluate(({ Menu }) =>
    Menu.getApplicationMenu()!.items.flatMap((top) =>
      (top.submenu?.items ?? []).map((item) => ({ label: item.label, role: item.role, accelerator: item.accelerator })),
    ),
  );
  for (const role of ["copy", "paste", "undo", "selectall", "togglefullscreen", "zoomin", "quit"])
    expect(items.map((item) => item.role)).toContain(role);
  await app.electron.evaluate(({ Menu }) =>
    Menu.getApplicationMenu()!
      .items.flatMap((top) => top.submenu?.items ?? [])
      .find((item) => item.label === "Settings")!
      .click(),
  );
  await expect.poll(() => heard(app, "routes")).toEqual([{ to: "settings" }]);
});
