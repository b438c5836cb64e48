/// One setting, described once: its name in the environment, its flag, what it takes, and its help.
struct Setting: Sendable {
  /// What a value must look like.
  enum Kind: Sendable {
    case text
    case path
    case flag
    case integer(ClosedRange<Int>)
    case decimal(ClosedRange<Double>)
    case choice([String])
    case list
    /// A secret of at least so many bytes; `<NAME>_FILE` may name a file that holds it.
    case secret(bytesMin: Int)
    /// Secret keys of so many bytes, each in base64, separated by commas.
    case keys(bytes: Int)
    /// Keys that sign and keys whose signatures count: see ``SigningKeys``.
    case signingKeys

    /// Whether a value must never be shown, and may come from the file that `<NAME>_FILE` names.
    var isSecret: Bool {
      switch self {
      case .secret, .keys, .signingKeys: true
      case .text, .path, .flag, .integer, .decimal, .choice, .list: false
      }
    }
  }

  /// The name in the environment and in `.env`.
  let name: String
  /// The long option, without dashes, if there is one.
  var flag: String?
  /// Further names in the environment that mean the same.
  var aliases: [String] = []
  let kind: Kind
  let summary: String
  /// The value when nothing is said, for the help.
  var fallback: String?

  /// Whether the option may stand alone.
  var isFlag: Bool {
    if case .flag = kind { true } else { false }
  }

  /// Every setting of `serve`, in the order of the help.
  static let all: [Setting] = [
    Setting(
      name: "CRM_DB_PATH", flag: "db", kind: .path, summary: "The SQLite file.",
      fallback: "data/cardfile.db"),
    Setting(
      name: "CRM_LISTEN", flag: "listen", kind: .text, summary: "Address and port.",
      fallback: "127.0.0.1:5000"),
    Setting(name: "PORT", kind: .integer(0...65535), summary: "The port alone."),
    Setting(
      name: "CRM_DEMO", flag: "demo", kind: .flag,
      summary: "Fill one tenant with a small company."),
    Setting(
      name: "CRM_TENANT_ID", flag: "tenant", kind: .list,
      summary: "Serve only these tenants, separated by commas."),
    Setting(
      name: "WRAPPER_API_BASE_URL", aliases: ["WRAPPER_API_URL", "USER_MANAGEMENT_URL"],
      kind: .text, summary: "The Wrapper; without it an embedded one is started."),
    Setting(
      name: "WRAPPER_API_KEY", kind: .secret(bytesMin: 1), summary: "The key for its API."),
    Setting(
      name: "JWT_SECRET", kind: .secret(bytesMin: 32),
      summary: "Verify JWTs (HS256) here with this secret."),
    Setting(name: "JWT_AUDIENCE", kind: .text, summary: "The audience that JWTs must name."),
    Setting(name: "JWT_ISSUER", kind: .text, summary: "The issuer that JWTs must name."),
    Setting(
      name: "CRM_CREDIT_CHECK", kind: .choice(["strict", "cached", "off"]),
      summary: "How credits are checked before they are spent.", fallback: "strict"),
    Setting(
      name: "CRM_PERMISSION_CHECK", kind: .choice(["cached", "strict"]),
      summary: "Whether each decision asks the Wrapper about the user.", fallback: "cached"),
    Setting(
      name: "CRM_POLL_SECONDS", kind: .decimal(0.05...3600),
      summary: "How often permissions and credit costs are looked at.", fallback: "5"),
    Setting(
      name: "CRM_PERMISSION_MAX_STALENESS_S", kind: .decimal(1...86400),
      summary: "How old permissions may be while the Wrapper answers.", fallback: "300"),
    Setting(
      name: "CRM_OFFLINE_MINUTES", kind: .decimal(0...100_000),
      summary: "How long writing goes on without the Wrapper.", fallback: "30"),
    Setting(
      name: "CRM_CACHE_TTL_MINUTES", kind: .decimal(0.01...10_000),
      summary: "How long user profiles are kept.", fallback: "5"),
    Setting(
      name: "CRM_MAX_MEMORY_MB", kind: .integer(1...1_000_000),
      summary: "What is held of all tenants in memory; the rest stays in the file.",
      fallback: "100"),
    Setting(
      name: "CRM_CACHE_KEY", kind: .keys(bytes: 32),
      summary: "Encrypt what is stored of the Wrapper's answers: base64 of 32 bytes; several, "
        + "separated by commas, change the key: the first writes, all read."),
    Setting(
      name: "CRM_ACTIVITY_BUFFER_SIZE", kind: .integer(1...1000),
      summary: "Entries that are shipped at once.", fallback: "100"),
    Setting(
      name: "CRM_ENABLE_ACTIVITY_LOGGING", kind: .flag,
      summary: "Ship activities to the Wrapper; the local log always stays.", fallback: "true"),
    Setting(
      name: "CRM_SIGNING_KEY", kind: .signingKeys,
      summary: "Sign checkpoints of the activity log with this Ed25519 key: base64 of its 32-byte "
        + "seed, or PEM; keys behind it, separated by commas, are accepted too. Without it a key "
        + "is made beside the file."),
    Setting(
      name: "CRM_ACTIVITY_RETENTION_DAYS", kind: .integer(1...36_500),
      summary: "Days after which entries of the activity log are removed; for ever without."),
    Setting(
      name: "CRM_AUDIT_READS", kind: .flag,
      summary: "Log reads as activities too.", fallback: "false"),
    Setting(
      name: "CRM_TRASH_DAYS", kind: .integer(1...36_500),
      summary: "Days after which the trash is emptied.", fallback: "30"),
    Setting(
      name: "CRM_MAX_BODY_KB", kind: .integer(1...65_536), summary: "The largest JSON body.",
      fallback: "1024"),
    Setting(
      name: "CRM_MAX_FILE_MB", kind: .integer(1...100_000), summary: "The largest file.",
      fallback: "25"),
    Setting(
      name: "CRM_TLS_CERT", flag: "tls-cert", kind: .path, summary: "Certificate chain, PEM."),
    Setting(name: "CRM_TLS_KEY", flag: "tls-key", kind: .path, summary: "Its key, PEM."),
    Setting(
      name: "CRM_BEHIND_PROXY", flag: "behind-proxy", kind: .flag,
      summary: "A proxy in front ends TLS."),
    Setting(
      name: "TRUSTED_PROXIES", kind: .list,
      summary: "Addresses whose X-Forwarded-For is believed."),
    Setting(
      name: "CORS_ORIGINS", kind: .list, summary: "Origins whose pages may call from a browser."),
    Setting(
      name: "RATE_LIMIT_PER_MINUTE", kind: .integer(0...1_000_000_000),
      summary: "Requests per user and minute; 0 for no limit.", fallback: "6000"),
    Setting(
      name: "RATE_LIMIT_AUTH_PER_MINUTE", kind: .integer(0...1_000_000_000),
      summary: "Logins and refused tokens per address and minute.", fallback: "60"),
    Setting(
      name: "CRM_METRICS_TOKEN", kind: .secret(bytesMin: 8),
      summary: "Bearer token that GET /metrics asks for."),
    Setting(
      name: "CRM_LITESTREAM", flag: "litestream", kind: .flag,
      summary: "Leave checkpoints to Litestream."),
    Setting(
      name: "CRM_LOG_FORMAT", flag: "log-format", kind: .choice(["text", "json"]),
      summary: "The form of the log.", fallback: "text"),
    Setting(
      name: "LOG_LEVEL", flag: "log-level", kind: .choice(["error", "warn", "info", "debug"]),
      summary: "What is logged.", fallback: "info"),
  ]

  /// Names that other versions and the designs Cardfile descends from know, and why they do nothing
  /// here: taken with one warning, so that an old environment file does not stop the start.
  static let withoutFunction: [(prefix: String, reason: String)] = [
    ("REDIS_", "there is no Redis here"),
    ("CRM_DB_HOST", "the database is a file; use CRM_DB_PATH"),
    ("CRM_DB_PORT", "the database is a file; use CRM_DB_PATH"),
    ("CRM_DB_NAME", "the database is a file; use CRM_DB_PATH"),
    ("CRM_DB_USER", "the database is a file; use CRM_DB_PATH"),
    ("CRM_DB_PASSWORD", "the database is a file; use CRM_DB_PATH"),
    ("DATABASE_URL", "the database is a file; use CRM_DB_PATH"),
    ("NODE_ENV", "there is no Node here"),
    ("CRM_BACKUP_", "this version makes no backups by itself"),
    ("CRM_WEBHOOK_HOSTS", "this version sends no webhooks"),
  ]
}
