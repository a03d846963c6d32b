/**
 * Has the file of a message fetched, one wish at a time, and keeps what became of it for the view. Used by the parts
 * that show files. Invariant: who leaves takes the wish back, and a wish that was taken back is no error.
 */
import { useCallback, useEffect, useRef, useState } from "react";
import type { EngineErrorData } from "../../../preload/contract/errors.ts";
import type { MessageItem } from "./group-items.ts";
import type { FetchFile, FetchPurpose } from "./timeline-actions.ts";

export type FetchedFile = {
  /** Undefined where files cannot be had at all. */
  fetch: ((purpose: FetchPurpose) => Promise<"here" | "not-here">) | undefined;
  running: FetchPurpose | undefined;
  error: EngineErrorData | undefined;
  cancel: () => void;
};

/** The fetching of this message's file. */
export function useFetchedFile(item: MessageItem, onFetchFile: FetchFile | undefined): FetchedFile {
  const [running, setRunning] = useState<FetchPurpose>();
  const [error, setError] = useState<EngineErrorData>();
  const wish = useRef<AbortController>(undefined);
  useEffect(() => () => wish.current?.abort(), []);
  const cancel = useCallback(() => wish.current?.abort(), []);
  const fetch = async (purpose: FetchPurpose): Promise<"here" | "not-here"> => {
    if (onFetchFile === undefined || wish.current !== undefined) return "not-here";
    const controller = new AbortController();
    wish.current = controller;
    setRunning(purpose);
    setError(undefined);
    const problem = await onFetchFile(item, purpose, controller.signal);
    wish.current = undefined;
    setRunning(undefined);
    setError(problem?.code === "cancelled" ? undefined : problem);
    return problem === undefined ? "here" : "not-here";
  };
  return { fetch: onFetchFile && fetch, running, error, cancel };
}
