/**
 * Shows the engine's notifications with the web API, over a port of its own. Used by host.ts.
 * Invariant: each notification is shown once per window, and taken back when the engine takes its item back. Whether
 * something is to be told at all is the engine's decision, never made here.
 */
import * as v from "valibot";
import { engineFrameSchema, type Op } from "../../../preload/contract/frames.ts";
import type { EngineStatus, Route } from "../../../preload/contract/shell-contract.ts";
import { notificationSchema, type NotificationItem } from "../../../preload/contract/views.ts";
import { openSocket, type EngineSocket } from "./port-bridge.ts";

const SUBSCRIPTION_ID = 1;
/** What was told before this window was opened is old news. */
const NEWS_AGE_MS = 10_000;

/** Starts to show notifications; a click calls `onOpen`. */
export function showNotifications(onOpen: (route: Route) => void): { onEngineStatus(status: EngineStatus): void } {
  const openedAtMs = Date.now();
  const seen = new Set<string>();
  const shown = new Map<string, Notification>();
  let socket: EngineSocket | undefined;
  askForPermissionOnFirstGesture();

  const update = (items: readonly NotificationItem[]): void => {
    const keys = new Set(items.map((item) => item.key));
    for (const [key, notification] of shown) {
      if (keys.has(key)) continue;
      notification.close();
      shown.delete(key);
    }
    for (const key of seen) if (!keys.has(key)) seen.delete(key);
    for (const item of items) {
      if (seen.has(item.key)) continue;
      seen.add(item.key);
      if (item.shownAtMs < openedAtMs - NEWS_AGE_MS) continue;
      const notification = show(item, onOpen);
      if (notification) shown.set(item.key, notification);
    }
  };

  const follow = (): EngineSocket => {
    let items: unknown[] = [];
    let rev = 0;
    const opened = openSocket({
      onFrame(data) {
        const frame = v.safeParse(engineFrameSchema, data);
        if (!frame.success || frame.output.t !== "patch" || frame.output.id !== SUBSCRIPTION_ID) return;
        const { ops } = frame.output;
        if (ops[0]?.op !== "reset" && frame.output.rev !== rev + 1)
          return opened.send({ t: "resync", id: SUBSCRIPTION_ID });
        rev = frame.output.rev;
        for (const op of ops) items = applied(items, op);
        update(items.flatMap((item) => parsedItem(item) ?? []));
      },
      onClose: () => {},
    });
    opened.send({ t: "subscribe", id: SUBSCRIPTION_ID, topic: "notifications", args: {} });
    return opened;
  };

  return {
    onEngineStatus(status) {
      socket?.close();
      socket = status.state === "running" ? follow() : undefined;
    },
  };
}

function parsedItem(item: unknown): NotificationItem | undefined {
  const parsed = v.safeParse(notificationSchema, item);
  return parsed.success ? parsed.output : undefined;
}

function applied(items: readonly unknown[], op: Op): unknown[] {
  switch (op.op) {
    case "reset":
      return [...op.items];
    case "insert":
      return items.toSpliced(op.at, 0, op.item);
    case "replace":
      return items.with(op.at, op.item);
    case "cut":
      return items.toSpliced(op.at, 1);
  }
}

function show(item: NotificationItem, onOpen: (route: Route) => void): Notification | undefined {
  if (window.Notification.permission !== "granted") return undefined;
  const notification = new window.Notification(item.title, {
    body: item.body,
    tag: item.key,
    silent: item.sound === undefined,
    requireInteraction: item.kind === "call",
  });
  notification.addEventListener("click", () => {
    notification.close();
    const { accountId, roomId, eventId } = item;
    onOpen({ to: "room", accountId, roomId, ...(eventId === undefined ? {} : { eventId }) });
  });
  return notification;
}

/** Browsers let a page ask only while the user does something. */
function askForPermissionOnFirstGesture(): void {
  if (window.Notification.permission !== "default") return;
  window.addEventListener("pointerdown", () => void window.Notification.requestPermission(), { once: true });
}
