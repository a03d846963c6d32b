/**
 * The one quiet line about an account's encryption: what comes next, what is wrong, or how far history has come.
 * `EncryptionBanner` connects, `EncryptionBannerView` draws. Mounted by renderer/app under the connection's line.
 * Invariant: at most one line, the most pressing; nothing while the connection is being opened.
 */
import { KeyRound, LoaderCircle, ShieldAlert, TriangleAlert } from "lucide-react";
import type { AccountRow, EncryptionView } from "../../../preload/contract/views.ts";
import { useTopicItem } from "../../engine-client/use-topic.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { Banner } from "../../ui/Banner.tsx";
import { Button } from "../../ui/Button.tsx";
import { counted } from "./health.ts";

export type EncryptionNews =
  | { kind: "not-ready"; message: string }
  | { kind: "identity-changed" }
  | { kind: "create" | "verify" | "recovery" }
  | { kind: "restoring"; done: number; total: number };

/** What there is to say, if anything. `message` is the error's, in words. */
export function newsOf(view: EncryptionView, message: string): EncryptionNews | undefined {
  if (view.state === "waiting" || view.state === "failed") return { kind: "not-ready", message };
  if (view.state === "opening") return undefined;
  if (view.hasIdentityChanged) return { kind: "identity-changed" };
  if (view.nextStep !== "none") return { kind: view.nextStep };
  const { restoring } = view.backup;
  return restoring && restoring.totalCount > 0
    ? { kind: "restoring", done: restoring.doneCount, total: restoring.totalCount }
    : undefined;
}

/** The banner at work. */
export function EncryptionBanner({
  account,
  onSetUp,
  onShowHealth,
}: {
  account: AccountRow;
  onSetUp: () => void;
  onShowHealth: () => void;
}) {
  const t = useText();
  const view = useTopicItem("encryption", { accountId: account.accountId });
  const news = view && newsOf(view, view.error ? errorText(t, view.error) : "");
  if (news === undefined || account.state !== "signed-in") return null;
  return <EncryptionBannerView news={news} onSetUp={onSetUp} onShowHealth={onShowHealth} />;
}

/** The banner's line. */
export function EncryptionBannerView({
  news,
  onSetUp,
  onShowHealth,
}: {
  news: EncryptionNews;
  onSetUp: () => void;
  onShowHealth: () => void;
}) {
  const t = useText();
  const action = (words: string, onPress: () => void) => (
    <Button size="small" variant="quiet" onPress={onPress}>
      {words}
    </Button>
  );
  switch (news.kind) {
    case "not-ready":
      return (
        <Banner tone="critical" icon={<TriangleAlert />}>
          {t("encryption.bannerNotReady", { message: news.message })}
        </Banner>
      );
    case "identity-changed":
      return (
        <Banner
          tone="critical"
          icon={<ShieldAlert />}
          actions={action(t("encryption.bannerIdentityChangedAction"), onShowHealth)}
        >
          {t("encryption.bannerIdentityChanged")}
        </Banner>
      );
    case "create":
      return (
        <Banner tone="caution" icon={<KeyRound />} actions={action(t("encryption.bannerCreateAction"), onSetUp)}>
          {t("encryption.bannerCreate")}
        </Banner>
      );
    case "verify":
      return (
        <Banner tone="caution" icon={<ShieldAlert />} actions={action(t("encryption.bannerVerifyAction"), onSetUp)}>
          {t("encryption.bannerVerify")}
        </Banner>
      );
    case "recovery":
      return (
        <Banner tone="caution" icon={<KeyRound />} actions={action(t("encryption.bannerRecoveryAction"), onSetUp)}>
          {t("encryption.bannerRecovery")}
        </Banner>
      );
    case "restoring":
      return <Banner icon={<LoaderCircle />}>{t("encryption.bannerRestoring", counted(news))}</Banner>;
  }
}
