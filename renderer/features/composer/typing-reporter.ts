/**
 * Tells the room that we write: at once with the first key, again every twenty seconds for as long as keys come,
 * and that we stopped when the text is sent, emptied or left. Driven by ComposerPane.
 * Invariant: a stop is only ever reported after a start, and never more than one start in twenty seconds.
 * spec: client-server, "Typing notifications".
 */

/** Below the engine's time-out, so that a steady writer never seems to pause. */
export const TYPING_REPEAT_MS = 20_000;

export type TypingReporter = {
  /** A key changed the text. */
  typed(text: string): void;
  /** The text was sent or emptied, or the user went elsewhere. */
  stopped(): void;
};

/** Makes the reporter of one room; `nowMs` is the caller's clock. */
export function createTypingReporter(report: (isTyping: boolean) => void, nowMs: () => number): TypingReporter {
  let reportedAtMs: number | undefined;
  const stopped = () => {
    if (reportedAtMs === undefined) return;
    reportedAtMs = undefined;
    report(false);
  };
  return {
    typed(text) {
      if (text.trim() === "") return stopped();
      const now = nowMs();
      if (reportedAtMs !== undefined && now - reportedAtMs < TYPING_REPEAT_MS) return;
      reportedAtMs = now;
      report(true);
    },
    stopped,
  };
}
