internal import CGnuTLS
internal import Values

/// Signatures on the Edwards curve 25519 (RFC 8032).
public enum Ed25519 {
  /// How many bytes a seed, and a public key, has.
  public static let keyBytes = 32
  /// How many bytes a signature has.
  public static let signatureBytes = 64

  /// Whether `signature` is one of `message` by the key whose public half is `publicKey`; false for
  /// anything of another length.
  public static func isValid(_ signature: [UInt8], of message: [UInt8], by publicKey: [UInt8])
    -> Bool
  {
    guard publicKey.count == keyBytes, signature.count == signatureBytes else { return false }
    return cardfile_ed25519_verify(publicKey, message, message.count, signature) == 0
  }
}

/// A key that signs.
public struct Ed25519Key: Sendable {
  private let seed: [UInt8]
  /// The half that everybody may know: it tells which signatures are this key's.
  public let publicKey: [UInt8]

  /// The key of a seed; nil unless that has 32 bytes.
  public init?(seed: [UInt8]) {
    guard seed.count == Ed25519.keyBytes else { return nil }
    var publicKey = [UInt8](repeating: 0, count: Ed25519.keyBytes)
    guard cardfile_ed25519_public(seed, &publicKey) == 0 else { return nil }
    self.seed = seed
    self.publicKey = publicKey
  }

  /// The key that `text` writes: its seed in base64 or in hexadecimal, or a private key in PEM
  /// (PKCS #8, RFC 8410) as `openssl genpkey -algorithm ed25519` makes it; nil for anything else.
  public init?(text: String) {
    guard let seed = Self.seed(text) else { return nil }
    self.init(seed: seed)
  }

  /// The signature of `message`, always the same for the same message.
  public func sign(_ message: [UInt8]) -> [UInt8] {
    var signature = [UInt8](repeating: 0, count: Ed25519.signatureBytes)
    let result = cardfile_ed25519_sign(seed, message, message.count, &signature)
    precondition(result == 0, "signing in memory cannot fail")
    return signature
  }

  private static let pemBegin = "-----BEGIN PRIVATE KEY-----"
  private static let pemEnd = "-----END PRIVATE KEY-----"
  /// What stands before the seed in PKCS #8.
  private static let pkcs8Prefix: [UInt8] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
  ]

  private static func seed(_ text: String) -> [UInt8]? {
    // An environment file writes the ends of PEM's lines as \n.
    let text = text.replacing("\\n", with: "\n")
    let digits = text.filter { !$0.isWhitespace }
    let begin = pemBegin.filter { !$0.isWhitespace }
    let end = pemEnd.filter { !$0.isWhitespace }
    if digits.hasPrefix(begin), digits.hasSuffix(end) {
      guard let encoded = Base64.decode(String(digits.dropFirst(begin.count).dropLast(end.count))),
        encoded.starts(with: pkcs8Prefix)
      else { return nil }
      return Array(encoded.dropFirst(pkcs8Prefix.count))
    }
    if digits.utf8.count == 2 * Ed25519.keyBytes, let seed = Hexadecimal.bytes(digits) {
      return seed
    }
    return Base64.decode(digits)
  }
}
