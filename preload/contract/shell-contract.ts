/**
 * What a window can ask of its host, and what the host tells it: the few things that are not the engine's.
 * Electron's preload (preload/index.ts) and the browser host's page script both provide it as
 * `window.latticeHost`. Used by renderer/app. Invariant: no method takes a URL to load or a path, and none
 * hands out an Electron object.
 */
import * as v from "valibot";
import { fileRefSchema } from "./engine-contract.ts";
import { accountIdSchema, roomAliasSchema, roomIdSchema, userIdSchema, eventIdSchema } from "./ids.ts";

/** Where a click on a notification, a tray entry or a `matrix:` link leads. */
export const routeSchema = v.variant("to", [
  v.object({
    to: v.literal("room"),
    accountId: v.optional(accountIdSchema),
    roomId: roomIdSchema,
    eventId: v.optional(eventIdSchema),
  }),
  v.object({ to: v.literal("alias"), alias: roomAliasSchema, via: v.optional(v.array(v.string())) }),
  v.object({ to: v.literal("user"), userId: userIdSchema }),
  v.object({ to: v.literal("new-room") }),
  v.object({ to: v.literal("settings") }),
]);
export type Route = v.InferOutput<typeof routeSchema>;

/** How the engine is, as its host sees it. */
export const engineStatusSchema = v.variant("state", [
  v.object({ state: v.literal("starting") }),
  v.object({ state: v.literal("running") }),
  /** It ended and is being started again. */
  v.object({ state: v.literal("restarting"), attempt: v.number(), delayMs: v.number() }),
  /** It cannot start; the message says what happened and what to do. */
  v.object({ state: v.literal("failed"), message: v.string() }),
]);
export type EngineStatus = v.InferOutput<typeof engineStatusSchema>;

export const hostInfoSchema = v.object({
  runtime: v.picklist(["electron", "browser"]),
  version: v.string(),
  platform: v.string(),
  /** Prefix of media addresses: `${mediaBase}${accountId}/${server}/${mediaId}?w=&h=&method=`. */
  mediaBase: v.string(),
});
export type HostInfo = v.InferOutput<typeof hostInfoSchema>;

/** The file that a page asks its host to save. */
export const savedFileSchema = v.object({ accountId: accountIdSchema, file: fileRefSchema });
export type SavedFile = v.InferOutput<typeof savedFileSchema>;

/** The object at `window.latticeHost`. Every function returned by an `on…` call stops listening. */
export interface LatticeHost {
  readonly info: HostInfo;
  /**
   * Asks for a port to the engine. Each call makes the host deliver a fresh MessagePort by `window.postMessage`
   * with `{ latticePort: nonce }`; the port of an earlier call is dead by then.
   */
  requestEnginePort(nonce: string): void;
  onEngineStatus(listener: (status: EngineStatus) => void): () => void;
  onRoute(listener: (route: Route) => void): () => void;
  /** Brings the window to the front, e.g. for an incoming call. */
  showWindow(): void;
  /** Opens a web address in the user's browser: http, https and mailto only; all else is dropped. */
  openExternal(url: string): void;
  /** Saves a file where the user says; to be called when `files.open` has it here. */
  saveFile(file: SavedFile): void;
}

/** Channel names between preload and shell. Each is checked for its sender and parsed on both sides. */
export const shellChannels = {
  requestEnginePort: "lattice:request-engine-port",
  enginePort: "lattice:engine-port",
  engineStatus: "lattice:engine-status",
  route: "lattice:route",
  showWindow: "lattice:show-window",
  openExternal: "lattice:open-external",
  saveFile: "lattice:save-file",
  hostInfo: "lattice:host-info",
} as const;
