/**
 * How the preload is bundled. Called by main/tools/build.ts.
 * Invariant: one CommonJS file whose only `require` is `electron`, because a sandboxed preload can load nothing else.
 */
import type { InlineConfig } from "vite";

type PreloadSettings = { root: string; outDir: string; isLegacy: boolean; isMinified: boolean };

/** The sandboxed preload of every window. */
export const preloadConfig = (settings: PreloadSettings): InlineConfig => ({
  root: settings.root,
  configFile: false,
  envDir: false,
  publicDir: false,
  logLevel: "warn",
  mode: settings.isMinified ? "production" : "development",
  ssr: { noExternal: true, external: ["electron"], target: "node" },
  build: {
    outDir: `${settings.outDir}/preload`,
    emptyOutDir: true,
    ssr: true,
    target: settings.isLegacy ? "chrome114" : "chrome150",
    minify: settings.isMinified,
    rolldownOptions: {
      input: { index: `${settings.root}/preload/index.ts` },
      external: ["electron"],
      output: { format: "cjs", entryFileNames: "[name].cjs", codeSplitting: false },
    },
  },
});
