/**
 * The push rules that every account starts with, for as long as the server has not sent its own. Called by the
 * push step. Invariant: same rules, same order as the specification's, in the shape of account data m.push_rules.
 * spec: client-server v1.15, "Predefined Rules".
 */
import type { UserId } from "../matrix/ids.ts";
import type { JsonObject, JsonValue } from "../matrix/json.ts";

const NOTIFY = "notify";
const HIGHLIGHT: JsonObject = { set_tweak: "highlight" };
const sound = (value: string): JsonObject => ({ set_tweak: "sound", value });

const match = (key: string, pattern: string): JsonObject => ({ kind: "event_match", key, pattern });
const isType = (type: string): JsonObject => match("type", type);
const memberCount = (is: string): JsonObject => ({ kind: "room_member_count", is });
const mayNotifyRoom: JsonObject = { kind: "sender_notification_permission", key: "room" };

function rule(
  ruleId: string,
  conditions: readonly JsonValue[],
  actions: readonly JsonValue[],
  enabled = true,
): JsonObject {
  return { rule_id: ruleId, default: true, enabled, conditions, actions };
}

/** The content of m.push_rules of a new account. */
export function defaultPushRulesContent(ownUserId: UserId): JsonObject {
  const localpart = ownUserId.slice(1, ownUserId.indexOf(":"));
  return {
    global: {
      override: [
        rule(".m.rule.master", [], [], false),
        rule(".m.rule.suppress_notices", [match("content.msgtype", "m.notice")], []),
        rule(
          ".m.rule.invite_for_me",
          [isType("m.room.member"), match("content.membership", "invite"), match("state_key", ownUserId)],
          [NOTIFY, sound("default")],
        ),
        rule(".m.rule.member_event", [isType("m.room.member")], []),
        rule(
          ".m.rule.is_user_mention",
          [{ kind: "event_property_contains", key: "content.m\\.mentions.user_ids", value: ownUserId }],
          [NOTIFY, sound("default"), HIGHLIGHT],
        ),
        rule(
          ".m.rule.contains_display_name",
          [{ kind: "contains_display_name" }],
          [NOTIFY, sound("default"), HIGHLIGHT],
        ),
        rule(
          ".m.rule.is_room_mention",
          [{ kind: "event_property_is", key: "content.m\\.mentions.room", value: true }, mayNotifyRoom],
          [NOTIFY, HIGHLIGHT],
        ),
        rule(".m.rule.roomnotif", [match("content.body", "@room"), mayNotifyRoom], [NOTIFY, HIGHLIGHT]),
        rule(".m.rule.tombstone", [isType("m.room.tombstone"), match("state_key", "")], [NOTIFY, HIGHLIGHT]),
        rule(".m.rule.reaction", [isType("m.reaction")], []),
        rule(".m.rule.room.server_acl", [isType("m.room.server_acl"), match("state_key", "")], []),
        rule(
          ".m.rule.suppress_edits",
          [{ kind: "event_property_is", key: "content.m\\.relates_to.rel_type", value: "m.replace" }],
          [],
        ),
      ],
      content: [
        {
          rule_id: ".m.rule.contains_user_name",
          default: true,
          enabled: true,
          pattern: localpart,
          actions: [NOTIFY, sound("default"), HIGHLIGHT],
        },
      ],
      room: [],
      sender: [],
      underride: [
        rule(".m.rule.call", [isType("m.call.invite")], [NOTIFY, sound("ring")]),
        rule(
          ".m.rule.encrypted_room_one_to_one",
          [memberCount("2"), isType("m.room.encrypted")],
          [NOTIFY, sound("default")],
        ),
        rule(".m.rule.room_one_to_one", [memberCount("2"), isType("m.room.message")], [NOTIFY, sound("default")]),
        rule(".m.rule.message", [isType("m.room.message")], [NOTIFY]),
        rule(".m.rule.encrypted", [isType("m.room.encrypted")], [NOTIFY]),
      ],
    },
  };
}
