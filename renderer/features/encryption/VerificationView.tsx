/**
 * One verification as the user goes through it: asked, ready, comparing, waiting, over. Draws from props; the host
 * (VerificationHost) runs the commands. spec: e2ee, "Device verification".
 * Invariants: each phase has one heading, which takes the focus when the phase begins, so that keyboard and screen
 * reader follow; the answers of a comparison never have the focus by themselves, so that a stray Enter says nothing;
 * emoji are read by name.
 */
import { useEffect, useRef, useState } from "react";
import type { ReactNode } from "react";
import {
  CheckCheck,
  MonitorSmartphone,
  ScanLine,
  ShieldAlert,
  ShieldCheck,
  ShieldX,
  Smile,
  UserRound,
} from "lucide-react";
import type { VerificationView as Verification } from "../../../preload/contract/views.ts";
import { formatDuration } from "../../text/format.ts";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog, DialogActions } from "../../ui/Dialog.tsx";
import { cancelWords } from "./cancel-words.ts";
import { emojiName } from "./emoji-names.ts";
import { Problem, Sign } from "./parts.tsx";
import type { SignTone } from "./parts.tsx";
import { QrCode } from "./QrCode.tsx";
import { QrScanner } from "./QrScanner.tsx";
import { useTimeLeft } from "./use-time-left.ts";
import { hasEnded } from "./verification-stage.ts";
import styles from "./verification.module.css";

export type VerificationViewProps = {
  view: Verification;
  /** A command of ours runs. */
  isRunning: boolean;
  problem: string | undefined;
  onStartEmoji: () => void;
  onScanned: (qrCode: string) => void;
  onConfirm: (isMatch: boolean) => void;
  onTryAgain: () => void;
  /** Cancels what runs, and puts the dialog away. */
  onClose: () => void;
  /** In place of the camera; for the gallery. */
  scanner?: ReactNode;
  startsScanning?: boolean;
};

/** The verification's dialog. */
export function VerificationDialog(props: VerificationViewProps) {
  const t = useText();
  const { view, onClose } = props;
  const [isScanning, setIsScanning] = useState(props.startsScanning ?? false);
  const isOver = hasEnded(view);
  const stage = view.phase === "ready" && isScanning ? "scan" : view.phase;
  return (
    <Dialog
      title={
        view.isSelf
          ? t("encryption.verifyTitleSelf")
          : t("encryption.verifyTitlePerson", { name: view.other.displayName })
      }
      isOpen
      onClose={onClose}
      isDismissable={isOver}
      {...(hasOwnWayOut(stage) ? {} : { closeLabel: t("encryption.verifyCancel") })}
    >
      <div key={stage} className={styles["stage"]}>
        {stage === "scan" ? (
          <ScanStage {...props} onBack={() => setIsScanning(false)} />
        ) : (
          <PhaseStage {...props} onScan={() => setIsScanning(true)} />
        )}
      </div>
    </Dialog>
  );
}

/** Whether the stage ends with a button that closes; two of them would be one too many. */
const hasOwnWayOut = (stage: Verification["phase"] | "scan"): boolean =>
  stage !== "emoji" && stage !== "scanned" && stage !== "scan";

function PhaseStage(props: VerificationViewProps & { onScan: () => void }) {
  const t = useText();
  const { view, isRunning, onClose } = props;
  const name = view.other.displayName;
  switch (view.phase) {
    case "requested":
      return (
        <Outcome
          icon={view.isSelf ? <MonitorSmartphone /> : <UserRound />}
          title={t(view.isSelf ? "encryption.verifyAskedSelf" : "encryption.verifyAskedPerson", { name })}
          body={t(view.isSelf ? "encryption.verifyAskedSelfHint" : "encryption.verifyAskedPersonHint")}
          {...props}
        />
      );
    case "ready":
      return <ReadyStage {...props} />;
    case "waiting":
      return (
        <Outcome
          icon={<MonitorSmartphone />}
          title={t("encryption.verifyWaiting")}
          body={t("encryption.verifyWaitingHint")}
          {...props}
        />
      );
    case "emoji":
      return <CompareStage {...props} />;
    case "scanned":
      return (
        <>
          <Heading
            tone="neutral"
            icon={<CheckCheck />}
            title={t("encryption.verifyScannedTitle")}
            body={t(view.isSelf ? "encryption.verifyScannedHintSelf" : "encryption.verifyScannedHintPerson", { name })}
          />
          <ProblemLine problem={props.problem} />
          <Answers
            yes={t("encryption.verifyScannedYes")}
            no={t("encryption.verifyScannedNo")}
            isRunning={isRunning}
            onAnswer={props.onConfirm}
          />
        </>
      );
    case "done":
      return (
        <>
          <Heading
            tone="positive"
            icon={<ShieldCheck />}
            title={view.isSelf ? t("encryption.verifyDoneSelf") : t("encryption.verifyDonePerson", { name })}
            body={t(view.isSelf ? "encryption.verifyDoneSelfHint" : "encryption.verifyDonePersonHint", { name })}
          />
          <DialogActions>
            <Button variant="primary" onPress={onClose}>
              {t("encryption.done")}
            </Button>
          </DialogActions>
        </>
      );
    case "cancelled": {
      const words = cancelWords(view.cancel);
      return (
        <>
          <Heading
            tone={words.tone === "unsafe" ? "critical" : "neutral"}
            icon={words.tone === "unsafe" ? <ShieldAlert /> : <ShieldX />}
            title={t(words.title)}
            body={t(words.body)}
          />
          <ProblemLine problem={props.problem} />
          <DialogActions>
            <Button onPress={onClose}>{t("encryption.verifyClose")}</Button>
            {words.canTryAgain ? (
              <Button variant="primary" isPending={isRunning} onPress={props.onTryAgain}>
                {t("encryption.verifyAgain")}
              </Button>
            ) : null}
          </DialogActions>
        </>
      );
    }
  }
}

/** The heading of a phase; it takes the focus, and its words are read out. */
function Heading({
  tone = "neutral",
  icon,
  title,
  body,
}: {
  tone?: SignTone;
  icon?: ReactNode;
  title: string;
  body: string;
}) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => ref.current?.focus(), []);
  return (
    <div ref={ref} tabIndex={-1} className={styles["heading"]} role="group" aria-label={`${title}. ${body}`}>
      {icon === undefined ? null : <Sign tone={tone} icon={icon} />}
      <h3 className={styles["title"]}>{title}</h3>
      <p className={styles["body"]}>{body}</p>
    </div>
  );
}

const ProblemLine = ({ problem }: { problem: string | undefined }) =>
  problem === undefined ? null : <Problem>{problem}</Problem>;

/** Nothing to do but wait, or to stop. */
function Outcome({
  icon,
  title,
  body,
  view,
  problem,
  onClose,
}: VerificationViewProps & { icon: ReactNode; title: string; body: string }) {
  const t = useText();
  return (
    <>
      <Heading tone="neutral" icon={icon} title={title} body={body} />
      <ProblemLine problem={problem} />
      <Foot view={view}>
        <Button onPress={onClose}>{t("encryption.verifyCancel")}</Button>
      </Foot>
    </>
  );
}

/** The time left, and the buttons. */
function Foot({ view, children }: { view: Verification; children: ReactNode }) {
  const t = useText();
  const leftMs = useTimeLeft(view.expiresAtMs);
  return (
    <div className={styles["foot"]}>
      <p className={styles["timeLeft"]}>
        {leftMs === undefined ? null : t("encryption.verifyTimeLeft", { time: formatDuration(leftMs) })}
      </p>
      {children}
    </div>
  );
}

function ReadyStage({
  view,
  isRunning,
  problem,
  onStartEmoji,
  onScan,
  onClose,
}: VerificationViewProps & { onScan: () => void }) {
  const t = useText();
  const name = view.other.displayName;
  const hasWay = view.qrCode !== undefined || view.canScan || view.canCompareEmoji;
  return (
    <>
      <Heading
        tone="neutral"
        // The code is sign enough.
        icon={view.qrCode !== undefined ? undefined : view.isSelf ? <MonitorSmartphone /> : <UserRound />}
        title={
          !hasWay
            ? t("encryption.verifyStopped")
            : view.isSelf
              ? t("encryption.verifyReadySelf")
              : t("encryption.verifyReadyPerson", { name })
        }
        body={
          view.qrCode === undefined
            ? hasWay
              ? ""
              : t("encryption.verifyNothing")
            : view.isSelf
              ? t("encryption.verifyQrHintSelf")
              : t("encryption.verifyQrHintPerson", { name })
        }
      />
      {view.qrCode === undefined ? null : <QrCode base64={view.qrCode} label={t("encryption.verifyQrImage")} />}
      <div className={styles["methods"]}>
        {view.canScan ? (
          <Button size="large" icon={<ScanLine />} isFullWidth onPress={onScan}>
            {t(view.isSelf ? "encryption.verifyScanSelf" : "encryption.verifyScan")}
          </Button>
        ) : null}
        {view.canCompareEmoji ? (
          <Button size="large" icon={<Smile />} isFullWidth isPending={isRunning} onPress={onStartEmoji}>
            {t("encryption.verifyEmoji")}
          </Button>
        ) : null}
      </div>
      <ProblemLine problem={problem} />
      <Foot view={view}>
        <Button onPress={onClose}>{t("encryption.verifyCancel")}</Button>
      </Foot>
    </>
  );
}

function ScanStage({
  view,
  isRunning,
  problem,
  scanner,
  onScanned,
  onStartEmoji,
  onBack,
}: VerificationViewProps & { onBack: () => void }) {
  const t = useText();
  const titleRef = useRef<HTMLHeadingElement>(null);
  useEffect(() => titleRef.current?.focus(), []);
  return (
    <>
      <h3 ref={titleRef} tabIndex={-1} className={styles["title"]}>
        {t("encryption.scanTitle")}
      </h3>
      {/* A code that was refused begins the search anew. */}
      {scanner ?? <QrScanner key={problem ?? ""} onFound={onScanned} />}
      <ProblemLine problem={problem} />
      <Foot view={view}>
        <div className={styles["footActions"]}>
          <Button onPress={onBack} isDisabled={isRunning}>
            {t("encryption.backStep")}
          </Button>
          {view.canCompareEmoji ? (
            <Button icon={<Smile />} isDisabled={isRunning} onPress={onStartEmoji}>
              {t("encryption.verifyEmoji")}
            </Button>
          ) : null}
        </div>
      </Foot>
    </>
  );
}

function CompareStage({ view, isRunning, problem, onConfirm }: VerificationViewProps) {
  const t = useText();
  const titleRef = useRef<HTMLDivElement>(null);
  useEffect(() => titleRef.current?.focus(), []);
  const hasEmoji = view.emoji !== undefined && view.emoji.length > 0;
  const title = t(hasEmoji ? "encryption.verifyEmojiTitle" : "encryption.verifyDecimalsTitle");
  const hint = t(view.isSelf ? "encryption.verifyEmojiHintSelf" : "encryption.verifyEmojiHintPerson");
  return (
    <>
      <div ref={titleRef} tabIndex={-1} className={styles["heading"]} role="group" aria-label={`${title} ${hint}`}>
        <h3 className={styles["title"]}>{title}</h3>
        <p className={styles["body"]}>{hint}</p>
      </div>
      {hasEmoji ? (
        <ol className={styles["emojis"]} aria-label={t("encryption.verifyEmojiList")}>
          {view.emoji?.map((emoji, index) => (
            // The same emoji may come twice, and the order never changes.
            // oxlint-disable-next-line react/no-array-index-key
            <li key={index} className={styles["emoji"]}>
              <span className={styles["symbol"]} aria-hidden="true">
                {emoji.symbol}
              </span>
              <span className={styles["emojiName"]}>{emojiName(t, emoji)}</span>
            </li>
          ))}
        </ol>
      ) : (
        <p className={styles["decimals"]} dir="ltr">
          {(view.decimals ?? []).join(" ")}
        </p>
      )}
      <ProblemLine problem={problem} />
      <Answers
        yes={t("encryption.verifyMatch")}
        no={t("encryption.verifyNoMatch")}
        isRunning={isRunning}
        onAnswer={onConfirm}
      />
    </>
  );
}

/** Two answers of equal size. */
function Answers(props: { yes: string; no: string; isRunning: boolean; onAnswer: (isYes: boolean) => void }) {
  return (
    <div className={styles["answers"]}>
      <Button size="large" isFullWidth isDisabled={props.isRunning} onPress={() => props.onAnswer(false)}>
        {props.no}
      </Button>
      <Button
        size="large"
        variant="primary"
        isFullWidth
        isPending={props.isRunning}
        onPress={() => props.onAnswer(true)}
      >
        {props.yes}
      </Button>
    </div>
  );
}
