public import CRM
internal import Values

/// What the API needs to know of how the server is run.
public struct APIConfiguration: Sendable {
  /// How JWTs are verified here; nil sends every token to the Wrapper.
  public var jwt: JWTConfiguration?
  /// The largest JSON body, in bytes.
  public var bodyBytesMax = 1024 * 1024
  /// The largest file, in bytes.
  public var fileBytesMax = 25 * 1024 * 1024
  /// Origins whose pages may call from a browser.
  public var corsOrigins: [String] = []
  /// Addresses whose `X-Forwarded-For` is believed.
  public var trustedProxies: Set<String> = []
  /// Requests a user may make per minute; 0 for no limit.
  public var requestsPerMinute = 6000
  /// Logins and refused tokens per minute and address; 0 for no limit.
  public var authenticationsPerMinute = 60
  /// Tenants that are served; nil serves every tenant of the tokens.
  public var servedTenants: Set<String>?
  /// Whether the embedded Wrapper runs, and with it sign-in by password.
  public var hasEmbeddedWrapper = false
  /// What `GET /metrics` must carry as its bearer token; nil shows it to everybody.
  public var metricsToken: String?
  /// By whom checkpoints of the activity log are signed.
  public var logKeys = LogKeys.none
  /// How many entries of a chain are verified while the client waits; more are a job.
  public var verifiedAtOnceMax: Int64 = 100_000
  /// Whether the activity log tells of reads too.
  public var auditsReads = false
  /// The program's version.
  public var version = "0"

  /// The defaults.
  public init() {}
}

/// How JWTs are verified (RFC 7519, HS256 only).
public struct JWTConfiguration: Sendable {
  /// The shared secret, at least 32 bytes.
  public var secret: [UInt8]
  /// The audience that a token must name, when set.
  public var audience: String?
  /// The issuer that a token must name, when set.
  public var issuer: String?

  /// A verification by `secret`.
  public init(secret: [UInt8], audience: String? = nil, issuer: String? = nil) {
    self.secret = secret
    self.audience = audience
    self.issuer = issuer
  }
}
