/**
 * Everything that an account's verifications show over the app: cards for requests, the dialog of the one that
 * runs. Mounted once per account by renderer/app; connects the topic and the commands to the views.
 * Invariants: whoever begins a verification only sends the command, and this shows it; closing the dialog of one
 * that runs cancels it; the end of one is shown until the user puts it away.
 */
import { useEffect, useEffectEvent, useState } from "react";
import type { AccountId } from "../../../preload/contract/ids.ts";
import type { VerificationView } from "../../../preload/contract/views.ts";
import { useEngineClient } from "../../engine-client/EngineProvider.tsx";
import { useAvatarUrl } from "../../engine-client/media-url.ts";
import { useCommand } from "../../engine-client/use-command.ts";
import { useTopic } from "../../engine-client/use-topic.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { advance, emptyStage, hasEnded, putAway, questionsOf } from "./verification-stage.ts";
import { VerificationCard } from "./VerificationCard.tsx";
import styles from "./verification.module.css";
import { VerificationDialog } from "./VerificationView.tsx";

const none: readonly VerificationView[] = [];

/** The surfaces of an account's verifications. */
export function VerificationHost({ accountId }: { accountId: AccountId }) {
  const topic = useTopic("verifications", { accountId });
  const items = topic.status === "ready" ? topic.items : none;
  const [stage, setStage] = useState(emptyStage);
  const next = topic.status === "ready" ? advance(stage, items) : stage;
  if (next !== stage) setStage(next);
  const away = (flowId: string) => setStage((before) => putAway(before, flowId));
  return (
    <>
      <div className={styles["cards"]} data-react-aria-top-layer="true">
        {questionsOf(next, items).map((view) => (
          <Question key={view.flowId} accountId={accountId} view={view} onAway={() => away(view.flowId)} />
        ))}
      </div>
      {next.shown === undefined ? null : (
        <Running key={next.shown.flowId} accountId={accountId} view={next.shown} onAway={(flowId) => away(flowId)} />
      )}
    </>
  );
}

function Question({ accountId, view, onAway }: { accountId: AccountId; view: VerificationView; onAway: () => void }) {
  const t = useText();
  const client = useEngineClient();
  const avatarUrl = useAvatarUrl(accountId);
  const accept = useCommand("verifications.accept");
  const { flowId } = view;
  const notNow = () => {
    onAway();
    // Another device of ours may still answer its own; a person would wait for us in vain.
    if (!view.isSelf) client.call("verifications.cancel", { accountId, flowId }).catch(() => {});
  };
  return (
    <VerificationCard
      view={view}
      avatarSrc={avatarUrl(view.other.avatarMxc)}
      isRunning={accept.isRunning}
      problem={accept.error && errorText(t, accept.error)}
      onAccept={() => void accept.run({ accountId, flowId })}
      onNotNow={notNow}
    />
  );
}

function Running({
  accountId,
  view,
  onAway,
}: {
  accountId: AccountId;
  view: VerificationView;
  onAway: (flowId: string) => void;
}) {
  const t = useText();
  const client = useEngineClient();
  const startEmoji = useCommand("verifications.startEmoji");
  const confirm = useCommand("verifications.confirm");
  const scan = useCommand("verifications.scan");
  const request = useCommand("verifications.request");
  const commands = [startEmoji, confirm, scan, request];
  const { flowId, other, otherDeviceId } = view;
  const error = commands.find((command) => command.error !== undefined)?.error;
  const forgetErrors = useEffectEvent(() => {
    for (const command of commands) if (command.error !== undefined) command.clearError();
  });
  // What went wrong in one phase is no news in the next.
  useEffect(() => forgetErrors(), [view.phase]);
  const close = () => {
    if (!hasEnded(view)) client.call("verifications.cancel", { accountId, flowId }).catch(() => {});
    onAway(flowId);
  };
  const tryAgain = async () => {
    const device = otherDeviceId !== undefined && view.isSelf ? { deviceId: otherDeviceId } : {};
    const result = await request.run({ accountId, userId: other.userId, ...device });
    if (result.ok) onAway(flowId);
  };
  return (
    <VerificationDialog
      view={view}
      isRunning={commands.some(({ isRunning }) => isRunning)}
      problem={error && errorText(t, error)}
      onStartEmoji={() => void startEmoji.run({ accountId, flowId })}
      onScanned={(qrCode) => void scan.run({ accountId, flowId, qrCode })}
      onConfirm={(isMatch) => void confirm.run({ accountId, flowId, isMatch })}
      onTryAgain={() => void tryAgain()}
      onClose={close}
    />
  );
}
