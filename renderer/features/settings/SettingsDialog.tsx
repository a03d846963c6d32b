/**
 * The settings: a large window over the app with its sections at the start and the chosen one in the rest.
 * Opened by renderer/app, which brings the sections, so that this file knows no other feature. To add a section:
 * one entry where the app makes the list.
 * Invariants: focus goes in, stays in and comes back; each section starts at its top; in a narrow window the
 * sections stand above their content.
 */
import type { ReactNode } from "react";
import { X } from "lucide-react";
import { Dialog as AriaDialog } from "react-aria-components/Dialog";
import { Heading } from "react-aria-components/Heading";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components/Tabs";
import { useText } from "../../text/text.ts";
import { IconButton } from "../../ui/IconButton.tsx";
import styles from "./settings-dialog.module.css";

/** One section. Its content is made only while it is shown. */
export type SettingsSection<Id extends string> = {
  id: Id;
  label: string;
  icon: ReactNode;
  render: () => ReactNode;
};

export type SettingsDialogProps<Id extends string> = {
  sections: readonly SettingsSection<Id>[];
  selected: Id;
  onSelect: (id: Id) => void;
  onClose: () => void;
};

/** The window of the settings. */
export function SettingsDialog<Id extends string>({ sections, selected, onSelect, onClose }: SettingsDialogProps<Id>) {
  const t = useText();
  return (
    <ModalOverlay
      className={styles["overlay"] ?? ""}
      isOpen
      isDismissable
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose();
      }}
    >
      <Modal className={styles["modal"] ?? ""}>
        <AriaDialog className={styles["dialog"] ?? ""}>
          <Tabs
            className={styles["tabs"] ?? ""}
            orientation="vertical"
            selectedKey={selected}
            onSelectionChange={(key) => {
              const section = sections.find(({ id }) => id === key);
              if (section) onSelect(section.id);
            }}
          >
            <div className={styles["side"]}>
              <Heading slot="title" level={2} className={styles["title"] ?? ""}>
                {t("settings.title")}
              </Heading>
              <TabList className={styles["list"] ?? ""} aria-label={t("settings.sections")}>
                {sections.map(({ id, label, icon }) => (
                  <Tab key={id} id={id} className={styles["tab"] ?? ""}>
                    {icon}
                    {label}
                  </Tab>
                ))}
              </TabList>
            </div>
            {sections.map(({ id, label, render }) => (
              <TabPanel key={id} id={id} className={styles["panel"] ?? ""}>
                <h2 className={styles["sectionTitle"]}>{label}</h2>
                {render()}
              </TabPanel>
            ))}
          </Tabs>
          <span className={styles["close"]}>
            <IconButton icon={<X />} label={t("settings.close")} onPress={onClose} />
          </span>
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
