/**
 * The picture of a person (round) or a room (squircle), or its initials on its own colour.
 * Used wherever somebody is shown. The hue comes from the id, so that a name change keeps the colour.
 * Invariant: decorative for assistive technology (the name stands beside it), and its size never changes, also
 * while the picture loads or fails.
 */
import { useState } from "react";
import { cx } from "./cx.ts";
import { hueOf } from "./hue.ts";
import styles from "./Avatar.module.css";

export type AvatarProps = {
  name: string;
  /** User or room id: decides the hue. */
  id: string;
  /** Address of the picture; initials are shown without it and when it cannot be loaded. */
  src?: string | undefined;
  shape?: "round" | "squircle";
  /** Edge at a text size of 100 %. */
  sizePx?: number;
  presence?: "online" | undefined;
  className?: string | undefined;
};

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const IGNORED_LEAD = /^[@#!+\s]+/u;

/** One letter for a person, two for a room, whole graphemes only. */
export function initialsOf(name: string, count: 1 | 2): string {
  const bare = name.replace(IGNORED_LEAD, "");
  const letters: string[] = [];
  for (const { segment } of segmenter.segment(bare.slice(0, 64))) {
    if (letters.length === count || segment.trim() === "") break;
    letters.push(letters.length === 0 ? segment.toLocaleUpperCase() : segment);
  }
  return letters.join("") || "?";
}

/** A person's or room's picture, or initials. */
export function Avatar({ name, id, src, shape = "round", sizePx = 36, presence, className }: AvatarProps) {
  const [failedSrc, setFailedSrc] = useState<string>();
  const hasPicture = src !== undefined && src !== failedSrc;
  const sizeRem = sizePx / 16;
  return (
    <span
      className={cx(styles["avatar"], styles[shape], className)}
      data-hue={hueOf(id)}
      aria-hidden="true"
      style={{
        inlineSize: `${sizeRem}rem`,
        blockSize: `${sizeRem}rem`,
        fontSize: `${sizePx >= 64 ? sizeRem * 0.375 : sizeRem * 0.39}rem`,
      }}
    >
      {hasPicture ? (
        <img
          className={styles["picture"]}
          src={src}
          alt=""
          draggable={false}
          loading="lazy"
          decoding="async"
          onError={() => setFailedSrc(src)}
        />
      ) : (
        initialsOf(name, shape === "round" || sizePx < 24 ? 1 : 2)
      )}
      {presence === "online" ? <span className={styles["presence"]} /> : null}
    </span>
  );
}
