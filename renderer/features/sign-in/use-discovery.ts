/**
 * Asks the server behind the typed address, a moment after the user stopped typing. Used by SignInPane.
 * Invariant: the state always belongs to the address given last; an answer to an earlier one is dropped.
 */
import { useCallback, useRef, useState } from "react";
import type { CommandReply } from "../../../preload/contract/engine-contract.ts";
import type { EngineErrorData } from "../../../preload/contract/errors.ts";
import { toCommandErrorData } from "../../engine-client/command-error.ts";
import { useEngineClient } from "../../engine-client/EngineProvider.tsx";
import { readAddress } from "./address.ts";

const DEBOUNCE_MS = 450;

export type ServerAnswer = CommandReply<"accounts.discover">;
export type Discovery =
  /** Nothing that could be asked yet. */
  | { state: "idle" }
  | { state: "checking"; server: string }
  | { state: "found"; answer: ServerAnswer }
  | { state: "failed"; error: EngineErrorData };

const IDLE: Discovery = { state: "idle" };

export type DiscoveryHandle = {
  discovery: Discovery;
  /** The address changed; asks soon. */
  changeAddress: (text: string) => void;
  /** The answer for this address now: the known one, or a fresh one. */
  askNow: (text: string) => Promise<ServerAnswer | undefined>;
};

/** The live answer of the server that the user names. */
export function useDiscovery(): DiscoveryHandle {
  const client = useEngineClient();
  const [discovery, setDiscovery] = useState<Discovery>(IDLE);
  const running = useRef<{ text: string; abort: AbortController; answer: Promise<ServerAnswer | undefined> }>(
    undefined,
  );
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  const ask = useCallback(
    (text: string): Promise<ServerAnswer | undefined> => {
      const address = readAddress(text);
      running.current?.abort.abort();
      running.current = undefined;
      if (address.kind === "incomplete") {
        setDiscovery(IDLE);
        return Promise.resolve(undefined);
      }
      const abort = new AbortController();
      setDiscovery({ state: "checking", server: address.server });
      const answer = client.call("accounts.discover", { address: text.trim() }, { signal: abort.signal }).then(
        (found) => {
          if (!abort.signal.aborted) setDiscovery({ state: "found", answer: found });
          return found;
        },
        (error: unknown) => {
          if (!abort.signal.aborted) {
            running.current = undefined;
            setDiscovery({ state: "failed", error: toCommandErrorData(error) });
          }
          return undefined;
        },
      );
      running.current = { text, abort, answer };
      return answer;
    },
    [client],
  );

  const changeAddress = useCallback(
    (text: string) => {
      clearTimeout(timer.current);
      if (running.current?.text === text) return;
      running.current?.abort.abort();
      running.current = undefined;
      setDiscovery(IDLE);
      timer.current = setTimeout(() => void ask(text), DEBOUNCE_MS);
    },
    [ask],
  );

  const askNow = useCallback(
    (text: string) => {
      clearTimeout(timer.current);
      return running.current?.text === text ? running.current.answer : ask(text);
    },
    [ask],
  );

  return { discovery, changeAddress, askNow };
}
