/**
 * Where a recovery key, or its passphrase, is typed or pasted in. Used by the dialogs that ask for one.
 * Invariant: a recovery key is seen whole, because who mistypes it has to compare it letter by letter; a passphrase
 * is hidden, because it may be known by heart and used again.
 */
import type { KeyboardEvent } from "react";
import { useText } from "../../text/text.ts";
import { TextField } from "../../ui/TextField.tsx";

/** The field; Enter sends the form that it stands in. */
export function SecretField({
  takesPassphrase = false,
  value,
  onChange,
  description,
  error,
}: {
  takesPassphrase?: boolean;
  value: string;
  onChange: (text: string) => void;
  description?: string | undefined;
  error: string | undefined;
}) {
  const t = useText();
  const shared = {
    autoFocus: true,
    value,
    onChange,
    autoCorrect: "off",
    spellCheck: "false",
    description,
    error,
    reservesNote: true,
  } as const;
  return takesPassphrase ? (
    <TextField {...shared} type="password" label={t("encryption.secretLabelPassphrase")} />
  ) : (
    <TextField {...shared} isMultiline rows={2} onKeyDown={submitOnEnter} label={t("encryption.secretLabel")} />
  );
}

/** Several lines show the key whole; they are not for line breaks. */
function submitOnEnter(event: KeyboardEvent): void {
  if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
  event.preventDefault();
  if (event.target instanceof HTMLTextAreaElement) event.target.form?.requestSubmit();
}

/** Back to the field of this form, from wherever it was sent. */
export const focusSecretField = (form: HTMLFormElement): void =>
  form.querySelector<HTMLElement>("input, textarea")?.focus();
