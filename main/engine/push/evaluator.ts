/**
 * The push rule evaluator: whether an event should notify, and how. Pure; called by the push step for every new
 * event. Invariant: the first enabled rule whose conditions all hold decides, in the order override, content,
 * room, sender, underride; own, redacted and forged events never notify; a rule or condition that we do not understand
 * never matches and harms no other.
 * spec: client-server, "Push Rules".
 */
import type { PowerLevels } from "../matrix/content.ts";
import { isSenderForged, type RoomEvent } from "../matrix/events.ts";
import type { RoomId, UserId } from "../matrix/ids.ts";
import { isObject, readArray, readBoolean, readObject, readString, readValue } from "../matrix/json.ts";
import type { JsonObject, JsonValue } from "../matrix/json.ts";
import { defaultPushRulesContent } from "./default-rules.ts";
import { compileGlob, compileLiteral, matchesGlob } from "./glob.ts";
import type { Glob } from "./glob.ts";

export type PushDecision = {
  notify: boolean;
  highlight: boolean;
  /** Name of the sound; undefined for none. */
  sound: string | undefined;
  /** The rule that decided; undefined where none did. */
  ruleId: string | undefined;
};

export type PushContext = {
  ownUserId: UserId;
  roomId: RoomId;
  ownDisplayName: string | undefined;
  /** Joined members, ourselves included. */
  memberCount: number;
  powerLevels: PowerLevels;
};

type Actions = Pick<PushDecision, "notify" | "highlight" | "sound">;

type Condition =
  | { kind: "match"; path: readonly string[]; glob: Glob }
  | { kind: "property-is"; path: readonly string[]; value: JsonValue }
  | { kind: "property-contains"; path: readonly string[]; value: JsonValue }
  | { kind: "display-name" }
  | { kind: "member-count"; holds: (count: number) => boolean }
  | { kind: "may-notify"; key: string }
  | { kind: "room"; roomId: string }
  | { kind: "sender"; userId: string };

type PushRule = { ruleId: string; conditions: readonly Condition[]; actions: Actions };

/** Enabled rules, those that decide first in front. */
export type PushRuleset = readonly PushRule[];

/** More than any person writes; the rest is ignored. */
const MAX_RULES_OF_KIND = 5_000;
const MAX_CONDITIONS = 100;
const KINDS = ["override", "content", "room", "sender", "underride"] as const;
type Kind = (typeof KINDS)[number];

/** Rules that guess at mentions: they have no say where an event names its mentions. */
const GUESSING_RULES: ReadonlySet<string> = new Set([
  ".m.rule.contains_display_name",
  ".m.rule.contains_user_name",
  ".m.rule.roomnotif",
]);

const SILENT: PushDecision = { notify: false, highlight: false, sound: undefined, ruleId: undefined };

/** The content of account data m.push_rules. */
export function parsePushRules(content: JsonObject): PushRuleset {
  const global = readObject(content, "global");
  if (!global) return [];
  return KINDS.flatMap((kind) =>
    (readArray(global, kind) ?? []).slice(0, MAX_RULES_OF_KIND).flatMap((raw) => parseRule(raw, kind) ?? []),
  );
}

/** The rules of a new account, until the server has sent its own. */
export function defaultPushRules(ownUserId: UserId): PushRuleset {
  return parsePushRules(defaultPushRulesContent(ownUserId));
}

/** Judges one event of one room. */
export function evaluatePush(ruleset: PushRuleset, event: RoomEvent, context: PushContext): PushDecision {
  if (event.sender === context.ownUserId || event.unsigned.isRedacted || isSenderForged(event)) return SILENT;
  const namesMentions = Object.hasOwn(event.content, "m.mentions");
  for (const { ruleId, conditions, actions } of ruleset) {
    if (namesMentions && GUESSING_RULES.has(ruleId)) continue;
    if (conditions.every((condition) => holds(condition, event, context))) return { ...actions, ruleId };
  }
  return SILENT;
}

function parseRule(raw: JsonValue, kind: Kind): PushRule | undefined {
  if (!isObject(raw) || readBoolean(raw, "enabled") === false) return undefined;
  const ruleId = readString(raw, "rule_id");
  const actions = readArray(raw, "actions");
  if (ruleId === undefined || actions === undefined) return undefined;
  const conditions = parseConditionsOf(raw, kind, ruleId);
  return conditions && { ruleId, conditions, actions: parseActions(actions) };
}

/** Undefined where the rule can never match. */
function parseConditionsOf(rule: JsonObject, kind: Kind, ruleId: string): Condition[] | undefined {
  switch (kind) {
    case "content": {
      const pattern = readString(rule, "pattern");
      const condition = pattern === undefined ? undefined : toMatch("content.body", pattern);
      return condition && [condition];
    }
    case "room":
      return [{ kind: "room", roomId: ruleId }];
    case "sender":
      return [{ kind: "sender", userId: ruleId }];
    default: {
      // Without conditions a rule always matches, as .m.rule.master does; with malformed ones it never does.
      const given = readValue(rule, "conditions") ?? [];
      if (!Array.isArray(given) || given.length > MAX_CONDITIONS) return undefined;
      const conditions = given.map(parseCondition);
      return conditions.every((condition) => condition !== undefined) ? conditions : undefined;
    }
  }
}

function parseCondition(raw: JsonValue): Condition | undefined {
  if (!isObject(raw)) return undefined;
  const key = readString(raw, "key");
  switch (readString(raw, "kind")) {
    case "event_match": {
      const pattern = readString(raw, "pattern");
      return key === undefined || pattern === undefined ? undefined : toMatch(key, pattern);
    }
    case "event_property_is":
    case "event_property_contains": {
      const value = readValue(raw, "value");
      if (key === undefined || value === undefined || (typeof value === "object" && value !== null)) return undefined;
      const isContains = readString(raw, "kind") === "event_property_contains";
      return { kind: isContains ? "property-contains" : "property-is", path: splitPath(key), value };
    }
    case "contains_display_name":
      return { kind: "display-name" };
    case "room_member_count": {
      const comparison = toComparison(readString(raw, "is"));
      return comparison && { kind: "member-count", holds: comparison };
    }
    case "sender_notification_permission":
      return key === undefined ? undefined : { kind: "may-notify", key };
    default:
      return undefined;
  }
}

function toMatch(key: string, pattern: string): Condition | undefined {
  const glob = compileGlob(pattern, key === "content.body" ? "words" : "whole");
  return glob && { kind: "match", path: splitPath(key), glob };
}

/** Splits at dots; `\.` is a dot within a part, `\\` a backslash. spec: appendices, "Dot-separated property paths". */
export function splitPath(key: string): string[] {
  const parts: string[] = [];
  let part = "";
  for (let at = 0; at < key.length; at += 1) {
    const character = key.charAt(at);
    const following = key.charAt(at + 1);
    if (character === "\\" && (following === "." || following === "\\")) {
      part += following;
      at += 1;
    } else if (character === ".") {
      parts.push(part);
      part = "";
    } else {
      part += character;
    }
  }
  return [...parts, part];
}

function toComparison(is: string | undefined): ((count: number) => boolean) | undefined {
  const match = /^(?<operator>==|<=|>=|<|>)?(?<count>\d{1,15})$/u.exec(is ?? "");
  if (!match?.groups) return undefined;
  const wanted = Number(match.groups["count"]);
  switch (match.groups["operator"]) {
    case "<":
      return (count) => count < wanted;
    case ">":
      return (count) => count > wanted;
    case "<=":
      return (count) => count <= wanted;
    case ">=":
      return (count) => count >= wanted;
    default:
      return (count) => count === wanted;
  }
}

function parseActions(raw: readonly JsonValue[]): Actions {
  const actions: Actions = { notify: false, highlight: false, sound: undefined };
  for (const action of raw) {
    // "coalesce" is an old word for notifying.
    if (action === "notify" || action === "coalesce") actions.notify = true;
    if (!isObject(action)) continue;
    const tweak = readString(action, "set_tweak");
    if (tweak === "highlight") actions.highlight = readBoolean(action, "value") ?? true;
    if (tweak === "sound") actions.sound = readString(action, "value")?.slice(0, 255);
  }
  return actions;
}

function holds(condition: Condition, event: RoomEvent, context: PushContext): boolean {
  switch (condition.kind) {
    case "match": {
      const value = propertyOf(event, context.roomId, condition.path);
      return typeof value === "string" && matchesGlob(condition.glob, value);
    }
    case "property-is":
      return propertyOf(event, context.roomId, condition.path) === condition.value;
    case "property-contains": {
      const value = propertyOf(event, context.roomId, condition.path);
      return Array.isArray(value) && value.includes(condition.value);
    }
    case "display-name": {
      const body = readString(event.content, "body");
      if (body === undefined || context.ownDisplayName === undefined || context.ownDisplayName === "") return false;
      return matchesGlob(compileLiteral(context.ownDisplayName, "words"), body);
    }
    case "member-count":
      return condition.holds(context.memberCount);
    case "may-notify":
      return context.powerLevels.powerLevelOf(event.sender) >= context.powerLevels.levelToNotify(condition.key);
    case "room":
      return context.roomId === condition.roomId;
    case "sender":
      return event.sender === condition.userId;
  }
}

/** The property at a path of the event as the server would see it. */
function propertyOf(event: RoomEvent, roomId: RoomId, path: readonly string[]): JsonValue | undefined {
  const [first, ...rest] = path;
  let value: JsonValue | undefined;
  switch (first) {
    case "content":
      value = event.content;
      break;
    case "type":
      value = event.type;
      break;
    case "sender":
      value = event.sender;
      break;
    case "state_key":
      value = event.stateKey;
      break;
    case "room_id":
      value = roomId;
      break;
    case "event_id":
      value = event.eventId;
      break;
    case "origin_server_ts":
      value = event.originServerTs;
      break;
    default:
      return undefined;
  }
  for (const key of rest) {
    if (!isObject(value)) return undefined;
    value = readValue(value, key);
  }
  return value;
}
