/**
 * A small dark panel that hangs on a button of the running call: sharing, devices, details. Used by InCallView.
 * Invariant: focus goes in and comes back to the button, Escape closes it, and it is over the call in full screen too.
 */
import type { ReactElement, ReactNode } from "react";
import { Dialog, DialogTrigger } from "react-aria-components/Dialog";
import { Heading } from "react-aria-components/Heading";
import { Popover } from "react-aria-components/Popover";
import styles from "./call-panel.module.css";

export type CallPanelProps = {
  title: string;
  trigger: ReactElement;
  placement?: "top" | "bottom start";
  /** Made only while it is open. */
  children: (close: () => void) => ReactNode;
};

/** A button with a panel. */
export function CallPanel({ title, trigger, placement = "top", children }: CallPanelProps) {
  return (
    <DialogTrigger>
      {trigger}
      <Popover className={styles["popover"] ?? ""} placement={placement} offset={8} data-theme="dark">
        <Dialog className={styles["panel"] ?? ""}>
          {({ close }) => (
            <>
              <Heading slot="title" level={3} className={styles["title"] ?? ""}>
                {title}
              </Heading>
              {children(close)}
            </>
          )}
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
