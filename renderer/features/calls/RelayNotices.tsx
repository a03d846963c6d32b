/**
 * What is said, and asked once, when a call begins and the homeserver has no relay. Shown by CallSurfaces over the
 * stage of the call that is being placed or taken.
 * Invariants: the call goes on whatever is answered, and while nothing is; no public server is asked before "Allow".
 */
import { useId } from "react";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import styles from "./in-call.module.css";

/** Whether a public server may be asked for our address. */
export function StunQuestion({ onAnswer }: { onAnswer: (isAllowed: boolean) => void }) {
  const text = useText();
  const titleId = useId();
  return (
    <div className={styles["question"]} role="group" aria-labelledby={titleId}>
      <div role="status">
        <h3 id={titleId}>{text("calls.askStunTitle")}</h3>
        <p>{text("calls.askStunBody")}</p>
      </div>
      <div className={styles["answers"]}>
        <Button onPress={() => onAnswer(false)}>{text("calls.askStunRefuse")}</Button>
        <Button variant="primary" onPress={() => onAnswer(true)}>
          {text("calls.askStunAllow")}
        </Button>
      </div>
    </div>
  );
}

/** The user's own setting keeps this call from connecting. */
export function RelayMissing() {
  const text = useText();
  return (
    <p className={styles["problem"]} role="status">
      {text("calls.relayMissing")}
    </p>
  );
}
