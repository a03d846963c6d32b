/**
 * What the text in the composer is for: whom it answers, or that it replaces what was said; and the way out of it.
 * Used by ComposerView, inside the card on top. Invariant: drawn from props only, and one line high.
 */
import { Pencil, Reply, X } from "lucide-react";
import { useText } from "../../text/text.ts";
import { IconButton } from "../../ui/IconButton.tsx";
import type { Aim } from "./aim.ts";
import styles from "./composer.module.css";

/** Draws the banner. */
export function AimBanner({ aim, onCancel }: { aim: Aim; onCancel: () => void }) {
  const t = useText();
  const isReply = aim.kind === "reply";
  return (
    <div className={styles["aim"]}>
      {isReply ? <Reply aria-hidden="true" /> : <Pencil aria-hidden="true" />}
      <p role="status">
        <strong>{isReply ? t("composer.replyTo", { name: aim.name }) : t("composer.editing")}</strong>{" "}
        <bdi>{aim.text}</bdi>
      </p>
      <IconButton
        size="small"
        icon={<X />}
        label={t(isReply ? "composer.replyCancel" : "composer.editCancel")}
        shortcut={t("composer.cancelShortcut")}
        tooltipPlacement="top"
        onPress={onCancel}
      />
    </div>
  );
}
