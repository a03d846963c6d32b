/**
 * Sets up the catalogue and hands out the words: `setUpText()` once at the start, `useText()` in components.
 * Writes `lang` and `dir` on <html>, so that CSS by logical properties follows the script's direction.
 * Invariant: values are inserted as text by React, never as markup, so i18next's own escaping stays off.
 */
import i18next from "i18next";
import { initReactI18next, useTranslation } from "react-i18next";
import { en } from "./en.ts";

const catalogues = { en } as const;
/** Locales that have a catalogue. */
export type Locale = keyof typeof catalogues;

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "translation";
    resources: { translation: typeof en };
    returnNull: false;
  }
}

/** The best of our locales for what the user's system prefers. */
export function chooseLocale(preferred: readonly string[]): Locale {
  for (const tag of preferred) {
    const language = tag.toLowerCase().split("-")[0] ?? "";
    if (Object.hasOwn(catalogues, language)) return language as Locale;
  }
  return "en";
}

/** Loads the catalogue of this locale and marks the document with it. Runs synchronously. */
export function setUpText(locale: Locale = chooseLocale(navigator.languages)): void {
  void i18next.use(initReactI18next).init({
    lng: locale,
    fallbackLng: "en",
    resources: { en: { translation: en } },
    initAsync: false,
    interpolation: { escapeValue: false },
    react: { useSuspense: false },
  });
  document.documentElement.lang = locale;
  document.documentElement.dir = i18next.dir(locale);
}

/** The function that turns a key of the catalogue into words. */
export function useText() {
  return useTranslation().t;
}

/** The type of what `useText` gives, for helpers that take it as an argument. */
export type Text = ReturnType<typeof useText>;
