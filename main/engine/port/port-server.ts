/**
 * The port server: speaks the contract over one port with one client. Used by the entries.
 * Invariant: nothing that comes over a port can throw past this file: frames and arguments are parsed, what
 * does not parse is answered with `invalid-request` or dropped and counted. A closed port leaves nothing
 * behind: its commands are cancelled, its subscriptions ended, its calls hung up, its attention forgotten.
 */
import { randomUUID } from "node:crypto";
import * as v from "valibot";
import {
  CONTRACT_VERSION,
  engineCommands,
  engineTopics,
  isCommandName,
  isTopicName,
  type CommandName,
} from "../../../preload/contract/engine-contract.ts";
import {
  clientFrameSchema,
  type ClientFrame,
  type EngineFrame,
  type FramePort,
} from "../../../preload/contract/frames.ts";
import { EngineError, toErrorData, type EngineErrorData } from "../base/errors.ts";
import type { EngineCore } from "../session/engine.ts";
import { commandHandlers, type CommandContext } from "./command-handlers.ts";
import { openTopicHub, type Subscription } from "./topic-hub.ts";
import { topicSource } from "./topic-views.ts";

/** No client needs more at a time; one that asks for more is broken or hostile. */
const MAX_RUNNING_COMMANDS = 256;
const MAX_SUBSCRIPTIONS = 256;

export function openPortServer(core: EngineCore) {
  const log = core.log.child("port");
  const engineId = randomUUID();
  const hub = openTopicHub((error) => log.error("topic failed", error));
  const stopListening = core.onPublish(hub.publish);
  /** 0 stands for "no port" where calls are asked who holds their media. */
  let lastPortId = 0;
  const open = new Set<() => void>();

  function connect(port: FramePort): void {
    lastPortId += 1;
    const portId = lastPortId;
    const running = new Map<number, AbortController>();
    const subscriptions = new Map<number, Subscription>();
    let isOpen = true;
    let droppedFrames = 0;

    const post = (frame: EngineFrame) => {
      if (!isOpen) return;
      try {
        port.post(frame);
      } catch (error) {
        log.error("frame not posted", error);
      }
    };
    const fail = (id: number, error: EngineErrorData) => post({ t: "failed", id, error });

    function onFrame(raw: unknown): void {
      if (!isOpen) return;
      const parsed = v.safeParse(clientFrameSchema, raw);
      if (!parsed.success) {
        droppedFrames += 1;
        if (droppedFrames === 1) log.warn("frame dropped", { portId });
        return;
      }
      const frame = parsed.output;
      switch (frame.t) {
        case "call":
          return void call(frame);
        case "cancel":
          return running.get(frame.id)?.abort();
        case "subscribe":
          return subscribe(frame);
        case "unsubscribe":
          subscriptions.get(frame.id)?.close();
          subscriptions.delete(frame.id);
          return;
        case "resync":
          return subscriptions.get(frame.id)?.resync();
      }
    }

    async function call(frame: Extract<ClientFrame, { t: "call" }>): Promise<void> {
      const { id, command } = frame;
      if (!isCommandName(command)) return fail(id, invalid(`There is no command "${command}".`));
      if (running.has(id) || running.size >= MAX_RUNNING_COMMANDS)
        return fail(id, invalid("Too many commands at once."));
      const args = v.safeParse(engineCommands[command].args, frame.args);
      if (!args.success)
        return fail(id, invalid(`The arguments of ${command} do not fit: ${v.summarize(args.issues).slice(0, 300)}`));
      const controller = new AbortController();
      running.set(id, controller);
      try {
        const value = await run(command, args.output, { core, hub, portId, signal: controller.signal });
        post({ t: "reply", id, value });
      } catch (error) {
        if (controller.signal.aborted) {
          fail(id, { code: "cancelled", message: "This was cancelled." });
        } else {
          if (!(error instanceof EngineError)) log.error("command failed", error, { command });
          fail(id, toErrorData(error));
        }
      } finally {
        running.delete(id);
      }
    }

    function subscribe(frame: Extract<ClientFrame, { t: "subscribe" }>): void {
      const { id, topic } = frame;
      const lost = (error: EngineErrorData) => {
        subscriptions.delete(id);
        post({ t: "lost", id, error });
      };
      if (!isTopicName(topic)) return lost(invalid(`There is no topic "${topic}".`));
      if (subscriptions.has(id) || subscriptions.size >= MAX_SUBSCRIPTIONS)
        return lost(invalid("Too many subscriptions at once."));
      const args = v.safeParse(engineTopics[topic].args, frame.args);
      if (!args.success)
        return lost(invalid(`The arguments of ${topic} do not fit: ${v.summarize(args.issues).slice(0, 300)}`));
      try {
        const source = topicSource(core, topic, args.output as never, portId);
        const subscription = hub.subscribe(source, {
          patch: (rev, ops) => post({ t: "patch", id, rev, ops: [...ops] as never }),
          lost,
        });
        subscriptions.set(id, subscription);
      } catch (error) {
        if (!(error instanceof EngineError)) log.error("subscription failed", error, { topic });
        lost(toErrorData(error));
      }
    }

    function close(): void {
      if (!isOpen) return;
      isOpen = false;
      open.delete(close);
      for (const controller of running.values()) controller.abort();
      for (const subscription of subscriptions.values()) subscription.close();
      subscriptions.clear();
      core.attention.set(portId, undefined);
      for (const { accountId } of core.accountRows()) core.session(accountId).calls.portClosed(portId);
      port.close();
    }

    open.add(close);
    port.onClose(close);
    port.onFrame(onFrame);
    post({ t: "hello", contractVersion: CONTRACT_VERSION, engineId });
  }

  return {
    connect,
    close(): void {
      stopListening();
      for (const close of open) close();
      hub.close();
    },
  };
}
export type PortServer = ReturnType<typeof openPortServer>;

/** The handler's type follows from the command's name; a union of names needs this one widening. */
const run = (command: CommandName, args: unknown, context: CommandContext): unknown =>
  (commandHandlers[command] as (args: unknown, context: CommandContext) => unknown)(args, context);

const invalid = (message: string): EngineErrorData => ({ code: "invalid-request", message });
