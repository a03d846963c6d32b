/**
 * The one quiet line about the connection: what is wrong, when it is tried again, and the way out.
 * `ConnectionBanner` connects, `ConnectionBannerView` draws from props (gallery). Mounted by AppShell.
 * Invariant: short troubles show nothing (1.2 s), and nothing is disabled that can be queued.
 */
import { useEffect, useState, useSyncExternalStore } from "react";
import { CircleAlert, CloudOff, KeyRound, RefreshCw } from "lucide-react";
import type { AccountRow } from "../../preload/contract/views.ts";
import { useEngineConnection } from "../engine-client/EngineProvider.tsx";
import { useCommand } from "../engine-client/use-command.ts";
import { useTopicItem } from "../engine-client/use-topic.ts";
import { errorText } from "../text/error-text.ts";
import { useText } from "../text/text.ts";
import { Banner } from "../ui/Banner.tsx";
import { Button } from "../ui/Button.tsx";
import { troubleOf } from "./connection-trouble.ts";
import type { ConnectionTrouble } from "./connection-trouble.ts";

const PATIENCE_MS = 1_200;
/** What the user has to act on is shown at once. */
const urgentKinds: ReadonlySet<ConnectionTrouble["kind"]> = new Set([
  "engine-failed",
  "signed-out",
  "sign-in-again",
  "stopped",
]);

/** The banner at work. */
export function ConnectionBanner({
  account,
  onSignInAgain,
  onRemoveAccount,
}: {
  account: AccountRow;
  onSignInAgain: () => void;
  onRemoveAccount: () => void;
}) {
  const t = useText();
  const connection = useEngineConnection();
  const sync = useTopicItem("syncState", { accountId: account.accountId });
  const isOnline = useSyncExternalStore(onOnlineChange, () => navigator.onLine);
  const retryNow = useCommand("sync.retryNow");
  const trouble = troubleOf(connection, account.state, sync, isOnline, sync?.error ? errorText(t, sync.error) : "");
  const isShown = useLasting(trouble?.kind);
  if (trouble === undefined || !isShown) return null;
  return (
    <ConnectionBannerView
      trouble={trouble}
      onTryNow={() => void retryNow.run({ accountId: account.accountId })}
      onSignInAgain={onSignInAgain}
      onRemoveAccount={onRemoveAccount}
    />
  );
}

export type ConnectionBannerViewProps = {
  trouble: ConnectionTrouble;
  onTryNow: () => void;
  onSignInAgain: () => void;
  onRemoveAccount: () => void;
};

/** The banner's line for one trouble. */
export function ConnectionBannerView({ trouble, onTryNow, onSignInAgain, onRemoveAccount }: ConnectionBannerViewProps) {
  const t = useText();
  const seconds = useSecondsUntil(trouble.kind === "waiting" ? trouble.retryAtMs : undefined);
  const tryNow = (
    <Button size="small" variant="quiet" onPress={onTryNow}>
      {t("app.tryNow")}
    </Button>
  );
  switch (trouble.kind) {
    case "engine-failed":
      return (
        <Banner
          tone="critical"
          icon={<CircleAlert />}
          actions={
            <Button size="small" variant="quiet" onPress={() => window.location.reload()}>
              {t("app.tryAgain")}
            </Button>
          }
        >
          {t("app.bannerEngineFailed", { message: trouble.message })}
        </Banner>
      );
    case "engine-restarting":
      return (
        <Banner tone="caution" icon={<RefreshCw />}>
          {t("app.bannerEngineRestarting")}
        </Banner>
      );
    case "signed-out":
      return (
        <Banner
          tone="critical"
          icon={<KeyRound />}
          actions={
            <Button size="small" variant="quiet" onPress={onRemoveAccount}>
              {t("app.signOut")}
            </Button>
          }
        >
          {t("app.bannerSignedOut")}
        </Banner>
      );
    case "sign-in-again":
      return (
        <Banner
          tone="caution"
          icon={<KeyRound />}
          actions={
            <Button size="small" variant="quiet" onPress={onSignInAgain}>
              {t("app.bannerSignInAgainAction")}
            </Button>
          }
        >
          {t("app.bannerSignInAgain")}
        </Banner>
      );
    case "offline":
      return (
        <Banner icon={<CloudOff />} actions={tryNow}>
          {t("app.bannerOffline")}
        </Banner>
      );
    case "stopped":
      return (
        <Banner tone="critical" icon={<CircleAlert />} actions={tryNow}>
          {t("app.bannerStopped", { message: trouble.message })}
        </Banner>
      );
    case "waiting":
      return (
        <Banner tone="caution" icon={<CloudOff />} actions={tryNow}>
          {seconds === undefined || seconds <= 0
            ? t("app.bannerServerNow")
            : t(trouble.isBusy ? "app.bannerServerBusy" : "app.bannerServer", { seconds })}
        </Banner>
      );
  }
}

function onOnlineChange(listener: () => void): () => void {
  window.addEventListener("online", listener);
  window.addEventListener("offline", listener);
  return () => {
    window.removeEventListener("online", listener);
    window.removeEventListener("offline", listener);
  };
}

/** True once there is a trouble that lasts, whatever it changes into meanwhile. */
function useLasting(kind: ConnectionTrouble["kind"] | undefined): boolean {
  const [hasLasted, setHasLasted] = useState(false);
  const hasTrouble = kind !== undefined;
  useEffect(() => {
    if (!hasTrouble) return;
    const timer = setTimeout(() => setHasLasted(true), PATIENCE_MS);
    return () => {
      clearTimeout(timer);
      setHasLasted(false);
    };
  }, [hasTrouble]);
  return kind !== undefined && (hasLasted || urgentKinds.has(kind));
}

function useSecondsUntil(atMs: number | undefined): number | undefined {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    if (atMs === undefined) return;
    setNowMs(Date.now());
    const timer = setInterval(() => setNowMs(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [atMs]);
  return atMs === undefined || !Number.isFinite(atMs) ? undefined : Math.ceil((atMs - nowMs) / 1_000);
}
