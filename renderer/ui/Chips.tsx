/**
 * A row of filter chips of which exactly one is on. Used above lists.
 * Invariant: one tab stop, arrow keys move within, and there is always a selected chip.
 */
import { ToggleButton } from "react-aria-components/ToggleButton";
import { ToggleButtonGroup } from "react-aria-components/ToggleButtonGroup";
import styles from "./Chips.module.css";

export type ChipsProps<Id extends string> = {
  /** What the chips choose, for assistive technology. */
  label: string;
  options: readonly { id: Id; label: string }[];
  selected: Id;
  onSelect: (id: Id) => void;
};

/** Filter chips, one of them selected. */
export function Chips<Id extends string>({ label, options, selected, onSelect }: ChipsProps<Id>) {
  return (
    <ToggleButtonGroup
      aria-label={label}
      className={styles["chips"] ?? ""}
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[selected]}
      onSelectionChange={(keys) => {
        const chosen = options.find((option) => keys.has(option.id));
        if (chosen) onSelect(chosen.id);
      }}
    >
      {options.map((option) => (
        <ToggleButton key={option.id} id={option.id} className={styles["chip"] ?? ""}>
          {option.label}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}
