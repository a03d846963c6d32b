/**
 * The window of calls: the surfaces of every account that was asked to call or answer here, and nothing else.
 * Rendered by Root where the host says that this is that window; its page holds the calls' media.
 * Invariants: what it is asked for is done once; it closes itself when everything that it was asked for is over and
 * read, and never while a command is on its way.
 */
import { useEffect, useRef, useState } from "react";
import { PhoneOff } from "lucide-react";
import * as v from "valibot";
import type { AccountId } from "../../preload/contract/ids.ts";
import { callRequestSchema } from "../../preload/contract/shell-contract.ts";
import type { LatticeHost } from "../../preload/contract/shell-contract.ts";
import { useEngineClient } from "../engine-client/EngineProvider.tsx";
import { beginCallHere, CallSurfaces, ScreenSourcePicker } from "../features/calls/index.ts";
import { useText } from "../text/text.ts";
import { Button } from "../ui/Button.tsx";
import { EmptyState } from "../ui/EmptyState.tsx";
import styles from "./calls-window.module.css";

/** From the last thing shown to the end of the window: the topic may bring a call a little after its command. */
const CLOSE_DELAY_MS = 400;

export type CallsWindowHost = Pick<
  LatticeHost,
  "info" | "onCallRequest" | "openMain" | "closeWindow" | "setCompact" | "onScreenSources" | "chooseScreenSource"
>;

/** All calls of this computer. */
export function CallsWindow({ host }: { host: CallsWindowHost }) {
  const t = useText();
  const client = useEngineClient();
  const [accountIds, setAccountIds] = useState<readonly AccountId[]>([]);
  const [hasBegun, setHasBegun] = useState(false);
  const [pendingCount, setPendingCount] = useState(0);
  const [busy, setBusy] = useState<ReadonlySet<AccountId>>(new Set());

  useEffect(
    () =>
      host.onCallRequest((data: unknown) => {
        const parsed = v.safeParse(callRequestSchema, data);
        if (!parsed.success) return;
        const { accountId, ask } = parsed.output;
        // Where a call rings, its answer finds the topic open.
        setAccountIds((before) => (before.includes(accountId) ? before : [...before, accountId]));
        if (ask === "show") return;
        setHasBegun(true);
        setPendingCount((count) => count + 1);
        void beginCallHere(client, parsed.output).finally(() => setPendingCount((count) => count - 1));
      }),
    [client, host],
  );

  // Calls that this window held and that go on without it, as after a reload of it, are ended by the engine.
  const isOver = hasBegun && pendingCount === 0 && busy.size === 0;
  useEffect(() => {
    if (!isOver) return;
    const timer = setTimeout(() => host.closeWindow(), CLOSE_DELAY_MS);
    return () => clearTimeout(timer);
  }, [host, isOver]);
  useEffect(() => {
    document.title = `${t("calls.windowTitle")} · ${t("app.name")}`;
  }, [t]);

  return (
    <main className={styles["window"]} data-theme="dark">
      {!hasBegun && busy.size === 0 ? (
        <EmptyState
          level={1}
          icon={<PhoneOff />}
          title={t("calls.windowEmptyTitle")}
          body={t("calls.windowEmptyBody")}
          action={<Button onPress={() => host.closeWindow()}>{t("calls.windowClose")}</Button>}
        />
      ) : pendingCount > 0 && busy.size === 0 ? (
        <p className={styles["starting"]} role="status">
          {t("calls.connecting")}
        </p>
      ) : null}
      {accountIds.map((accountId) => (
        <AccountCalls
          key={accountId}
          accountId={accountId}
          host={host}
          onIdle={(isIdle) =>
            setBusy((before) => {
              if (before.has(accountId) === !isIdle) return before;
              const after = new Set(before);
              if (isIdle) after.delete(accountId);
              else after.add(accountId);
              return after;
            })
          }
        />
      ))}
      <ScreenSourcePicker host={host} />
    </main>
  );
}

function AccountCalls({
  accountId,
  host,
  onIdle,
}: {
  accountId: AccountId;
  host: CallsWindowHost;
  onIdle: (isIdle: boolean) => void;
}) {
  const hear = useRef(onIdle);
  useEffect(() => {
    hear.current = onIdle;
  });
  const [ownWindow] = useState(() => ({
    onIdle: (isIdle: boolean) => hear.current(isIdle),
    ...(host.info.canPlaceWindows && { setCompact: (isCompact: boolean) => host.setCompact(isCompact) }),
  }));
  return (
    <CallSurfaces
      accountId={accountId}
      ownWindow={ownWindow}
      onReply={(roomId) => host.openMain({ to: "room", accountId, roomId })}
      onOpenRoom={(roomId) => host.openMain({ to: "room", accountId, roomId })}
      onSettings={() => host.openMain({ to: "settings" })}
    />
  );
}
