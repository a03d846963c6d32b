/**
 * The keyboard map: one table that feeds the handlers, the tooltips and the help sheet, so that they agree.
 * Used by AppShell and ShortcutsDialog. `Mod` is Command on a Mac and Control elsewhere.
 * Invariant: each action has one binding, and no binding takes a plain letter away from text.
 */
import { useEffect, useEffectEvent } from "react";

export type ShortcutId =
  | "search"
  | "newDirect"
  | "newRoom"
  | "previousRoom"
  | "nextRoom"
  | "previousUnread"
  | "nextUnread"
  | "roomInfo"
  | "backToList"
  | "settings"
  | "shortcuts";

type Binding = { id: ShortcutId; key: string; isMod?: boolean; isShift?: boolean; isAlt?: boolean };

export const keyboardMap: readonly Binding[] = [
  { id: "search", key: "k", isMod: true },
  { id: "newDirect", key: "n", isMod: true },
  { id: "newRoom", key: "n", isMod: true, isShift: true },
  { id: "previousRoom", key: "ArrowUp", isAlt: true },
  { id: "nextRoom", key: "ArrowDown", isAlt: true },
  { id: "previousUnread", key: "ArrowUp", isAlt: true, isShift: true },
  { id: "nextUnread", key: "ArrowDown", isAlt: true, isShift: true },
  { id: "roomInfo", key: "i", isMod: true, isShift: true },
  { id: "backToList", key: "ArrowLeft", isAlt: true },
  { id: "settings", key: ",", isMod: true },
  { id: "shortcuts", key: "/", isMod: true },
];

/** What a running call listens for itself, over whatever is in front. Here for the help sheet. */
export const callKeyboardMap: readonly (Omit<Binding, "id"> & { id: "microphone" | "camera" })[] = [
  { id: "microphone", key: "d", isMod: true },
  { id: "camera", key: "e", isMod: true },
];

const isMacPlatform = (): boolean => /mac|darwin/iu.test(navigator.platform);

type KeyPress = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">;

/** The action that a key press asks for. */
export function shortcutOf(press: KeyPress, isMac: boolean = isMacPlatform()): ShortcutId | undefined {
  const isMod = isMac ? press.metaKey : press.ctrlKey;
  const isOther = isMac ? press.ctrlKey : press.metaKey;
  if (isOther) return undefined;
  const found = keyboardMap.find(
    (binding) =>
      binding.key.toLowerCase() === press.key.toLowerCase() &&
      (binding.isMod ?? false) === isMod &&
      (binding.isShift ?? false) === press.shiftKey &&
      (binding.isAlt ?? false) === press.altKey,
  );
  return found?.id;
}

const keyNames: Readonly<Record<string, string>> = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←" };

/** The binding as shown to the user, e.g. "Ctrl K" or "⌘K". */
export function shortcutLabel(id: ShortcutId | "microphone" | "camera", isMac: boolean = isMacPlatform()): string {
  const binding = [...keyboardMap, ...callKeyboardMap].find((candidate) => candidate.id === id);
  if (!binding) return "";
  const key = keyNames[binding.key] ?? binding.key.toUpperCase();
  if (isMac) return `${binding.isAlt ? "⌥" : ""}${binding.isShift ? "⇧" : ""}${binding.isMod ? "⌘" : ""}${key}`;
  return [binding.isMod && "Ctrl", binding.isAlt && "Alt", binding.isShift && "Shift", key].filter(Boolean).join(" ");
}

/** Runs the handlers on their key presses, unless a dialog, a menu or a call is in front. */
export function useShortcuts(handlers: Partial<Record<ShortcutId, () => void>>): void {
  const onKeyDown = useEffectEvent((event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing) return;
    const id = shortcutOf(event);
    const handler = id && handlers[id];
    if (!handler || document.querySelector("[role=dialog][data-rac], [role=alertdialog], [role=menu], [data-over-app]"))
      return;
    event.preventDefault();
    handler();
  });
  useEffect(() => {
    const listen = (event: KeyboardEvent) => onKeyDown(event);
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
}
