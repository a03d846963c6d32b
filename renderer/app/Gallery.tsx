/**
 * The page at `#/gallery`: every view of every feature from canned props, in each theme, contrast, width and
 * direction. Loaded on demand by Root; used by people and by the screenshot and accessibility tests.
 * The choice stands in the hash: `#/gallery?view=<name>&theme=dark&contrast=more&narrow=1&rtl=1&bare=1`;
 * `bare` shows the view alone. Invariant: one view at a time, so that a view is checked as the page it will be.
 */
import { useEffect, useState, useSyncExternalStore } from "react";
import type { ReactNode } from "react";
import { callLogGallery } from "../features/call-log/gallery.tsx";
import { callsGallery } from "../features/calls/gallery.tsx";
import { gallery as composerGallery } from "../features/composer/gallery.tsx";
import { encryptionGallery } from "../features/encryption/gallery.tsx";
import { roomListGallery } from "../features/room-list/gallery.tsx";
import { settingsGallery } from "../features/settings/gallery.tsx";
import { signInGallery } from "../features/sign-in/gallery.tsx";
import { gallery as timelineGallery } from "../features/timeline/gallery.tsx";
import { useText } from "../text/text.ts";
import { Button } from "../ui/Button.tsx";
import { Chips } from "../ui/Chips.tsx";
import { cx } from "../ui/cx.ts";
import { ErrorBoundary } from "../ui/ErrorBoundary.tsx";
import { appGallery } from "./gallery-views.tsx";
import { onHashChange } from "./navigation.ts";
import styles from "./gallery.module.css";

type GalleryView = { name: string; render: () => ReactNode };
type Theme = "system" | "light" | "dark";
type Choice = { view: string; theme: Theme; isContrast: boolean; isNarrow: boolean; isRtl: boolean; isBare: boolean };

const views: readonly GalleryView[] = [
  ...appGallery,
  ...signInGallery,
  ...roomListGallery,
  ...timelineGallery,
  ...composerGallery,
  ...callsGallery,
  ...callLogGallery,
  ...encryptionGallery,
  ...settingsGallery,
];

function readChoice(hash: string): Choice {
  const query = new URLSearchParams(hash.split("?")[1] ?? "");
  const theme = query.get("theme");
  return {
    view: query.get("view") ?? views[0]?.name ?? "",
    theme: theme === "light" || theme === "dark" ? theme : "system",
    isContrast: query.get("contrast") === "more",
    isNarrow: query.has("narrow"),
    isRtl: query.has("rtl"),
    isBare: query.has("bare"),
  };
}

function hashOf(choice: Choice): string {
  const query = new URLSearchParams({ view: choice.view });
  if (choice.theme !== "system") query.set("theme", choice.theme);
  if (choice.isContrast) query.set("contrast", "more");
  if (choice.isNarrow) query.set("narrow", "1");
  if (choice.isRtl) query.set("rtl", "1");
  return `#/gallery?${query.toString()}`;
}

/** The gallery page. */
export function Gallery() {
  const t = useText();
  const hash = useSyncExternalStore(onHashChange, () => window.location.hash);
  const choice = readChoice(hash);
  const [openedKey, setOpenedKey] = useState(0);
  const change = (changed: Partial<Choice>) => {
    window.location.hash = hashOf({ ...choice, ...changed });
    setOpenedKey((key) => key + 1);
  };
  useDocumentMode(choice);
  useEffect(() => {
    document.title = `${choice.view} · ${t("app.galleryTitle")}`;
  }, [choice.view, t]);

  const view = views.find((candidate) => candidate.name === choice.view) ?? views[0];
  const stage = (
    <div className={cx(styles["stage"], choice.isNarrow && styles["narrow"])}>
      <ErrorBoundary key={`${choice.view} ${openedKey}`} renderFallback={() => t("app.failedTitle")}>
        {view?.render()}
      </ErrorBoundary>
    </div>
  );
  if (choice.isBare) return stage;
  return (
    <div className={styles["gallery"]}>
      <nav className={styles["names"]} aria-label={t("app.galleryTitle")}>
        <p className={styles["title"]}>{t("app.galleryTitle")}</p>
        {views.map(({ name }) => (
          <button
            key={name}
            type="button"
            className={styles["name"]}
            aria-current={name === view?.name ? "page" : undefined}
            onClick={() => change({ view: name })}
          >
            {name}
          </button>
        ))}
      </nav>
      <div className={styles["bar"]}>
        <Chips<Theme>
          label={t("app.galleryTheme")}
          options={[
            { id: "system", label: t("app.galleryThemeSystem") },
            { id: "light", label: t("app.galleryThemeLight") },
            { id: "dark", label: t("app.galleryThemeDark") },
          ]}
          selected={choice.theme}
          onSelect={(theme) => change({ theme })}
        />
        <Toggle isOn={choice.isContrast} onPress={() => change({ isContrast: !choice.isContrast })}>
          {t("app.galleryContrast")}
        </Toggle>
        <Toggle isOn={choice.isNarrow} onPress={() => change({ isNarrow: !choice.isNarrow })}>
          {t("app.galleryNarrow")}
        </Toggle>
        <Toggle isOn={choice.isRtl} onPress={() => change({ isRtl: !choice.isRtl })}>
          {t("app.galleryRtl")}
        </Toggle>
      </div>
      {stage}
    </div>
  );
}

function Toggle({ isOn, onPress, children }: { isOn: boolean; onPress: () => void; children: ReactNode }) {
  return (
    <Button size="small" variant={isOn ? "primary" : "plain"} aria-pressed={isOn} onPress={onPress}>
      {children}
    </Button>
  );
}

/** Puts theme, contrast and direction on <html>, as the settings of the system would, and takes them back. */
function useDocumentMode({ theme, isContrast, isRtl }: Choice): void {
  useEffect(() => {
    const root = document.documentElement;
    const { dir } = root;
    if (theme !== "system") root.dataset["theme"] = theme;
    if (isContrast) root.dataset["contrast"] = "more";
    if (isRtl) root.dir = "rtl";
    return () => {
      delete root.dataset["theme"];
      delete root.dataset["contrast"];
      root.dir = dir;
    };
  }, [theme, isContrast, isRtl]);
}
