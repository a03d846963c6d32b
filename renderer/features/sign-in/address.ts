/**
 * What the user typed into "account or server", understood. Used by the form to decide what to ask and when
 * the server can be asked already. spec: appendices, "User Identifiers", "Server Name".
 * Invariant: pure; a text that cannot be an address yet is `incomplete`, never an error while typing.
 */

export type Address =
  | { kind: "incomplete" }
  /** `@localpart:server`: the user name is in it. */
  | { kind: "user"; user: string; server: string }
  /** A server name or URL: the user name is still to be asked. */
  | { kind: "server"; server: string };

const USER_ID = /^@([^:\s]+):([^\s]+)$/u;
const SERVER_NAME = /^(?:[a-z0-9-]+\.)+[a-z0-9-]{2,}(?::\d{1,5})?$/iu;
const LOCAL_SERVER = /^(?:localhost|\[[0-9a-f:]+\]|\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?$/iu;

const isServerName = (text: string): boolean => SERVER_NAME.test(text) || LOCAL_SERVER.test(text);

/** Reads a user id, a server name or a URL. */
export function readAddress(text: string): Address {
  const trimmed = text.trim();
  const user = USER_ID.exec(trimmed);
  if (user) {
    const [, localpart = "", server = ""] = user;
    return isServerName(server) ? { kind: "user", user: `@${localpart}:${server}`, server } : { kind: "incomplete" };
  }
  if (/^https?:\/\//iu.test(trimmed)) {
    const host = URL.canParse(trimmed) ? new URL(trimmed).host : "";
    return isServerName(host) ? { kind: "server", server: host } : { kind: "incomplete" };
  }
  return isServerName(trimmed) ? { kind: "server", server: trimmed } : { kind: "incomplete" };
}
