/**
 * A labelled line of text. Used by every form.
 * The line under the field says, in this order: the error, or the note with its tone, or nothing; its height is
 * reserved where `reservesNote` is set, so that an answer that arrives does not move the form.
 * Invariants: label, description and error are bound to the input for assistive technology; the browser keeps what is
 * typed only where `autoComplete` says what it is, for with its session and its forms it would be readable on disk.
 */
import type { ReactNode, Ref } from "react";
import { FieldError } from "react-aria-components/FieldError";
import { Input } from "react-aria-components/Input";
import { Label } from "react-aria-components/Label";
import { Text } from "react-aria-components/Text";
import { TextField as AriaTextField } from "react-aria-components/TextField";
import type { TextFieldProps as AriaTextFieldProps } from "react-aria-components/TextField";
import { TextArea } from "react-aria-components/TextArea";
import { cx } from "./cx.ts";
import styles from "./TextField.module.css";

export type TextFieldProps = Omit<AriaTextFieldProps, "className" | "style" | "children" | "isInvalid"> & {
  label: string;
  /** Shown under the field while there is no error. */
  description?: ReactNode;
  descriptionTone?: "neutral" | "positive" | "caution";
  /** What is wrong and what to do; marks the field as invalid. */
  error?: string | undefined;
  placeholder?: string;
  /** Keeps one line free under the field. */
  reservesNote?: boolean;
  isMultiline?: boolean;
  /** How many lines are shown of several. */
  rows?: number;
  inputRef?: Ref<HTMLInputElement>;
};

/** A labelled input with a line for notes and errors under it. */
export function TextField({
  label,
  description,
  descriptionTone = "neutral",
  error,
  placeholder,
  reservesNote,
  isMultiline,
  rows = 3,
  inputRef,
  autoComplete = "off",
  ...rest
}: TextFieldProps) {
  const isInvalid = error !== undefined && error !== "";
  const inputProps = placeholder === undefined ? {} : { placeholder };
  return (
    <AriaTextField
      {...rest}
      autoComplete={autoComplete}
      isInvalid={isInvalid}
      validationBehavior="aria"
      className={styles["field"] ?? ""}
    >
      <Label className={styles["label"] ?? ""}>{label}</Label>
      {isMultiline === true ? (
        <TextArea {...inputProps} rows={rows} className={cx(styles["input"], styles["area"])} />
      ) : (
        <Input {...inputProps} {...(inputRef ? { ref: inputRef } : {})} className={styles["input"] ?? ""} />
      )}
      {isInvalid ? (
        <FieldError className={cx(styles["note"], styles["critical"])}>{error}</FieldError>
      ) : description !== undefined && description !== null ? (
        <Text slot="description" className={cx(styles["note"], styles[descriptionTone])}>
          {description}
        </Text>
      ) : reservesNote === true ? (
        <span className={styles["note"]} aria-hidden="true" />
      ) : null}
    </AriaTextField>
  );
}
