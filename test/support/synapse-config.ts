/**
 * The configuration of the Synapse that tests and demo run: an object, written as JSON, which is YAML too.
 * Called by homeserver.ts. Invariant: nothing in it makes the server speak to anything but loopback.
 */
import { join } from "node:path";

export type SynapseConfigInput = {
  /** The folder as the server sees it: another one than ours inside a container. */
  dataDir: string;
  serverName: string;
  port: number;
  bindAddress: string;
  sharedSecret: string;
  /** True keeps the rate limits that a server has out of the box. */
  defaultRateLimits: boolean;
  presence: boolean;
  /** Where a TURN server with the secret TURN_SECRET listens, if one does. */
  turnPort: number | undefined;
  /** Top-level keys that win over ours. */
  extra: Record<string, unknown>;
};

/** The shared secret between Synapse and the TURN server of a test. */
export const TURN_SECRET = "test-turn-secret";

/** The whole homeserver.yaml. */
export function synapseConfig(input: SynapseConfigInput): Record<string, unknown> {
  const inData = (name: string) => `${input.dataDir.replace(/\/$/, "")}/${name}`;
  return {
    server_name: input.serverName,
    public_baseurl: `http://127.0.0.1:${input.port}/`,
    pid_file: inData("homeserver.pid"),
    signing_key_path: inData("signing.key"),
    log_config: inData("log.yaml"),
    media_store_path: inData("media"),
    database: { name: "sqlite3", args: { database: inData("homeserver.db") } },
    listeners: [
      {
        port: input.port,
        bind_addresses: [input.bindAddress],
        type: "http",
        tls: false,
        x_forwarded: false,
        // "federation" brings the key API, by which the starter tells its own server from a foreign one.
        resources: [{ names: ["client", "federation"], compress: false }],
      },
    ],
    report_stats: false,
    trusted_key_servers: [],
    suppress_key_server_warning: true,
    macaroon_secret_key: "test-macaroon",
    form_secret: "test-form",
    registration_shared_secret: input.sharedSecret,
    // The default of 12 costs a quarter of a second for each password.
    bcrypt_rounds: 4,
    enable_registration: true,
    enable_registration_without_verification: true,
    refreshable_access_token_lifetime: "1h",
    ui_auth: { session_timeout: 0 },
    user_directory: { enabled: true, search_all_users: true },
    room_list_publication_rules: [{ action: "allow" }],
    presence: { enabled: input.presence },
    push: { include_content: true, jitter_delay: "0s" },
    max_upload_size: "50M",
    url_preview_enabled: true,
    url_preview_ip_range_blacklist: [],
    ip_range_blacklist: [],
    max_event_delay_duration: "24h",
    ...(input.turnPort === undefined ? {} : turn(input.turnPort)),
    ...(input.defaultRateLimits ? {} : noRateLimits()),
    experimental_features: {
      msc3881_enabled: true,
      msc4075_enabled: true,
      msc4140_max_delayed_events_per_user: 1000,
      msc4143_enabled: true,
      msc4222_enabled: true,
      msc4354_enabled: true,
    },
    ...input.extra,
  };
}

function turn(port: number): Record<string, unknown> {
  return {
    turn_uris: [`turn:127.0.0.1:${port}?transport=udp`, `turn:127.0.0.1:${port}?transport=tcp`],
    turn_shared_secret: TURN_SECRET,
    turn_user_lifetime: "1h",
    turn_allow_guests: true,
  };
}

function noRateLimits(): Record<string, unknown> {
  const off = { per_second: 100_000, burst_count: 100_000 };
  return {
    rc_message: off,
    rc_registration: off,
    rc_registration_token_validity: off,
    rc_login: { address: off, account: off, failed_attempts: off },
    rc_admin_redaction: off,
    rc_joins: { local: off, remote: off },
    rc_joins_per_room: off,
    rc_key_requests: off,
    rc_3pid_validation: off,
    rc_invites: { per_room: off, per_user: off, per_issuer: off },
    rc_third_party_invite: off,
    rc_media_create: off,
    rc_presence: { per_user: off },
    rc_delayed_event_mgmt: off,
    rc_room_creation: off,
    rc_reports: off,
    rc_user_directory: off,
    rc_profile: off,
  };
}

/** Python's logging configuration: everything into one file of the data folder. */
export function synapseLogConfig(dataDir: string): Record<string, unknown> {
  return {
    version: 1,
    formatters: { line: { format: "%(asctime)s %(levelname)s %(name)s %(request)s %(message)s" } },
    handlers: { file: { class: "logging.FileHandler", formatter: "line", filename: join(dataDir, "homeserver.log") } },
    root: { level: "INFO", handlers: ["file"] },
    disable_existing_loggers: false,
  };
}
