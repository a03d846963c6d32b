/**
 * One row of the timeline with what stands above it: missing events, a day line, the New line. Used by
 * TimelineList, memoised on the row object, which group-items.ts keeps for as long as nothing changed.
 * Invariant: drawn from props only.
 */
import { Lock } from "lucide-react";
import { memo, useState } from "react";
import type { EventId } from "../../../preload/contract/ids.ts";
import { formatDay } from "../../text/format.ts";
import { useText } from "../../text/text.ts";
import { Avatar } from "../../ui/Avatar.tsx";
import { Button } from "../../ui/Button.tsx";
import { SaidRow } from "./SaidRow.tsx";
import { describeChange, describeError, isolate } from "./describe.ts";
import type { GapItem, StateItem, TimelineRow } from "./group-items.ts";
import type { TimelineActions } from "./timeline-actions.ts";
import styles from "./timeline.module.css";

/** More changes than these wait behind a button. */
const MAX_CHANGES = 3;

/** What the rows need to know of the room. */
export type RoomFacts = {
  avatarId: string;
  name: string;
  isDirect: boolean;
  isEncrypted: boolean;
  avatarSrc?: string | undefined;
};

function GapLine({ gap, actions }: { gap: GapItem; actions: TimelineActions }) {
  const t = useText();
  const words = gap.isFilling
    ? t("timeline.gapFilling")
    : gap.error === undefined
      ? t("timeline.gap")
      : t("timeline.gapFailed", { reason: describeError(gap.error, t) });
  return (
    <div className={styles["gap"]}>
      <span>{words}</span>
      {gap.isFilling ? null : (
        <Button size="small" variant="quiet" onPress={actions.onPaginate}>
          {t("timeline.tryAgain")}
        </Button>
      )}
    </div>
  );
}

function StateLine({ items }: { items: readonly StateItem[] }) {
  const t = useText();
  const [isOpen, setIsOpen] = useState(false);
  const hidden = items.length - MAX_CHANGES;
  const shown = isOpen || hidden <= 1 ? items : items.slice(0, MAX_CHANGES);
  return (
    <p className={styles["state"]}>
      {shown.map((item) => describeChange(item, t)).join(" · ")}
      {shown.length === items.length ? null : (
        <>
          {" · "}
          <button type="button" className={styles["more"]} tabIndex={-1} onClick={() => setIsOpen(true)}>
            {t("timeline.moreChanges", { count: hidden })}
          </button>
        </>
      )}
    </p>
  );
}

function EncryptionLine({ item }: { item: StateItem }) {
  const t = useText();
  return (
    <p className={styles["encryption"]} title={describeChange(item, t)}>
      <Lock aria-hidden="true" />
      <span>
        <strong>{t("timeline.encrypted")}</strong> {t("timeline.encryptedHint")}
      </span>
    </p>
  );
}

function RoomStart({ room }: { room: RoomFacts }) {
  const t = useText();
  const name = isolate(room.name);
  return (
    <div className={styles["start"]}>
      <Avatar
        id={room.avatarId}
        name={room.name}
        src={room.avatarSrc}
        shape={room.isDirect ? "round" : "squircle"}
        sizePx={64}
      />
      <h3 dir="auto">{room.name}</h3>
      <p>{room.isDirect ? t("timeline.startDirect", { name }) : t("timeline.startRoom", { name })}</p>
    </div>
  );
}

export type TimelineRowViewProps = {
  row: TimelineRow;
  room: RoomFacts;
  isNewestSent: boolean;
  isActive: boolean;
  /** Any time of the current day: day lines are named relative to it. */
  todayMs: number;
  actions: TimelineActions;
  /** Brings the message with this id into view, where it is. */
  onShow: (eventId: EventId) => void;
};

/** Draws a row. */
export const TimelineRowView = memo(function TimelineRowView({
  row,
  room,
  isNewestSent,
  isActive,
  todayMs,
  actions,
  onShow,
}: TimelineRowViewProps) {
  const t = useText();
  const { lead, body } = row;
  return (
    <>
      {lead.gap === undefined ? null : <GapLine gap={lead.gap} actions={actions} />}
      {lead.dayTs === undefined ? null : <h3 className={styles["day"]}>{formatDay(lead.dayTs, todayMs)}</h3>}
      {lead.isNew ? <h3 className={styles["new"]}>{t("timeline.new")}</h3> : null}
      {body.kind === "said" ? (
        <SaidRow
          item={body.item}
          isFirstOfGroup={body.isFirstOfGroup}
          isFirstOfCause={body.isFirstOfCause}
          isRoomEncrypted={room.isEncrypted}
          isNewestSent={isNewestSent}
          isActive={isActive}
          actions={actions}
          onShow={onShow}
        />
      ) : body.kind === "state" ? (
        <StateLine items={body.items} />
      ) : body.kind === "encryption" ? (
        <EncryptionLine item={body.item} />
      ) : body.kind === "gap" ? (
        <GapLine gap={body.item} actions={actions} />
      ) : (
        <RoomStart room={room} />
      )}
    </>
  );
});
