public import Cryptography
internal import Values

/// The keys by which the activity log is signed and its signatures are known.
public struct LogKeys: Sendable {
  /// The key that signs; nil where signatures are only looked at.
  public let signer: Ed25519Key?
  /// Public keys whose signatures count, the signer's own among them.
  public let known: Set<[UInt8]>
  /// Whether a signature of another key is a fault.
  ///
  /// So where the operator has named the keys. A key that the server made for itself is lost when
  /// the file is moved without it, which proves nothing.
  public let refusesOthers: Bool

  /// Keys made of their parts.
  public init(signer: Ed25519Key?, known: [[UInt8]] = [], refusesOthers: Bool) {
    self.signer = signer
    self.known = Set(known + [signer?.publicKey].compactMap(\.self))
    self.refusesOthers = refusesOthers
  }

  /// No key is known, and none is asked for.
  public static let none = LogKeys(signer: nil, refusesOthers: false)

  /// The name of a public key: the first 16 hexadecimal digits of its SHA-256.
  public static func id(of publicKey: [UInt8]) -> String {
    Hexadecimal.text(SHA256.hash(publicKey).prefix(8))
  }
}
