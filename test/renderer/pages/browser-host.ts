/** The host of the page tests: a browser, and its rooms' window. Used by the pages of this folder. */
import type { HostInfo } from "../../../preload/contract/shell-contract.ts";

export const BROWSER_HOST: HostInfo = {
  runtime: "browser",
  role: "main",
  version: "0",
  platform: "",
  mediaBase: "/m/",
  canPlaceWindows: false,
};
