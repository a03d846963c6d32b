/**
 * The filter in front of the user's browser: decides which addresses may leave the app, and in which form.
 * Used by navigation-guard.ts, the only place that calls Electron's openExternal.
 * Invariant: pure; what comes out is http, https or mailto in canonical form. Everything else could start a
 * program (`file:`, UNC paths, `ms-*:`, `smb:`) and is dropped.
 */
const MAX_URL_LENGTH = 8_192;
/** Fields that only write text. Others, such as `attach`, make some mail programs read files. */
const MAIL_FIELDS = new Set(["subject", "body", "cc", "bcc", "to"]);
const UNSAFE_CHARACTERS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s\\]/u;

/** The canonical address to hand to the system, or undefined where it must not be opened. */
export function externalUrl(text: string): string | undefined {
  if (text.length > MAX_URL_LENGTH || UNSAFE_CHARACTERS.test(text)) return undefined;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  switch (url.protocol) {
    case "http:":
    case "https:":
      // Credentials exist in links only to make a foreign host look like a known one.
      return url.hostname !== "" && url.username === "" && url.password === "" ? url.href : undefined;
    case "mailto:": {
      if (url.pathname.startsWith("/") || url.pathname.startsWith("-")) return undefined;
      for (const field of url.searchParams.keys()) if (!MAIL_FIELDS.has(field.toLowerCase())) return undefined;
      return url.href;
    }
    default:
      return undefined;
  }
}
