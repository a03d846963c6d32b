/**
 * Runs a command that may need the account's password: first without; where the server asks, the same again with
 * what the user entered. Used by the set-up, the reset and signing devices out. spec: client-server,
 * "User-Interactive Authentication".
 * Invariant: the password is held only while the command runs, and a wrong one leaves the arguments as they were.
 */
import { useRef, useState } from "react";
import type { CommandArgs, CommandReply } from "../../../preload/contract/engine-contract.ts";
import type { EngineErrorData } from "../../../preload/contract/errors.ts";
import { useCommand } from "../../engine-client/use-command.ts";

type PasswordCommand = "encryption.setUpRecovery" | "encryption.resetIdentity" | "devices.signOut";

export type PasswordCommandHandle<C extends PasswordCommand> = {
  /** Resolves to whether it was done; false also where the password is asked for now. */
  start: (args: Omit<CommandArgs<C>, "password">) => Promise<boolean>;
  /** The same once more, with the password. */
  submitPassword: (password: string) => Promise<boolean>;
  /** The user would rather not. */
  giveUp: () => void;
  needsPassword: boolean;
  isPasswordWrong: boolean;
  isRunning: boolean;
  /** Anything but the question for the password. */
  error: EngineErrorData | undefined;
};

/** The command with its question. */
export function usePasswordCommand<C extends PasswordCommand>(name: C): PasswordCommandHandle<C> {
  const command = useCommand<C>(name);
  const pending = useRef<Omit<CommandArgs<C>, "password">>(undefined);
  const [question, setQuestion] = useState<"none" | "asked" | "wrong">("none");

  const attempt = async (args: CommandArgs<C>, hasPassword: boolean): Promise<boolean> => {
    const result: { ok: true; value: CommandReply<C> } | { ok: false; error: EngineErrorData } =
      await command.run(args);
    if (result.ok) {
      pending.current = undefined;
      setQuestion("none");
      return true;
    }
    const { code } = result.error;
    if (code === "password-needed" || (hasPassword && code === "wrong-credentials")) {
      setQuestion(hasPassword ? "wrong" : "asked");
      command.clearError();
    } else if (hasPassword) setQuestion("asked");
    return false;
  };

  return {
    start: (args) => {
      pending.current = args;
      setQuestion("none");
      return attempt(args as CommandArgs<C>, false);
    },
    submitPassword: (password) =>
      pending.current === undefined
        ? Promise.resolve(false)
        : attempt({ ...pending.current, password } as CommandArgs<C>, true),
    giveUp: () => {
      pending.current = undefined;
      setQuestion("none");
      command.clearError();
    },
    needsPassword: question !== "none",
    isPasswordWrong: question === "wrong",
    isRunning: command.isRunning,
    error: command.error,
  };
}
