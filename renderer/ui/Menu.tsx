/**
 * A pop-up list of actions on a button. Used for "new", the account and row actions.
 * The trigger is one Button or IconButton; the entries are plain data.
 * Invariant: arrow keys, type-ahead and Escape work, focus comes back to the trigger.
 */
import type { ReactElement, ReactNode } from "react";
import { Menu as AriaMenu, MenuItem, MenuTrigger } from "react-aria-components/Menu";
import { Separator } from "react-aria-components/Separator";
import { Popover } from "react-aria-components/Popover";
import { cx } from "./cx.ts";
import styles from "./Menu.module.css";

export type MenuEntry =
  | {
      kind?: "action";
      id: string;
      label: string;
      icon?: ReactNode;
      shortcut?: string;
      isDanger?: boolean;
      isDisabled?: boolean;
      onAction: () => void;
    }
  | { kind: "separator"; id: string };

export type MenuProps = {
  /** Name of the list for assistive technology. */
  label: string;
  trigger: ReactElement;
  entries: readonly MenuEntry[];
  placement?: "bottom start" | "bottom end" | "top start" | "top end" | "end bottom";
  /** Shown above the entries, e.g. whose menu it is. */
  header?: ReactNode;
  /** On a surface that is always dark: the list hangs outside of it, and would not know. */
  isDark?: boolean;
};

/** A button that opens a list of actions. */
export function Menu({ label, trigger, entries, placement = "bottom end", header, isDark = false }: MenuProps) {
  return (
    <MenuTrigger>
      {trigger}
      <Popover
        className={styles["popover"] ?? ""}
        placement={placement}
        offset={6}
        {...(isDark ? { "data-theme": "dark" } : {})}
      >
        {header === undefined ? null : <div className={styles["header"]}>{header}</div>}
        <AriaMenu className={styles["menu"] ?? ""} aria-label={label}>
          {entries.map((entry) =>
            entry.kind === "separator" ? (
              <Separator key={entry.id} className={styles["separator"] ?? ""} />
            ) : (
              <MenuItem
                key={entry.id}
                id={entry.id}
                textValue={entry.label}
                className={cx(styles["item"], entry.isDanger && styles["danger"])}
                isDisabled={entry.isDisabled ?? false}
                onAction={entry.onAction}
              >
                {entry.icon}
                <span className={styles["label"]}>{entry.label}</span>
                {entry.shortcut === undefined ? null : <kbd className={styles["shortcut"]}>{entry.shortcut}</kbd>}
              </MenuItem>
            ),
          )}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}
