internal import Cryptography
internal import HTTP
internal import JSON
internal import Values
internal import WrapperClient

/// Verifies JSON Web Tokens signed by HS256 (RFC 7515, RFC 7519).
///
/// Any other algorithm is refused, `none` first of all.
enum JWT {
  /// Clocks may differ by so much, in milliseconds.
  static let leewayMilliseconds: Int64 = 30_000
  /// The longest token that is looked at, in bytes.
  static let bytesMax = 8192

  /// Whether `token` has the three parts of a JWT.
  static func hasForm(_ token: String) -> Bool {
    token.utf8.count { $0 == UInt8(ascii: ".") } == 2
  }

  /// The session that a valid token stands for.
  ///
  /// - Throws: 401 `token_expired` for a token whose only fault is its age, else 401
  ///   `unauthenticated`.
  static func verify(_ token: String, _ configuration: JWTConfiguration, now: Timestamp)
    throws(Problem) -> WrapperSession
  {
    let parts = token.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard token.utf8.count <= bytesMax, parts.count == 3,
      let signature = Base64.decodeURL(parts[2]),
      let header = object(parts[0]), header["alg"] == "HS256",
      // An extension that must be understood is not understood here (RFC 7515 section 4.1.11).
      header["crit"] == nil,
      ConstantTime.areEqual(
        signature,
        HMACSHA256.code(for: Array("\(parts[0]).\(parts[1])".utf8), key: configuration.secret)),
      let claims = object(parts[1])
    else { throw .unauthenticated("The token is not valid.") }

    guard let expiry = seconds(claims["exp"]) else {
      throw .unauthenticated("The token has no expiry.")
    }
    guard let userID = claims["sub"]?.string, isName(userID),
      let tenantID = claims["tenantId"]?.string, isName(tenantID)
    else { throw .unauthenticated("The token names no user and tenant.") }
    if let audience = configuration.audience, !matches(claims["aud"], audience) {
      throw .unauthenticated("The token is meant for another audience.")
    }
    if let issuer = configuration.issuer, claims["iss"] != .string(issuer) {
      throw .unauthenticated("The token comes from another issuer.")
    }
    if let start = seconds(claims["nbf"]), start > now.milliseconds + leewayMilliseconds {
      throw .unauthenticated("The token is not valid yet.")
    }
    let end = expiry + leewayMilliseconds
    guard now.milliseconds < end else { throw .tokenExpired }
    return WrapperSession(
      userID: userID, tenantID: tenantID,
      sessionID: claims["sid"]?.string ?? fallbackSessionID(token),
      authenticationMethod: claims["amr"]?.array?.first?.string ?? "jwt",
      expiresAt: Timestamp(milliseconds: end))
  }

  /// Whether a claim can be an id: not empty, not endless, and nothing that breaks lines.
  private static func isName(_ text: String) -> Bool {
    (1...255).contains(text.utf8.count)
      && !text.unicodeScalars.contains { $0.properties.generalCategory == .control }
  }

  /// A session without `sid` is named by its token's hash.
  private static func fallbackSessionID(_ token: String) -> String {
    "jwt:" + Hexadecimal.text(SHA256.hash(Array(token.utf8)).prefix(8))
  }

  private static func object(_ part: String) -> JSONObject? {
    guard let bytes = Base64.decodeURL(part) else { return nil }
    // Which rule of JSON a forged token breaks is no one's business.
    return (try? JSONParser.parse(bytes))?.object
  }

  /// A NumericDate in milliseconds; nil when it is missing or not a number of this age.
  private static func seconds(_ value: JSONValue?) -> Int64? {
    guard case .number(let number)? = value, let seconds = number.double,
      abs(seconds) < 1e11
    else { return nil }
    return Int64(seconds * 1000)
  }

  /// `aud` is one string or an array of them (RFC 7519 section 4.1.3).
  private static func matches(_ claim: JSONValue?, _ audience: String) -> Bool {
    claim == .string(audience) || claim?.array?.contains(.string(audience)) == true
  }
}

extension Problem {
  /// 401 with the challenge that RFC 6750 asks for.
  static func unauthenticated(_ detail: String) -> Problem {
    Problem(.unauthenticated, detail, headers: ["WWW-Authenticate": "Bearer"])
  }

  /// 401 for a token that was valid once.
  static let tokenExpired = Problem(
    .tokenExpired, "The token has expired.",
    headers: ["WWW-Authenticate": "Bearer error=\"invalid_token\""])
}
