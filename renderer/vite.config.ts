/**
 * How the page is bundled, and served while it is being worked on. Called by main/tools/build.ts and dev.ts.
 * Invariant: the bundle runs under a policy of `script-src 'self'; style-src 'self'; font-src 'self'`: no inline
 * script or style, no data: address for code or fonts; and every address in it is relative, so that it works from
 * any scheme.
 */
import react from "@vitejs/plugin-react";
import type { InlineConfig } from "vite";

type RendererSettings = { root: string; outDir: string; isLegacy: boolean; isMinified: boolean };

/** The milestones of Chromium that the page is made for: the current shell's, and an older Electron's. */
const chromiumMajor = (isLegacy: boolean): number => (isLegacy ? 114 : 150);

/** The one bundle that every host shows. */
export const rendererConfig = (settings: RendererSettings): InlineConfig => {
  const major = chromiumMajor(settings.isLegacy);
  return {
    root: `${settings.root}/renderer`,
    configFile: false,
    envDir: false,
    publicDir: false,
    base: "./",
    logLevel: "warn",
    mode: settings.isMinified ? "production" : "development",
    plugins: [react()],
    css: {
      transformer: "lightningcss",
      // Lightning CSS writes a version as its major number shifted by 16 bits. For a browser older than
      // light-dark() it is lowered to custom properties that follow color-scheme.
      lightningcss: { targets: { chrome: major << 16 }, cssModules: { pattern: "[name]-[local]-[hash]" } },
    },
    build: {
      outDir: `${settings.outDir}/renderer`,
      emptyOutDir: true,
      target: `chrome${major}`,
      cssTarget: `chrome${major}`,
      minify: settings.isMinified,
      cssMinify: settings.isMinified,
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      chunkSizeWarningLimit: 2_000,
      rolldownOptions: { input: `${settings.root}/renderer/index.html` },
    },
  };
};
