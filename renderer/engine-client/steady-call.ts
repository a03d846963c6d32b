/**
 * A call that outlives its engine: where the engine ended before it replied, the call is made again as soon as there is
 * another one. Used where the user has pressed "send" and has nothing to decide.
 * Invariant: only for commands that may come twice, because their txnId tells the engine that it is the same one.
 */
import type { CommandArgs, CommandReply } from "../../preload/contract/engine-contract.ts";
import { toCommandErrorData } from "./command-error.ts";
import type { EngineClient } from "./engine-client.ts";

/** What needs longer is given back to the user, who sees by then that something is wrong. */
const MAX_WAIT_MS = 10_000;
/** An engine that ends so often over one command will end over it again. */
const MAX_INTERRUPTIONS = 3;

/** Resolves with the reply; rejects with CommandError only, with `offline` where no engine came back. */
export async function callSteadily<C extends "outbox.send" | "outbox.edit">(
  client: EngineClient,
  command: C,
  args: CommandArgs<C>,
): Promise<CommandReply<C>> {
  for (let interruptions = 0; ; interruptions += 1) {
    try {
      return await client.call(command, args);
    } catch (error) {
      if (toCommandErrorData(error).code !== "offline" || interruptions === MAX_INTERRUPTIONS) throw error;
      if (!(await isBack(client))) throw error;
    }
  }
}

/** Whether there is an engine again, in time. */
function isBack(client: EngineClient): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (isConnected: boolean) => {
      clearTimeout(timer);
      unsubscribe();
      resolve(isConnected);
    };
    const look = () => {
      const { state } = client.connection();
      if (state === "connected" || state === "failed") settle(state === "connected");
    };
    const timer = setTimeout(() => settle(false), MAX_WAIT_MS);
    const unsubscribe = client.onConnection(look);
    look();
  });
}
