/**
 * The words for an error of the engine. The engine's own message is English and says more than its code, so it
 * is shown where the interface is English too; other languages translate by code.
 * Invariant: never empty, never a code.
 */
import type { EngineErrorData } from "../../preload/contract/errors.ts";
import type { Text } from "./text.ts";

/** What happened and what to do, in the user's language. */
export function errorText(t: Text, error: EngineErrorData): string {
  const isEnglish = document.documentElement.lang.startsWith("en");
  if (isEnglish && error.message.trim() !== "") return error.message;
  return t(`errors.${error.code}`);
}
