/**
 * 0001: the first schema. Comments stand inside the statements, so that `.schema` shows them.
 * Positions: a room's events are ordered by (chunk, position). A chunk is a run of events without a gap;
 * a later chunk is newer. History is put before a chunk with falling positions, live events after it.
 */
import type { Migration } from "./migration.ts";

export const migration: Migration = {
  version: 1,
  statements: `
  CREATE TABLE account (
    one                INTEGER PRIMARY KEY CHECK (one = 1),
    user_id            TEXT NOT NULL,
    device_id          TEXT NOT NULL,
    homeserver_url     TEXT NOT NULL,
    display_name       TEXT,
    avatar_mxc         TEXT,
    state              TEXT NOT NULL,    -- signed-in | soft-logged-out | signed-out
    tokens_sealed      BLOB,             -- access and refresh token, sealed with the profile key
    next_batch         TEXT              -- position in the sync stream; commits with what it implies
  ) STRICT;

  CREATE TABLE account_data (
    room_id            TEXT NOT NULL,    -- '' for the account as a whole
    type               TEXT NOT NULL,
    content            TEXT NOT NULL,    -- JSON
    PRIMARY KEY (room_id, type)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE room (
    room_id            TEXT PRIMARY KEY,
    membership         TEXT NOT NULL,    -- our own
    name               TEXT NOT NULL,    -- computed when written
    avatar_mxc         TEXT,
    topic              TEXT NOT NULL DEFAULT '',
    is_direct          INTEGER NOT NULL DEFAULT 0,
    direct_user_id     TEXT,
    is_encrypted       INTEGER NOT NULL DEFAULT 0, -- once 1, for ever 1
    is_public          INTEGER NOT NULL DEFAULT 0, -- join rule public
    joined_count       INTEGER NOT NULL DEFAULT 0,
    invited_count      INTEGER NOT NULL DEFAULT 0,
    heroes             TEXT NOT NULL DEFAULT '[]', -- JSON: user ids
    has_all_members    INTEGER NOT NULL DEFAULT 0, -- 0: only those that the server sent lazily
    is_favourite       INTEGER NOT NULL DEFAULT 0,
    is_low_priority    INTEGER NOT NULL DEFAULT 0,
    is_muted           INTEGER NOT NULL DEFAULT 0,
    inviter_user_id    TEXT,
    preview            TEXT,             -- JSON of the last thing said
    activity_ts        INTEGER,          -- ms, of the last thing said
    notification_count INTEGER NOT NULL DEFAULT 0, -- the server's
    highlight_count    INTEGER NOT NULL DEFAULT 0  -- the server's
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE state_event (
    room_id            TEXT NOT NULL,
    type               TEXT NOT NULL,
    state_key          TEXT NOT NULL,
    event_id           TEXT,             -- null for the stripped state of an invite
    sender             TEXT NOT NULL,
    content            TEXT NOT NULL,    -- JSON
    PRIMARY KEY (room_id, type, state_key)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE member (
    room_id            TEXT NOT NULL,
    user_id            TEXT NOT NULL,
    membership         TEXT NOT NULL,
    display_name       TEXT,
    avatar_mxc         TEXT,
    PRIMARY KEY (room_id, user_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX member_name ON member (room_id, display_name);

  CREATE TABLE chunk (
    room_id            TEXT NOT NULL,
    chunk              INTEGER NOT NULL, -- grows with time
    prev_batch         TEXT,             -- where the missing history before it is fetched; null: none is missing
    PRIMARY KEY (room_id, chunk)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE event (
    row_id             INTEGER PRIMARY KEY,
    room_id            TEXT NOT NULL,
    chunk              INTEGER NOT NULL,
    position           INTEGER NOT NULL, -- within the chunk; below 0 for back-filled history
    event_id           TEXT NOT NULL,
    type               TEXT NOT NULL,    -- '' for an event that could not be read
    state_key          TEXT,
    sender             TEXT NOT NULL,
    origin_server_ts   INTEGER NOT NULL,
    content            TEXT NOT NULL,    -- JSON; of an unreadable event: why it was set aside
    prev_content       TEXT,             -- JSON, of state events
    txn_id             TEXT,             -- of our own sends from this device
    is_redacted        INTEGER NOT NULL DEFAULT 0,
    is_shown           INTEGER NOT NULL, -- 1: has a line of its own in the timeline
    relation           TEXT,             -- rel_type
    related_id         TEXT,             -- event that it relates to
    push               INTEGER NOT NULL DEFAULT 0 -- 0 silent, 1 notifies, 2 highlights
  ) STRICT;
  CREATE UNIQUE INDEX event_by_id ON event (room_id, event_id);
  CREATE UNIQUE INDEX event_by_order ON event (room_id, chunk, position);
  CREATE INDEX event_shown ON event (room_id, chunk, position) WHERE is_shown = 1;
  CREATE INDEX event_related ON event (room_id, related_id) WHERE related_id IS NOT NULL;

  CREATE TABLE receipt (
    room_id            TEXT NOT NULL,
    user_id            TEXT NOT NULL,
    kind               TEXT NOT NULL,    -- m.read | m.read.private
    thread_id          TEXT NOT NULL,    -- '' for the unthreaded one
    event_id           TEXT NOT NULL,
    received_ts        INTEGER NOT NULL, -- ms, as the server says
    PRIMARY KEY (room_id, user_id, kind, thread_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE outbox (
    place              INTEGER PRIMARY KEY AUTOINCREMENT, -- send order
    txn_id             TEXT NOT NULL UNIQUE,
    room_id            TEXT NOT NULL,
    type               TEXT NOT NULL,
    content            TEXT NOT NULL,    -- JSON
    created_at         INTEGER NOT NULL, -- ms, our clock
    first_tried_at     INTEGER,          -- ms, our clock: the server may have it since then
    event_id           TEXT,             -- the server's answer; the row stays until the sync brings the event
    wedge              TEXT              -- JSON error: refused for good, waits for its user
  ) STRICT;
  CREATE INDEX outbox_room ON outbox (room_id, place);

  CREATE TABLE call (
    room_id            TEXT NOT NULL,
    call_id            TEXT NOT NULL,
    direction          TEXT NOT NULL,    -- incoming | outgoing
    media              TEXT NOT NULL,    -- voice | video
    peer_user_id       TEXT NOT NULL,
    state              TEXT NOT NULL,    -- the call view's state
    own_party_id       TEXT NOT NULL,
    invite_event_id    TEXT,
    invite             TEXT,             -- JSON of a ringing call's invite, to ring again after a restart
    started_at         INTEGER NOT NULL, -- ms, our clock
    connected_at       INTEGER,          -- ms, our clock
    ended_at           INTEGER,          -- ms, our clock
    end_reason         TEXT,
    PRIMARY KEY (room_id, call_id)
  ) STRICT, WITHOUT ROWID;
`,
};
