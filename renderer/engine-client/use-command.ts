/**
 * Runs a command of the engine from a component and keeps its state for the view: running, failed.
 * Used by forms and buttons; what needs no state calls the client directly.
 * Invariant: `run` never rejects, a result of an earlier run does not overwrite that of a later one, and
 * unmounting lets the command finish.
 */
import { useCallback, useRef, useState } from "react";
import type { CommandArgs, CommandName, CommandReply } from "../../preload/contract/engine-contract.ts";
import type { EngineErrorData } from "../../preload/contract/errors.ts";
import { toCommandErrorData } from "./command-error.ts";
import { useEngineClient } from "./EngineProvider.tsx";

export type CommandResult<C extends CommandName> =
  | { ok: true; value: CommandReply<C> }
  | { ok: false; error: EngineErrorData };

export type CommandHandle<C extends CommandName> = {
  run: (args: CommandArgs<C>) => Promise<CommandResult<C>>;
  isRunning: boolean;
  error: EngineErrorData | undefined;
  /** Forgets the error. */
  clearError: () => void;
};

type CommandState = { isRunning: boolean; error: EngineErrorData | undefined };
const QUIET: CommandState = { isRunning: false, error: undefined };

/** A command with its state. */
export function useCommand<C extends CommandName>(command: C): CommandHandle<C> {
  const client = useEngineClient();
  const [state, setState] = useState(QUIET);
  const latestRun = useRef(0);
  const run = useCallback(
    async (args: CommandArgs<C>): Promise<CommandResult<C>> => {
      const thisRun = ++latestRun.current;
      const settle = (next: CommandState) => {
        if (latestRun.current === thisRun) setState(next);
      };
      settle({ isRunning: true, error: undefined });
      try {
        const value = await client.call(command, args);
        settle(QUIET);
        return { ok: true, value };
      } catch (thrown) {
        const error = toCommandErrorData(thrown);
        settle({ isRunning: false, error: error.code === "cancelled" ? undefined : error });
        return { ok: false, error };
      }
    },
    [client, command],
  );
  const clearError = useCallback(() => setState(QUIET), []);
  return { run, ...state, clearError };
}
