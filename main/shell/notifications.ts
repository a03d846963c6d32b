/**
 * Shows the engine's topic `notifications` as notifications of the system. Called by index.ts.
 * Invariant: the engine alone decides what is told, and takes it back by removing the item: each item is shown once,
 * and closed when it goes; a call's also when the engine is lost, since then nothing rings. Text of other users is plain
 * text also where the system understands markup. Systems whose notifications have no buttons show none.
 */
import { Notification } from "electron";
import type { AccountId, CallId } from "../../preload/contract/ids.ts";
import type { Route } from "../../preload/contract/shell-contract.ts";
import type { NotificationItem } from "../../preload/contract/views.ts";
import type { EngineLink } from "./engine-client.ts";
import type { ShellLog } from "./log.ts";

export type NotificationDeps = {
  engine: EngineLink;
  log: ShellLog;
  iconPath: string;
  /** A click: shows the window and leads it there. */
  open(route: Route): void;
  /** The user answers a call from here. */
  answer(call: { accountId: AccountId; callId: CallId }): void;
  /** Whether a call rings right now. */
  onRinging(isRinging: boolean): void;
};

/** A notification that is or was on the screen; `notification` is gone once the user has closed it. */
type Shown = { item: NotificationItem; notification: Notification | undefined };

/** In the order in which they are shown. */
const CALL_ACTIONS = ["Answer", "Decline"] as const;

/** Shows and takes back notifications until the returned function is called. */
export function showNotifications(deps: NotificationDeps): () => void {
  const shown = new Map<string, Shown>();
  const stopLost = deps.engine.onLost(() => {
    for (const [key, entry] of shown) {
      if (entry.item.kind !== "call") continue;
      shown.delete(key);
      entry.notification?.close();
    }
    deps.onRinging(false);
  });
  const stop = deps.engine.watch("notifications", {}, (items) => {
    const wanted = new Map(items.map((item) => [item.key, item]));
    for (const [key, entry] of shown) {
      if (wanted.has(key)) continue;
      shown.delete(key);
      entry.notification?.close();
    }
    for (const item of wanted.values()) {
      const before = shown.get(item.key);
      if (before && before.item.title === item.title && before.item.body === item.body) continue;
      before?.notification?.close();
      shown.set(item.key, { item, notification: show(deps, shown, item, before !== undefined) });
    }
    deps.onRinging(items.some((item) => item.kind === "call"));
  });
  return () => {
    stop();
    stopLost();
    for (const entry of shown.values()) entry.notification?.close();
    shown.clear();
  };
}

function show(
  deps: NotificationDeps,
  shown: Map<string, Shown>,
  item: NotificationItem,
  isUpdate: boolean,
): Notification | undefined {
  if (!Notification.isSupported()) return undefined;
  const isCall = item.kind === "call";
  const { accountId, roomId, callId } = item;
  const notification = new Notification({
    title: item.title,
    body: plainBody(item.body, process.platform),
    icon: deps.iconPath,
    // The window rings for a call; a text that only changed was heard already.
    silent: isCall || isUpdate || item.sound === undefined,
    urgency: isCall ? "critical" : "normal",
    timeoutType: isCall ? "never" : "default",
    actions: callId === undefined ? [] : CALL_ACTIONS.map((text) => ({ type: "button", text })),
  });
  const forget = (): void => {
    const entry = shown.get(item.key);
    if (entry?.notification === notification) entry.notification = undefined;
  };
  notification.on("click", () => {
    // Some servers leave a clicked notification standing, and afterwards it can no longer be closed.
    notification.close();
    deps.open({
      to: "room",
      accountId,
      roomId,
      ...(item.eventId === undefined || isCall ? {} : { eventId: item.eventId }),
    });
  });
  notification.on("action", ({ actionIndex }) => {
    if (callId === undefined) return;
    notification.close();
    if (CALL_ACTIONS[actionIndex] === "Answer") deps.answer({ accountId, callId });
    else
      deps.engine
        .call("calls.reject", { accountId, callId })
        .catch((error: unknown) => deps.log.error("a call cannot be declined", error));
  });
  notification.on("close", forget);
  notification.on("failed", () => {
    deps.log.warn("the system did not show a notification");
    forget();
  });
  notification.show();
  return notification;
}

/** Notification servers on Linux read the body as markup; links and pictures of a stranger must not get there. */
export function plainBody(body: string, platform: NodeJS.Platform): string {
  if (platform !== "linux") return body;
  return body.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
