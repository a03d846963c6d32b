/**
 * The sign-in screen in each of its states, from canned props. Shown by renderer/app's gallery.
 * Invariant: no engine is needed.
 */
import type { ReactNode } from "react";
import { SignInView } from "./SignInView.tsx";
import type { SignInViewProps } from "./SignInView.tsx";

const base: SignInViewProps = {
  fields: { address: "", user: "", password: "" },
  discovery: { state: "idle" },
  needsUser: false,
  problems: {},
  isSubmitting: false,
  onChange: () => {},
  onSubmit: () => {},
};
const answer = {
  homeserverUrl: "https://example.org",
  serverName: "example.org",
  canUsePassword: true,
  canUseSingleSignOn: true,
};
const filled = { address: "@alice:example.org", user: "", password: "correct horse" };

const states: readonly { name: string; props: Partial<SignInViewProps> }[] = [
  { name: "first use", props: {} },
  { name: "asking", props: { fields: filled, discovery: { state: "checking", server: "example.org" } } },
  { name: "answered", props: { fields: filled, discovery: { state: "found", answer } } },
  {
    name: "server only",
    props: {
      fields: { ...filled, address: "example.org" },
      needsUser: true,
      discovery: { state: "found", answer: { ...answer, canUseSingleSignOn: false } },
    },
  },
  {
    name: "no such server",
    props: {
      fields: { ...filled, address: "@alice:exmaple.org" },
      discovery: {
        state: "failed",
        error: { code: "not-a-homeserver", message: "There is no Matrix server at exmaple.org. Check the spelling." },
      },
    },
  },
  {
    name: "no password",
    props: { fields: filled, discovery: { state: "found", answer: { ...answer, canUsePassword: false } } },
  },
  {
    name: "wrong password",
    props: {
      fields: { ...filled, password: "" },
      discovery: { state: "found", answer },
      problems: { form: "The user name or the password is wrong." },
    },
  },
  { name: "signing in", props: { fields: filled, discovery: { state: "found", answer }, isSubmitting: true } },
];

/** Sign-in views for the gallery. */
export const signInGallery: readonly { name: string; render: () => ReactNode }[] = states.map(({ name, props }) => ({
  name: `sign-in: ${name}`,
  render: () => <SignInView {...base} {...props} />,
}));
