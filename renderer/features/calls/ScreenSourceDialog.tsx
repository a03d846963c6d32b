/**
 * The choice of a screen or a window to share: `ScreenSourcePicker` connects to the host, `ScreenSourceDialog` draws
 * from props (gallery). Mounted by renderer/app beside the calls; opened by the host, after a call asked for a screen.
 * Invariants: nothing is chosen when it opens, and sound is off; Escape, a press beside it and Cancel share nothing;
 * names are titles of any program's windows, shown as plain text that cannot turn its surroundings around.
 */
import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import { AppWindow, Monitor } from "lucide-react";
import { ListBox, ListBoxItem } from "react-aria-components/ListBox";
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components/Tabs";
import * as v from "valibot";
import { screenRequestSchema } from "../../../preload/contract/shell-contract.ts";
import type { LatticeHost, ScreenRequest, ScreenSource } from "../../../preload/contract/shell-contract.ts";
import { useText } from "../../text/text.ts";
import { Banner } from "../../ui/Banner.tsx";
import { Button } from "../../ui/Button.tsx";
import { Dialog, DialogActions } from "../../ui/Dialog.tsx";
import { Switch } from "../../ui/Switch.tsx";
import styles from "./screen-source-dialog.module.css";

type Request = NonNullable<ScreenRequest>;

/** Opens the dialog whenever the host has something to choose from. */
export function ScreenSourcePicker({ host }: { host: Pick<LatticeHost, "onScreenSources" | "chooseScreenSource"> }) {
  const [request, setRequest] = useState<ScreenRequest>(null);
  useEffect(
    () =>
      host.onScreenSources((data: unknown) => {
        const parsed = v.safeParse(screenRequestSchema, data);
        if (parsed.success) setRequest(parsed.output);
      }),
    [host],
  );
  if (!request) return null;
  const choose = (sourceId: string | undefined, withSound: boolean) => {
    setRequest(null);
    host.chooseScreenSource({
      requestId: request.requestId,
      withSound,
      ...(sourceId === undefined ? {} : { sourceId }),
    });
  };
  return (
    <ScreenSourceDialog
      key={request.requestId}
      request={request}
      onShare={(sourceId, withSound) => choose(sourceId, withSound)}
      onCancel={() => choose(undefined, false)}
    />
  );
}

export type ScreenSourceDialogProps = {
  request: Request;
  onShare: (sourceId: string, withSound: boolean) => void;
  onCancel: () => void;
};

const kinds = [
  { kind: "screen", icon: <Monitor aria-hidden="true" />, words: "calls.shareScreens", none: "calls.shareNoScreens" },
  { kind: "window", icon: <AppWindow aria-hidden="true" />, words: "calls.shareWindows", none: "calls.shareNoWindows" },
] as const;

/** What can be shared, in two lists. */
export function ScreenSourceDialog({ request, onShare, onCancel }: ScreenSourceDialogProps) {
  const text = useText();
  const [kind, setKind] = useState<ScreenSource["kind"]>("screen");
  const [chosenId, setChosenId] = useState<string>();
  const [withSound, setWithSound] = useState(false);
  const chosen = request.sources.find((source) => source.id === chosenId && source.kind === kind);
  return (
    <Dialog title={text("calls.shareTitle")} isOpen onClose={onCancel}>
      <p className={styles["hint"]}>{text("calls.shareHint")}</p>
      {request.isDeniedBySystem ? <Banner tone="critical">{text("calls.shareDenied")}</Banner> : null}
      <Tabs
        className={styles["tabs"] ?? ""}
        selectedKey={kind}
        onSelectionChange={(key) => setKind(key === "window" ? "window" : "screen")}
      >
        <TabList className={styles["list"] ?? ""} aria-label={text("calls.shareKinds")}>
          {kinds.map((each) => (
            <Tab key={each.kind} id={each.kind} className={styles["tab"] ?? ""}>
              {each.icon}
              {text(each.words)}
            </Tab>
          ))}
        </TabList>
        {kinds.map((each) => (
          <TabPanel key={each.kind} id={each.kind} className={styles["panel"] ?? ""}>
            <ListBox
              className={styles["sources"] ?? ""}
              layout="grid"
              aria-label={text(each.words)}
              items={request.sources.filter((source) => source.kind === each.kind)}
              selectionMode="single"
              selectedKeys={chosen ? [chosen.id] : []}
              onSelectionChange={(keys) => {
                const [id] = keys === "all" ? [] : keys;
                setChosenId(id === undefined ? undefined : String(id));
              }}
              renderEmptyState={() => <p className={styles["none"]}>{text(each.none)}</p>}
            >
              {(source) => <SourceItem source={source} icon={each.icon} />}
            </ListBox>
          </TabPanel>
        ))}
      </Tabs>
      {request.canShareSound ? (
        <Switch
          label={text("calls.shareSound")}
          description={text("calls.shareSoundHint")}
          isSelected={withSound}
          onChange={setWithSound}
        />
      ) : null}
      <DialogActions>
        <Button variant="quiet" onPress={onCancel}>
          {text("calls.shareCancel")}
        </Button>
        <Button
          variant="primary"
          isDisabled={!chosen}
          onPress={() => {
            if (chosen) onShare(chosen.id, withSound);
          }}
        >
          {text("calls.shareNow")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

function SourceItem({ source, icon }: { source: ScreenSource; icon: ReactNode }) {
  return (
    <ListBoxItem id={source.id} className={styles["source"] ?? ""} textValue={source.name}>
      <span className={styles["picture"]}>
        {source.thumbnail === undefined ? icon : <img src={source.thumbnail} alt="" draggable={false} />}
      </span>
      <bdi className={styles["name"]}>{source.name}</bdi>
    </ListBoxItem>
  );
}
