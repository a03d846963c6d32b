/**
 * 0002: end-to-end encryption. What came encrypted is sealed with the profile key where it is readable, and keeps
 * its ciphertext; so do previews, pending events, invites, drafts and small settings. Encrypted events that the
 * first version had set down as they came wait for their keys from now on.
 * `content` and `preview` stay for what came in the clear, and for rows of the first version.
 */
import type { Migration } from "./migration.ts";

export const migration: Migration = {
  version: 2,
  statements: `
  ALTER TABLE event ADD COLUMN encrypted_content TEXT;              -- JSON as it came: ciphertext; null: it came in the clear
  ALTER TABLE event ADD COLUMN session_id        TEXT;              -- megolm session, as the event claims
  ALTER TABLE event ADD COLUMN message_index     INTEGER;           -- place in the session's ratchet; kept after a redaction
  ALTER TABLE event ADD COLUMN decryption        INTEGER NOT NULL DEFAULT 0; -- 0 came in the clear, 1 decrypted, 2 undecryptable
  ALTER TABLE event ADD COLUMN shield            TEXT;              -- what a reader is warned of
  ALTER TABLE event ADD COLUMN cause             TEXT;              -- why it is undecryptable
  ALTER TABLE event ADD COLUMN sender_device_id  TEXT;              -- as the event claims
  ALTER TABLE event ADD COLUMN membership_then   TEXT;              -- our own when it was sent, as the server says
  ALTER TABLE event ADD COLUMN sealed            BLOB;              -- JSON {content, prevContent?}; where set, content is '{}'

  CREATE INDEX event_by_session ON event (room_id, session_id, message_index) WHERE session_id IS NOT NULL;
  CREATE INDEX event_undecryptable ON event (origin_server_ts) WHERE decryption = 2;
  CREATE INDEX event_undecryptable_in_room ON event (room_id, chunk, position) WHERE decryption = 2;
  CREATE INDEX event_by_sender_encrypted ON event (sender, origin_server_ts) WHERE decryption = 1;

  ALTER TABLE room ADD COLUMN preview_sealed BLOB;   -- instead of preview, where the room is encrypted
  ALTER TABLE outbox ADD COLUMN content_sealed BLOB; -- instead of content, which is then '{}'
  ALTER TABLE outbox ADD COLUMN wire TEXT;           -- JSON {type, content}: the encrypted form that the server was given
  ALTER TABLE call ADD COLUMN invite_sealed BLOB;    -- instead of invite, which is not used any more

  CREATE TABLE draft (
    room_id            TEXT PRIMARY KEY,
    text_sealed        BLOB NOT NULL     -- what is written and not sent
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE setting (
    name               TEXT PRIMARY KEY,
    value_sealed       BLOB NOT NULL     -- JSON; facts of this device that no server must be able to set
  ) STRICT, WITHOUT ROWID;

  UPDATE event SET
    decryption = 2,
    cause = 'missing-key',
    encrypted_content = content, -- the columns on the right are those of before
    session_id = CASE WHEN json_type(content, '$.session_id') = 'text' AND length(content ->> '$.session_id') <= 255
                      THEN content ->> '$.session_id' END,
    sender_device_id = CASE WHEN json_type(content, '$.device_id') = 'text' AND length(content ->> '$.device_id') <= 255
                            THEN content ->> '$.device_id' END,
    content = '{}'
  WHERE type = 'm.room.encrypted' AND state_key IS NULL AND is_redacted = 0 AND json_valid(content);

  UPDATE call SET invite = NULL; -- in the clear, and a ring does not outlast an update

  UPDATE room SET preview = json_set(preview, '$.kind', 'undecryptable')
  WHERE iif(json_valid(preview), preview ->> '$.kind', NULL) = 'encrypted';
`,
};
