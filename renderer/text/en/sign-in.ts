/**
 * English strings of the sign-in screen. Composed by text/en.ts as `signIn.*`.
 * Invariant: keys are stable; a translation file has the same shape.
 */
export const signIn = {
  pageTitle: "Sign in",
  title: "Sign in",
  hint: "To your Matrix account",
  brandTitle: "Talk to anyone, from a server you choose.",
  brandBody: "Messages and calls over Matrix, on your own terms.",
  address: "Account or server",
  addressPlaceholder: "@you:example.org",
  user: "User name",
  password: "Password",
  submit: "Sign in",
  submitting: "Signing in…",
  checking: "Asking {{server}}…",
  answersPassword: "{{server}} answers, password",
  answersPasswordAndSingleSignOn: "{{server}} answers, password and single sign-on",
  answersNoPassword: "{{server}} answers, but takes no password. Lattice cannot sign in there yet.",
  addressNeeded: "Enter your Matrix id, like @you:example.org, or your server.",
  userNeeded: "Enter your user name on this server.",
  passwordNeeded: "Enter your password.",
  serverNotReady: "The server has not answered yet. Check the address and try again.",
} as const;
