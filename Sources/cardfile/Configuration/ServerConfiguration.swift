internal import API
internal import Database
internal import Foundation
internal import Glibc
internal import HTTPServer
internal import WrapperClient

/// All settings of `serve`, checked as a whole.
struct ServerConfiguration: Sendable {
  var databasePath: String
  var address: String
  var port: UInt16
  var isDemo: Bool
  var tls: TLSPaths?
  var isBehindProxy: Bool
  var logLevel: Log.Level
  var logFormat: Log.Format
  var trashDays: Int
  /// Nil keeps the activity log for ever.
  var activityRetentionDays: Int?
  /// `CRM_SIGNING_KEY`; nil uses the key beside the file.
  var signingKey: String?
  var isLitestream: Bool
  /// Nil starts the embedded Wrapper.
  var wrapperURL: String?
  var wrapper: WrapperConfiguration
  var api: APIConfiguration
  /// What an operator should know but what does not stop the start.
  var warnings: [String]

  /// The address as it stands in a URL (RFC 3986, section 3.2.2).
  var host: String { address.contains(":") ? "[\(address)]" : address }

  /// Where the certificate and its key lie.
  struct TLSPaths: Sendable {
    let certificate: String
    let key: String
  }

  /// Everything that is wrong with the settings.
  struct Invalid: Error {
    let faults: [String]
  }

  /// - Throws: ``Invalid`` with all faults at once.
  init(
    flags: [String: String], environment: [String: String], file: [String: String],
    version: String
  ) throws(Invalid) {
    var values = SettingValues(flags: flags, environment: environment, file: file)
    let (address, port) = Self.listen(&values)
    self.address = address
    self.port = port
    databasePath = values.text("CRM_DB_PATH") ?? ""
    isDemo = values.flag("CRM_DEMO")
    isLitestream = values.flag("CRM_LITESTREAM")
    trashDays = values.integer("CRM_TRASH_DAYS") ?? 0
    activityRetentionDays = values.integer("CRM_ACTIVITY_RETENTION_DAYS")
    signingKey = values.text("CRM_SIGNING_KEY")
    tls = Self.tls(&values)
    isBehindProxy = values.flag("CRM_BEHIND_PROXY")
    logLevel = Log.Level.allCases.first { $0.name == values.text("LOG_LEVEL") } ?? .info
    logFormat = Log.Format(rawValue: values.text("CRM_LOG_FORMAT") ?? "") ?? .text
    wrapperURL = values.text("WRAPPER_API_BASE_URL")
    wrapper = Self.wrapper(&values, version: version)
    api = Self.api(&values, version: version)
    Self.checkWhole(&values, address: address, hasTLS: tls != nil)
    warnings = values.warnings
    if activityRetentionDays != nil, !wrapper.shipsActivities {
      warnings.append(
        "CRM_ACTIVITY_RETENTION_DAYS removes nothing while CRM_ENABLE_ACTIVITY_LOGGING is off: "
          + "entries that were not shipped are kept")
    }
    guard values.faults.isEmpty else { throw Invalid(faults: values.faults) }
  }

  private static func listen(_ values: inout SettingValues) -> (String, UInt16) {
    let text = values.text("CRM_LISTEN") ?? ""
    guard let colon = text.lastIndex(of: ":"),
      var port = UInt16(text[text.index(after: colon)...])
    else {
      values.addFault("CRM_LISTEN=\(text): address:port is wanted, such as 127.0.0.1:5000")
      return ("", 0)
    }
    var address = String(text[..<colon])
    if address.hasPrefix("["), address.hasSuffix("]") {
      address = String(address.dropFirst().dropLast())
    }
    if address == "localhost" { address = "127.0.0.1" }
    guard isAddress(address) else {
      values.addFault(
        "CRM_LISTEN=\(text): an IP address before the port is wanted, such as 127.0.0.1:5000")
      return ("", 0)
    }
    // The port alone counts where it stands over the address: PORT over a CRM_LISTEN of .env.
    if values.origin(of: "PORT").rawValue > values.origin(of: "CRM_LISTEN").rawValue,
      let alone = values.integer("PORT").flatMap({ UInt16(exactly: $0) })
    {
      port = alone
    }
    return (address, port)
  }

  private static func isAddress(_ text: String) -> Bool {
    var version4 = in_addr()
    var version6 = in6_addr()
    return inet_pton(AF_INET, text, &version4) == 1 || inet_pton(AF_INET6, text, &version6) == 1
  }

  private static func tls(_ values: inout SettingValues) -> TLSPaths? {
    switch (values.text("CRM_TLS_CERT"), values.text("CRM_TLS_KEY")) {
    case (let certificate?, let key?):
      for (name, path) in [("CRM_TLS_CERT", certificate), ("CRM_TLS_KEY", key)]
      where !FileManager.default.isReadableFile(atPath: path) {
        values.addFault("\(name)=\(path): the file cannot be read")
      }
      return TLSPaths(certificate: certificate, key: key)
    case (nil, nil): return nil
    default:
      values.addFault("CRM_TLS_CERT and CRM_TLS_KEY belong together")
      return nil
    }
  }

  private static func wrapper(_ values: inout SettingValues, version: String)
    -> WrapperConfiguration
  {
    let url = values.text("WRAPPER_API_BASE_URL")
    if let url {
      let parsed = URLComponents(string: url)
      let isLoopback = ["127.0.0.1", "localhost", "::1", "[::1]"].contains(parsed?.host ?? "")
      if parsed?.scheme != "https", !(parsed?.scheme == "http" && isLoopback) {
        values.addFault(
          "WRAPPER_API_BASE_URL=\(url): an https URL is wanted (http only on this machine)")
      }
      if values.text("WRAPPER_API_KEY") == nil {
        values.addFault("WRAPPER_API_KEY: wanted beside WRAPPER_API_BASE_URL")
      }
    }
    var wrapper = WrapperConfiguration(
      baseURL: url ?? "", apiKey: values.text("WRAPPER_API_KEY") ?? "", version: version)
    let tenants = values.list("CRM_TENANT_ID")
    wrapper.servedTenants = tenants.isEmpty ? nil : Set(tenants)
    wrapper.pollSeconds = values.decimal("CRM_POLL_SECONDS") ?? wrapper.pollSeconds
    wrapper.offlineMinutes = values.decimal("CRM_OFFLINE_MINUTES") ?? wrapper.offlineMinutes
    wrapper.permissionMaxStalenessSeconds =
      values.decimal("CRM_PERMISSION_MAX_STALENESS_S") ?? wrapper.permissionMaxStalenessSeconds
    wrapper.cacheTTLMinutes = values.decimal("CRM_CACHE_TTL_MINUTES") ?? wrapper.cacheTTLMinutes
    wrapper.memoryBytesMax = (values.integer("CRM_MAX_MEMORY_MB") ?? 100) * 1024 * 1024
    wrapper.cacheKeys = values.list("CRM_CACHE_KEY").compactMap { CacheKey(base64: $0) }
    wrapper.activityBufferSize =
      values.integer("CRM_ACTIVITY_BUFFER_SIZE") ?? wrapper.activityBufferSize
    wrapper.shipsActivities = values.flag("CRM_ENABLE_ACTIVITY_LOGGING")
    switch values.text("CRM_CREDIT_CHECK") {
    case "cached": wrapper.creditCheck = .cached
    case "off": wrapper.creditCheck = .off
    default: wrapper.creditCheck = .strict
    }
    wrapper.permissionCheck =
      values.text("CRM_PERMISSION_CHECK") == "strict" ? .strict : .cached
    return wrapper
  }

  private static func api(_ values: inout SettingValues, version: String) -> APIConfiguration {
    var api = APIConfiguration()
    if let secret = values.text("JWT_SECRET") {
      api.jwt = JWTConfiguration(
        secret: Array(secret.utf8), audience: values.text("JWT_AUDIENCE"),
        issuer: values.text("JWT_ISSUER"))
    }
    api.bodyBytesMax = (values.integer("CRM_MAX_BODY_KB") ?? 1024) * 1024
    api.fileBytesMax = (values.integer("CRM_MAX_FILE_MB") ?? 25) * 1024 * 1024
    api.corsOrigins = values.list("CORS_ORIGINS")
    api.trustedProxies = Set(values.list("TRUSTED_PROXIES"))
    api.requestsPerMinute = values.integer("RATE_LIMIT_PER_MINUTE") ?? api.requestsPerMinute
    api.authenticationsPerMinute =
      values.integer("RATE_LIMIT_AUTH_PER_MINUTE") ?? api.authenticationsPerMinute
    let tenants = values.list("CRM_TENANT_ID")
    api.servedTenants = tenants.isEmpty ? nil : Set(tenants)
    api.hasEmbeddedWrapper = values.text("WRAPPER_API_BASE_URL") == nil
    api.metricsToken = values.text("CRM_METRICS_TOKEN")
    api.auditsReads = values.flag("CRM_AUDIT_READS")
    api.version = version
    return api
  }

  private static func checkWhole(_ values: inout SettingValues, address: String, hasTLS: Bool) {
    let isLoopback = address == "::1" || address.hasPrefix("127.")
    if !isLoopback, !address.isEmpty, !hasTLS, !values.flag("CRM_BEHIND_PROXY") {
      values.addFault(
        """
        CRM_LISTEN: \(address) can be reached from outside, and tokens would cross the network in \
        the clear. Give --tls-cert and --tls-key, or put a proxy in front and say --behind-proxy. \
        A Caddyfile of three lines does it:
            crm.example.org {
              reverse_proxy 127.0.0.1:5000
            }
        """)
    }
    if values.flag("CRM_DEMO"), values.text("WRAPPER_API_BASE_URL") != nil {
      values.addFault("CRM_DEMO: the demo needs the embedded Wrapper; drop WRAPPER_API_BASE_URL")
    }
  }
}
