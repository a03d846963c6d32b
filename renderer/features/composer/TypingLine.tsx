/**
 * Who is typing, as one quiet line above the composer. Used by ComposerView.
 * Invariant: its space is always there, so that it comes and goes without moving anything.
 */
import type { Person } from "../../../preload/contract/views.ts";
import { type Text, useText } from "../../text/text.ts";
import { Avatar } from "../../ui/Avatar.tsx";
import styles from "./composer.module.css";

/** The words for those who type; "" for nobody. */
function describeTyping(typing: readonly Person[], t: Text): string {
  const [first, second] = typing.map((person) => `\u2068${person.displayName}\u2069`);
  if (first === undefined) return "";
  if (second === undefined) return t("composer.typingOne", { name: first });
  if (typing.length === 2) return t("composer.typingTwo", { first, second });
  return t("composer.typingMany", { first, second, count: typing.length - 2 });
}

/** Draws the line for those who type. */
export function TypingLine({
  typing,
  avatarUrl,
}: {
  typing: readonly Person[];
  avatarUrl: (person: Person) => string | undefined;
}) {
  const t = useText();
  return (
    <div className={styles["typing"]} aria-live="polite">
      {typing.slice(0, 3).map((person) => (
        <Avatar key={person.userId} id={person.userId} name={person.displayName} src={avatarUrl(person)} sizePx={16} />
      ))}
      <span>{describeTyping(typing, t)}</span>
    </div>
  );
}
