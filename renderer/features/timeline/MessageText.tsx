/**
 * The text of a message: spaces and line breaks kept, addresses clickable, a few emoji alone drawn large.
 * Used by SaidRow. Invariant: the text is a stranger's; it becomes text nodes and links of three schemes, and
 * its direction is its own.
 */
import { Fragment, memo } from "react";
import { cx } from "../../ui/cx.ts";
import { findLinks, isEmojiOnly } from "./find-links.ts";
import styles from "./timeline.module.css";

export type MessageTextProps = {
  text: string;
  /** Links are stops of the Tab key only in the row that has the focus. */
  isTabbable: boolean;
  onOpenLink: (href: string) => void;
  /** Says that the text is not the first one. */
  editedMark?: string | undefined;
};

/** Draws a message's text. */
export const MessageText = memo(function MessageText({ text, isTabbable, onOpenLink, editedMark }: MessageTextProps) {
  return (
    <div className={cx(styles["text"], isEmojiOnly(text) && styles["emoji"])} dir="auto">
      {findLinks(text).map((part) =>
        part.kind === "text" ? (
          <Fragment key={part.at}>{part.text}</Fragment>
        ) : (
          <a
            key={part.at}
            className={styles["link"]}
            href={part.href}
            title={part.href === part.text ? undefined : part.href}
            target="_blank"
            rel="noreferrer noopener"
            tabIndex={isTabbable ? 0 : -1}
            dir="ltr"
            onClick={(event) => {
              event.preventDefault();
              onOpenLink(part.href);
            }}
            onAuxClick={(event) => event.preventDefault()}
          >
            {part.text}
          </a>
        ),
      )}
      {editedMark === undefined ? null : <bdi className={styles["edited"]}>{editedMark}</bdi>}
    </div>
  );
});
