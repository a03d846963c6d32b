/**
 * What a window can ask of its host, and what the host tells it: the few things that are not the engine's.
 * Electron's preload (preload/index.ts) and the browser host's page script both provide it as
 * `window.latticeHost`; the small window of a ringing call gets `window.latticeIncomingCall` instead, and no engine.
 * Used by renderer/app. Invariant: no method takes a URL to load or a path, and none hands out an Electron object.
 */
import * as v from "valibot";
import { fileRefSchema } from "./engine-contract.ts";
import { accountIdSchema, callIdSchema, roomAliasSchema, roomIdSchema, userIdSchema, eventIdSchema } from "./ids.ts";
import { personSchema, shieldSchema } from "./views.ts";

const callMediaSchema = v.picklist(["voice", "video"]);

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

/** What the window of calls is to do. The window that places or answers a call holds its media. */
export const callRequestSchema = v.variant("ask", [
  v.object({ ask: v.literal("place"), accountId: accountIdSchema, roomId: roomIdSchema, media: callMediaSchema }),
  v.object({
    ask: v.literal("answer"),
    accountId: accountIdSchema,
    callId: callIdSchema,
    media: callMediaSchema,
    /** What becomes of the calls that run; as in `calls.answer`. */
    otherCalls: v.optional(v.picklist(["end", "hold"])),
  }),
  /** Be there for the account's calls: come to the front, or be ready where one rings. */
  v.object({ ask: v.literal("show"), accountId: accountIdSchema }),
]);
export type CallRequest = v.InferOutput<typeof callRequestSchema>;

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
  /** What this window is for: the rooms, or calls alone, which then survive whatever happens to the rooms' window. */
  role: v.picklist(["main", "calls"]),
  version: v.string(),
  platform: v.string(),
  /** Prefix of media addresses: `${mediaBase}${accountId}/${server}/${mediaId}?w=&h=&method=`. */
  mediaBase: v.string(),
  /** Whether windows can be placed and kept above others here; a browser and some systems allow no program that. */
  canPlaceWindows: v.boolean(),
});
export type HostInfo = v.InferOutput<typeof hostInfoSchema>;

/** The file that a page asks its host to save. */
export const savedFileSchema = v.object({ accountId: accountIdSchema, file: fileRefSchema });
export type SavedFile = v.InferOutput<typeof savedFileSchema>;

export const MAX_SCREEN_SOURCES = 60;

/** A screen or a window that can be shared. Its name is a window's title: a text of strangers. */
export const screenSourceSchema = v.object({
  id: v.pipe(v.string(), v.regex(/^(?:screen|window):/u), v.maxLength(200)),
  name: v.pipe(v.string(), v.maxLength(300)),
  kind: v.picklist(["screen", "window"]),
  /** What it shows now, small. Absent where the system gave none. */
  thumbnail: v.optional(v.pipe(v.string(), v.regex(/^data:image\/(?:png|jpeg);base64,/u), v.maxLength(200_000))),
});
export type ScreenSource = v.InferOutput<typeof screenSourceSchema>;

const screenRequestIdSchema = v.pipe(v.string(), v.minLength(8), v.maxLength(64));

/** The page asked for a screen, and its user has to choose. Null: nothing is to be chosen any more. */
export const screenRequestSchema = v.nullable(
  v.object({
    requestId: screenRequestIdSchema,
    sources: v.pipe(v.array(screenSourceSchema), v.maxLength(MAX_SCREEN_SOURCES)),
    /** The computer's sound was asked for, and can be had with a screen. */
    canShareSound: v.boolean(),
    /** The system's privacy settings forbid it; the list says little then. */
    isDeniedBySystem: v.boolean(),
  }),
);
export type ScreenRequest = v.InferOutput<typeof screenRequestSchema>;

/** What the user chose; no source means that he shares nothing. */
export const screenChoiceSchema = v.object({
  requestId: screenRequestIdSchema,
  sourceId: v.optional(v.pipe(v.string(), v.maxLength(200))),
  withSound: v.boolean(),
});
export type ScreenChoice = v.InferOutput<typeof screenChoiceSchema>;

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
  /**
   * What can be shared, after the page called getDisplayMedia, and null when that is over. Never heard from a host
   * whose system, or browser, shows a dialog of its own.
   */
  onScreenSources(listener: (request: ScreenRequest) => void): () => void;
  chooseScreenSource(choice: ScreenChoice): void;
  /**
   * Has the window of calls do this, opening it where there is none, in front of all others. False where it cannot be
   * opened, as where a browser blocks it: then the page that asks holds the call itself. Answers false in the window
   * of calls, which does it itself.
   */
  openCall(request: CallRequest): boolean;
  /** Heard in the window of calls alone: what it is asked to do, once each, also what was asked before it listened. */
  onCallRequest(listener: (request: CallRequest) => void): () => void;
  /** Shows a place in the rooms' window, and brings that to the front. For the window of calls. */
  openMain(route: Route): void;
  /** Closes this window; only the window of calls does it, when it has nothing left to show. */
  closeWindow(): void;
  /** Makes the window of calls small and keeps it above all others, or gives it back its size and place. */
  setCompact(isCompact: boolean): void;
}

/** A call that rings, as its small window shows it. */
export const ringingCallSchema = v.object({
  accountId: accountIdSchema,
  callId: callIdSchema,
  peer: personSchema,
  media: callMediaSchema,
  isEncrypted: v.boolean(),
  /** As in CallView: what is wrong with the device that calls. */
  shield: v.optional(shieldSchema),
  isSilenced: v.boolean(),
  /** Another call runs, which an answer ends. */
  endsCurrentCall: v.boolean(),
});
export type RingingCall = v.InferOutput<typeof ringingCallSchema>;
export const ringingCallsSchema = v.pipe(v.array(ringingCallSchema), v.maxLength(20));

const ofCall = { accountId: accountIdSchema, callId: callIdSchema };

/** What the user does with a call that rings. */
export const incomingCallReplySchema = v.variant("reply", [
  v.object({ reply: v.literal("answer"), ...ofCall, media: callMediaSchema }),
  v.object({ reply: v.literal("decline"), ...ofCall }),
  /** Declines, and leads to the room, to write there. */
  v.object({ reply: v.literal("message"), ...ofCall }),
  /** Here it is silent; everything else goes on. */
  v.object({ reply: v.literal("silence"), ...ofCall }),
  v.object({ reply: v.literal("hide"), ...ofCall }),
]);
export type IncomingCallReply = v.InferOutput<typeof incomingCallReplySchema>;

/** How high the small window may be. */
export const incomingCallHeightSchema = v.pipe(v.number(), v.finite(), v.minValue(80), v.maxValue(1_000));

/** The object at `window.latticeIncomingCall`, in the small window of a ringing call alone. It has no engine. */
export interface IncomingCallHost {
  /** As `HostInfo.mediaBase`. */
  readonly mediaBase: string;
  onCalls(listener: (calls: readonly RingingCall[]) => void): () => void;
  reply(reply: IncomingCallReply): void;
  /** Makes the window as high as what it shows. */
  fitHeight(heightPx: number): void;
}

/** With this argument of its process a window's preload provides an IncomingCallHost. */
export const INCOMING_CALL_ARGUMENT = "--lattice-incoming-call";

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
  screenSources: "lattice:screen-sources",
  chooseScreenSource: "lattice:choose-screen-source",
  openCall: "lattice:open-call",
  callRequest: "lattice:call-request",
  openMain: "lattice:open-main",
  closeWindow: "lattice:close-window",
  setCompact: "lattice:set-compact",
  incomingCallInfo: "lattice:incoming-call-info",
  incomingCalls: "lattice:incoming-calls",
  incomingCallReply: "lattice:incoming-call-reply",
  incomingCallHeight: "lattice:incoming-call-height",
} as const;
