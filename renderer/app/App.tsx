/**
 * Decides what the window shows: starting, failed, sign-in, or the account's rooms.
 * Rendered by Root under an EngineProvider. Invariant: an account stays on the screen while the engine
 * restarts; only the engine's own word ("no accounts") leads to the sign-in screen.
 */
import { useEffect } from "react";
import { CircleAlert } from "lucide-react";
import type { LatticeHost } from "../../preload/contract/shell-contract.ts";
import { useEngineConnection } from "../engine-client/EngineProvider.tsx";
import { useTopic } from "../engine-client/use-topic.ts";
import { SignInPane } from "../features/sign-in/index.ts";
import { errorText } from "../text/error-text.ts";
import { useText } from "../text/text.ts";
import { Button } from "../ui/Button.tsx";
import { EmptyState } from "../ui/EmptyState.tsx";
import { AppShell } from "./AppShell.tsx";
import { openRoom, useOpenRoomId } from "./navigation.ts";
import { StartingView } from "./StartingView.tsx";

/** The app, once there is a host. */
export function App({ host }: { host: LatticeHost }) {
  const t = useText();
  const accounts = useTopic("accounts", {});
  const connection = useEngineConnection();
  const openRoomId = useOpenRoomId();
  const account =
    accounts.status === "ready"
      ? (accounts.items.find((row) => row.state !== "signed-out") ?? accounts.items[0])
      : undefined;
  const isSigningIn = accounts.status === "ready" && account === undefined;
  useEffect(() => {
    if (isSigningIn) document.title = `${t("signIn.pageTitle")} · ${t("app.name")}`;
  }, [isSigningIn, t]);

  if (account)
    return (
      <AppShell key={account.accountId} account={account} host={host} openRoomId={openRoomId} onOpenRoom={openRoom} />
    );
  if (isSigningIn && connection.state !== "failed") return <SignInPane />;
  const problem =
    connection.state === "failed"
      ? connection.message
      : accounts.status === "lost"
        ? errorText(t, accounts.error)
        : undefined;
  if (problem === undefined) return <StartingView />;
  return (
    <main style={{ blockSize: "100%" }}>
      <EmptyState
        level={1}
        icon={<CircleAlert />}
        title={t("app.engineFailedTitle")}
        body={problem}
        action={
          <Button variant="primary" onPress={() => window.location.reload()}>
            {t("app.tryAgain")}
          </Button>
        }
      />
    </main>
  );
}
