/**
 * English strings of the composer. Composed by text/en.ts as `composer.*`.
 * Invariant: keys are stable; a translation file has the same shape.
 */
export const composer = {
  label: "Message {{name}}",
  placeholderEncrypted: "Message {{name}}, encrypted",
  send: "Send",
  sendShortcut: "Enter",
  cannotSend: "You may read here, but not write. Somebody with more rights in this room can change that.",
  notMember: "You are not in this room, so you cannot write here.",
  notSaved: "Not sent: {{reason}} Your text is still here.",
  remaining_one: "{{count}} character left",
  remaining_other: "{{count}} characters left",
  tooLong_one: "{{count}} character too many",
  tooLong_other: "{{count}} characters too many",
  typingOne: "{{name}} is typing…",
  typingTwo: "{{first}} and {{second}} are typing…",
  typingMany_one: "{{first}}, {{second}} and {{count}} other are typing…",
  typingMany_other: "{{first}}, {{second}} and {{count}} others are typing…",
} as const;
