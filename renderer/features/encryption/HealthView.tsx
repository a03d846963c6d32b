/**
 * Encryption health, drawn from props: what is to be done, then each part of the account's encryption, last the
 * last resort. Used by EncryptionSection and the gallery.
 * Invariants: every problem shows exactly one fix, at the top; the parts below tell and do not ask again; nothing
 * on this page is irreversible by one press.
 */
import { useState } from "react";
import type { ReactNode } from "react";
import {
  Archive,
  Check,
  FileKey,
  KeyRound,
  Laptop,
  Minus,
  RotateCcw,
  ShieldAlert,
  ShieldCheck,
  TriangleAlert,
} from "lucide-react";
import type { EncryptionView, UndecryptableRow } from "../../../preload/contract/views.ts";
import { formatActivity, formatFull } from "../../text/format.ts";
import { useText } from "../../text/text.ts";
import type { Text } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { Skeleton } from "../../ui/Skeleton.tsx";
import { Switch } from "../../ui/Switch.tsx";
import { VisuallyHidden } from "../../ui/VisuallyHidden.tsx";
import { counted, healthProblems, progressOf } from "./health.ts";
import type { HealthFix, HealthProblem } from "./health.ts";
import styles from "./health.module.css";
import { Problem, Progress, Sign } from "./parts.tsx";
import { groupUndecryptable } from "./undecryptable.ts";
import type { UndecryptableGroup } from "./undecryptable.ts";

export type HealthViewProps = {
  /** Undefined while it is being loaded, or is lost. */
  view: EncryptionView | undefined;
  lostMessage: string | undefined;
  notReadyMessage: string | undefined;
  backupMessage: string | undefined;
  rows: readonly UndecryptableRow[];
  problem: string | undefined;
  isAsking: boolean;
  hasAsked: boolean;
  isRestoreStarting: boolean;
  onFix: (fix: HealthFix) => void;
  onMend: (group: UndecryptableGroup) => void;
  onRestore: () => void;
  onOnlyConfirmed: (isOn: boolean) => void;
  onExport: () => void;
  onImport: () => void;
  onStartOver: () => void;
};

/** The health page. */
export function HealthView(props: HealthViewProps) {
  const t = useText();
  const { view } = props;
  if (props.lostMessage !== undefined) {
    return (
      <Problem>
        {t("encryption.healthLost")} {props.lostMessage}
      </Problem>
    );
  }
  if (view === undefined || view.state === "opening") {
    return (
      <div className={styles["health"]} aria-busy="true" role="group" aria-label={t("encryption.healthLoading")}>
        {[0, 1, 2].map((row) => (
          <Skeleton key={row} shape="block" />
        ))}
      </div>
    );
  }
  return (
    <div className={styles["health"]}>
      <Summary problems={healthProblems(view)} notReadyMessage={props.notReadyMessage} onFix={props.onFix} />
      {props.problem === undefined ? null : <Problem>{props.problem}</Problem>}
      {view.state === "ready" ? <Parts {...props} view={view} /> : null}
    </div>
  );
}

function Summary({
  problems,
  notReadyMessage,
  onFix,
}: {
  problems: readonly HealthProblem[];
  notReadyMessage: string | undefined;
  onFix: (fix: HealthFix) => void;
}) {
  const t = useText();
  if (problems.length === 0) {
    return (
      <section className={styles["summary"]} data-tone="positive">
        <Sign tone="positive" icon={<ShieldCheck />} />
        <div className={styles["words"]}>
          <h3 className={styles["summaryTitle"]}>{t("encryption.healthGood")}</h3>
          <p className={styles["facts"]}>{t("encryption.healthGoodBody")}</p>
        </div>
      </section>
    );
  }
  return (
    <section className={styles["problems"]}>
      <h3 className={styles["groupTitle"]}>{t("encryption.healthProblems", { count: problems.length })}</h3>
      <ul className={styles["problemList"]}>
        {problems.map((problem, index) => (
          <li key={problem.name} className={styles["summary"]} data-tone={problem.tone}>
            <Sign tone={problem.tone} icon={problem.tone === "critical" ? <TriangleAlert /> : <ShieldAlert />} />
            <div className={styles["words"]}>
              <h4 className={styles["summaryTitle"]}>{t(`encryption.problem${problem.name}`)}</h4>
              <p className={styles["facts"]}>
                {problem.name === "NotReady" ? notReadyMessage : t(`encryption.problem${problem.name}Body`)}
              </p>
            </div>
            {problem.name === "NotReady" ? null : (
              <Button
                className={styles["fix"]}
                variant={index === 0 ? "primary" : "plain"}
                onPress={() => onFix(problem.fix)}
              >
                {t(`encryption.problem${problem.name}Fix`)}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

type PartsProps = HealthViewProps & { view: EncryptionView };

function Parts(props: PartsProps) {
  const t = useText();
  const { view } = props;
  const recovery = !view.hasRecovery
    ? t("encryption.recoveryNone")
    : t(view.hasPassphrase ? "encryption.recoveryPassphrase" : "encryption.recoveryKeyOnly");
  return (
    <>
      <section className={styles["cards"]}>
        <Card
          icon={<Laptop />}
          title={t("encryption.thisDevice")}
          facts={t(view.isDeviceVerified ? "encryption.thisDeviceYes" : "encryption.thisDeviceNo")}
        >
          <p className={styles["fingerprint"]}>
            <VisuallyHidden>{t("encryption.deviceFingerprint")} </VisuallyHidden>
            <bdi dir="ltr">{view.fingerprint}</bdi>
          </p>
        </Card>
        <Card icon={<KeyRound />} title={t("encryption.recovery")} facts={recovery} />
        <BackupCard {...props} />
      </section>
      <SecretsTable view={view} />
      <Undecryptable {...props} />
      <section className={styles["cards"]}>
        <div className={styles["card"]}>
          <div className={styles["setting"]}>
            <Switch
              label={t("encryption.onlyConfirmed")}
              description={t("encryption.onlyConfirmedHint")}
              isSelected={view.sendsToSignedDevicesOnly}
              onChange={props.onOnlyConfirmed}
            />
          </div>
        </div>
        <Card
          icon={<FileKey />}
          title={t("encryption.keyFiles")}
          facts={t("encryption.keyFilesHint")}
          action={
            <>
              <Button onPress={props.onImport}>{t("encryption.importAction")}</Button>
              <Button onPress={props.onExport}>{t("encryption.exportAction")}</Button>
            </>
          }
        />
      </section>
      <section className={styles["cards"]}>
        <Card
          icon={<RotateCcw />}
          title={t("encryption.startOver")}
          facts={t("encryption.startOverHint")}
          action={<Button onPress={props.onStartOver}>{t("encryption.startOverAction")}</Button>}
        />
      </section>
    </>
  );
}

function Card(props: { icon: ReactNode; title: string; facts: string; action?: ReactNode; children?: ReactNode }) {
  return (
    <div className={styles["card"]}>
      <span className={styles["icon"]} aria-hidden="true">
        {props.icon}
      </span>
      <div className={styles["words"]}>
        <h3 className={styles["title"]}>{props.title}</h3>
        <p className={styles["facts"]}>{props.facts}</p>
        {props.children}
      </div>
      {props.action === undefined ? null : <div className={styles["action"]}>{props.action}</div>}
    </div>
  );
}

const backupWords = {
  unknown: "encryption.backupUnknown",
  none: "encryption.backupNone",
  active: "encryption.backupActive",
  "key-missing": "encryption.backupLocked",
  untrusted: "encryption.backupUntrusted",
} as const;

function BackupCard({ view, backupMessage, isRestoreStarting, onRestore }: PartsProps) {
  const t = useText();
  const { state, restoring, keyCount, backedUpCount } = view.backup;
  const saved = progressOf(backedUpCount, keyCount);
  const fetched = restoring && progressOf(restoring.doneCount, restoring.totalCount);
  return (
    <Card
      icon={<Archive />}
      title={t("encryption.backup")}
      facts={t(backupWords[state])}
      action={
        state === "active" && fetched === undefined ? (
          <Button isPending={isRestoreStarting} onPress={onRestore}>
            {t("encryption.backupRestore")}
          </Button>
        ) : undefined
      }
    >
      {state === "active" ? (
        saved.total === 0 ? (
          <p className={styles["facts"]}>{t("encryption.backupEmpty")}</p>
        ) : (
          <div className={styles["bar"]}>
            <Progress
              label={t("encryption.backupUploadLabel")}
              words={t(saved.isComplete ? "encryption.backupAllDone" : "encryption.backupProgress", counted(saved))}
              done={saved.done}
              total={saved.total}
            />
          </div>
        )
      ) : null}
      {fetched === undefined ? null : (
        <div className={styles["bar"]}>
          <Progress
            label={t("encryption.backupRestoreLabel")}
            words={t("encryption.backupRestoring", counted(fetched))}
            done={fetched.done}
            total={fetched.total}
          />
        </div>
      )}
      {backupMessage === undefined ? null : <p className={styles["backupProblem"]}>{backupMessage}</p>}
    </Card>
  );
}

function SecretsTable({ view }: { view: EncryptionView }) {
  const t = useText();
  const { masterKey, selfSigningKey, userSigningKey, backupKey } = view.secrets;
  const parts = [
    [t("encryption.partIdentity"), masterKey],
    [t("encryption.partDevices"), selfSigningKey],
    [t("encryption.partPeople"), userSigningKey],
    [t("encryption.partBackup"), backupKey],
  ] as const;
  return (
    <section className={styles["group"]}>
      <h3 className={styles["groupTitle"]} id="encryption-parts">
        {t("encryption.parts")}
      </h3>
      <table className={styles["table"]} aria-labelledby="encryption-parts">
        <thead>
          <tr>
            <th scope="col">{t("encryption.partName")}</th>
            <th scope="col">{t("encryption.partHere")}</th>
            <th scope="col">{t("encryption.partStored")}</th>
          </tr>
        </thead>
        <tbody>
          {parts.map(([name, { isHere, isStored }]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>
                <YesNo is={isHere} t={t} />
              </td>
              <td>
                <YesNo is={isStored} t={t} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function YesNo({ is, t }: { is: boolean; t: Text }) {
  return (
    <span className={styles["yesNo"]} data-is={is}>
      {is ? <Check aria-hidden="true" /> : <Minus aria-hidden="true" />}
      <VisuallyHidden>{t(is ? "encryption.yes" : "encryption.no")}</VisuallyHidden>
    </span>
  );
}

function Undecryptable({ view, rows, isAsking, hasAsked, onMend }: PartsProps) {
  const t = useText();
  const groups = groupUndecryptable(rows);
  return (
    <section className={styles["group"]}>
      <h3 className={styles["groupTitle"]}>{t("encryption.unreadable")}</h3>
      {groups.length === 0 ? (
        <p className={styles["none"]}>{t("encryption.unreadableNone")}</p>
      ) : (
        <ul className={styles["causes"]}>
          {groups.map((group) => (
            <CauseItem key={group.key} group={group} isAsking={isAsking} hasAsked={hasAsked} onMend={onMend} />
          ))}
        </ul>
      )}
      {view.undecryptableCount > rows.length ? (
        <p className={styles["none"]}>{t("encryption.unreadableOf", { count: view.undecryptableCount })}</p>
      ) : null}
    </section>
  );
}

const FEW_ROWS = 3;
const buttonFixes: ReadonlySet<string> = new Set(["askAgain", "confirmDevice", "importKeys", "reviewPerson"]);

function CauseItem({
  group,
  isAsking,
  hasAsked,
  onMend,
}: {
  group: UndecryptableGroup;
  isAsking: boolean;
  hasAsked: boolean;
  onMend: (group: UndecryptableGroup) => void;
}) {
  const t = useText();
  const [showsAll, setShowsAll] = useState(false);
  const { cause, fix, rows } = group;
  const name = rows[0].sender.displayName;
  const shown = showsAll ? rows : rows.slice(0, FEW_ROWS);
  const words = t(`encryption.fix.${fix}`, { name });
  return (
    <li className={styles["cause"]}>
      <div className={styles["causeHead"]}>
        <div className={styles["words"]}>
          <h4 className={styles["title"]}>{t(`encryption.cause.${cause}`, { name })}</h4>
          {buttonFixes.has(fix) ? null : <p className={styles["facts"]}>{words}</p>}
        </div>
        {buttonFixes.has(fix) ? (
          <Button isPending={fix === "askAgain" && isAsking} onPress={() => onMend(group)}>
            {words}
          </Button>
        ) : null}
      </div>
      {fix === "askAgain" ? (
        <p className={styles["asked"]} role="status">
          {hasAsked && !isAsking ? t("encryption.askedAgain") : null}
        </p>
      ) : null}
      <ul className={styles["rows"]}>
        {shown.map((row) => (
          <li key={row.key} className={styles["message"]}>
            <span className={styles["where"]}>
              <bdi>{row.sender.displayName}</bdi>
              {/* A direct room has the other's name. */}
              {row.roomName === row.sender.displayName ? null : (
                <>
                  {" · "}
                  <bdi>{row.roomName}</bdi>
                </>
              )}
            </span>
            <time className={styles["when"]} title={formatFull(row.originServerTs)}>
              {formatActivity(row.originServerTs)}
            </time>
          </li>
        ))}
      </ul>
      {rows.length > shown.length ? (
        <Button variant="quiet" size="small" className={styles["more"]} onPress={() => setShowsAll(true)}>
          {t("encryption.unreadableMore", { count: rows.length - shown.length })}
        </Button>
      ) : null}
    </li>
  );
}
