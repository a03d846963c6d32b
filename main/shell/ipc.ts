/**
 * The one registrar of channels between page and shell. Used by index.ts. Invariant: a message is handled only when
 * it comes from the main frame of one of our windows while that shows our own page, and when its arguments parse;
 * everything else is dropped and counted, and nothing a page sends can throw here.
 */
import type { IpcMain, IpcMainEvent, WebContents } from "electron";
import * as v from "valibot";
import { isAppUrl } from "./app-files.ts";
import type { ShellLog } from "./log.ts";

export interface IpcRegistrar {
  /** Handles a message without an answer. */
  on<S extends v.GenericSchema>(
    channel: string,
    schema: S,
    handle: (args: v.InferOutput<S>, sender: WebContents) => void,
  ): void;
  /** Answers a preload that waits; a stranger gets `null`. */
  answer(channel: string, value: (sender: WebContents) => unknown): void;
}

/** The registrar over Electron's ipcMain; `isOurs` says whether a page is one of our windows. */
export function openIpc(ipcMain: IpcMain, isOurs: (contents: WebContents) => boolean, log: ShellLog): IpcRegistrar {
  let refusedCount = 0;
  const refuse = (channel: string, reason: string): void => {
    refusedCount += 1;
    log.warn("a message of a page was refused", { channel, reason, refusedCount });
  };
  const isTrusted = (event: IpcMainEvent): boolean => {
    const frame = event.senderFrame;
    return frame !== null && isOurs(event.sender) && isSameFrame(frame, event.sender.mainFrame) && isAppUrl(frame.url);
  };
  return {
    on(channel, schema, handle) {
      ipcMain.on(channel, (event, ...args: unknown[]) => {
        if (!isTrusted(event)) return refuse(channel, "sender");
        const parsed = v.safeParse(schema, args[0]);
        if (args.length > 1 || !parsed.success) return refuse(channel, "arguments");
        try {
          handle(parsed.output, event.sender);
        } catch (error) {
          log.error("a message of a page cannot be handled", error);
        }
      });
    },
    answer(channel, value) {
      ipcMain.on(channel, (event) => {
        const trusted = isTrusted(event);
        if (!trusted) refuse(channel, "sender");
        event.returnValue = trusted ? value(event.sender) : null;
      });
    },
  };
}

type FrameIds = { processId: number; routingId: number };

/** Electron may wrap one frame in two objects. */
export const isSameFrame = (one: FrameIds, other: FrameIds): boolean =>
  one.processId === other.processId && one.routingId === other.routingId;
