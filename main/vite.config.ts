/**
 * How the programs that run on Node are bundled: the Electron shell, the engine and the browser host, and the one
 * script that the browser host adds to the page. Called by main/tools/build.ts.
 * Invariant: a bundle needs nothing at run time but Node, `electron` where it is the shell, and the files beside it;
 * so a package carries no node_modules folder.
 */
import { readFile } from "node:fs/promises";
import type { InlineConfig, Plugin } from "vite";

/** What every bundle is told by build.ts. */
export type BuildSettings = {
  /** The folder of the repository. */
  root: string;
  /** Where `renderer/`, `shell/` and the others are made. */
  outDir: string;
  /** True: the shell and the page run on an older Electron (Chromium 114, Node 18). */
  isLegacy: boolean;
  isMinified: boolean;
  version: string;
};

/** The engine always runs on Node 24 or newer: in Electron's own Node, or in a child process. */
const ENGINE_TARGET = "node24";

/** The Electron main process: one ES module, or one CommonJS file for an older Electron, whose loader knows no other. */
export const shellConfig = (settings: BuildSettings): InlineConfig =>
  nodeProgram(settings, {
    folder: "shell",
    entries: { index: "main/shell/index.ts" },
    format: settings.isLegacy ? "cjs" : "es",
    target: settings.isLegacy ? "node18" : ENGINE_TARGET,
  });

/** The engine: as a utility process of Electron, and as the SDK for programs. */
export const engineConfig = (settings: BuildSettings): InlineConfig =>
  nodeProgram(settings, {
    folder: "engine",
    entries: { "entry.utility": "main/engine/entry.utility.ts", "entry.node": "main/engine/entry.node.ts" },
    format: "es",
    target: ENGINE_TARGET,
    hasEngine: true,
  });

/** The browser host: its program, and the child process in which it runs the engine. */
export const browserHostConfig = (settings: BuildSettings): InlineConfig =>
  nodeProgram(settings, {
    folder: "browser-host",
    entries: { index: "main/browser-host/index.ts", "engine-child": "main/browser-host/engine-child.ts" },
    format: "es",
    target: ENGINE_TARGET,
    hasEngine: true,
  });

/** The script that stands in for Electron's preload where the page runs in a plain browser. */
export const hostPageConfig = (settings: BuildSettings): InlineConfig => ({
  ...shared(settings),
  define: pageDefines(settings.version),
  build: {
    outDir: `${settings.outDir}/browser-host-page`,
    emptyOutDir: true,
    target: "chrome114",
    minify: settings.isMinified,
    copyPublicDir: false,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { host: `${settings.root}/main/browser-host/page/host.ts` },
      output: { format: "es", entryFileNames: "[name].js", codeSplitting: false },
    },
  },
});

/** Constants that the page script is built with. */
export const pageDefines = (version: string): Record<string, string> => ({
  "import.meta.env.LATTICE_VERSION": JSON.stringify(version),
});

type NodeProgram = {
  folder: string;
  entries: Record<string, string>;
  format: "es" | "cjs";
  target: string;
  /** The engine is in it, whose encryption needs its WebAssembly file beside it. */
  hasEngine?: boolean;
};

const CRYPTO_WASM = "pkg/matrix_sdk_crypto_wasm_bg.wasm";

/** Puts the encryption's WebAssembly where its loader looks for it: below the file that holds the loader. */
const withCryptoWasm = (root: string): Plugin => ({
  name: "lattice:crypto-wasm",
  async generateBundle() {
    const source = await readFile(`${root}/node_modules/@matrix-org/matrix-sdk-crypto-wasm/${CRYPTO_WASM}`);
    this.emitFile({ type: "asset", fileName: CRYPTO_WASM, source });
  },
});

function nodeProgram(settings: BuildSettings, program: NodeProgram): InlineConfig {
  const extension = program.format === "cjs" ? "cjs" : "js";
  return {
    ...shared(settings),
    // Two optional native helpers of ws: without these lines their `require` would stay in the bundle.
    define: { "process.env.WS_NO_BUFFER_UTIL": '"1"', "process.env.WS_NO_UTF_8_VALIDATE": '"1"' },
    plugins: program.hasEngine ? [withCryptoWasm(settings.root)] : [],
    ssr: { noExternal: true, external: ["electron"], target: "node" },
    build: {
      outDir: `${settings.outDir}/${program.folder}`,
      emptyOutDir: true,
      ssr: true,
      target: program.target,
      minify: settings.isMinified,
      copyPublicDir: false,
      rolldownOptions: {
        input: Object.fromEntries(
          Object.entries(program.entries).map(([name, path]) => [name, `${settings.root}/${path}`]),
        ),
        external: ["electron", /^node:/u],
        output: {
          format: program.format,
          entryFileNames: `[name].${extension}`,
          chunkFileNames: `chunk-[hash].${extension}`,
          // Class names reach the log as error names.
          keepNames: true,
        },
      },
    },
  };
}

const shared = (settings: BuildSettings): InlineConfig => ({
  root: settings.root,
  configFile: false,
  envDir: false,
  publicDir: false,
  logLevel: "warn",
  mode: settings.isMinified ? "production" : "development",
});
