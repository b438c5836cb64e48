internal import CGnuTLS
public import Values

/// Authenticated encryption by AES-256 in Galois/Counter Mode (NIST SP 800-38D).
public struct AES256GCM: Sendable {
  private static let keyBytes = 32
  private static let nonceBytes = 12
  private static let tagBytes = 16

  private let key: [UInt8]

  /// A cipher for a key of 32 bytes; nil for any other length.
  public init?(key: [UInt8]) {
    guard key.count == Self.keyBytes else { return nil }
    self.key = key
  }

  /// Encrypts `plaintext` under a fresh random nonce: nonce ‖ ciphertext ‖ tag.
  ///
  /// - Parameters:
  ///   - plaintext: What nobody may read.
  ///   - context: What the box belongs to; it opens only where the same is said again, and holds
  ///     nothing of it ("additional authenticated data").
  ///   - random: Where the nonce comes from.
  public func seal(
    _ plaintext: [UInt8], context: [UInt8] = [], random: RandomSource
  ) -> [UInt8] {
    let nonce = random.bytes(Self.nonceBytes)
    var sealed = [UInt8](repeating: 0, count: plaintext.count + Self.tagBytes)
    let result = cardfile_aes256gcm_seal(
      key, nonce, context, context.count, plaintext, plaintext.count, &sealed)
    precondition(result == 0, "encryption in memory cannot fail")
    return nonce + sealed
  }

  /// Decrypts what ``seal(_:context:random:)`` made; nil when the key or the context is another
  /// one or a bit has changed.
  public func open(_ box: [UInt8], context: [UInt8] = []) -> [UInt8]? {
    guard box.count >= Self.nonceBytes + Self.tagBytes else { return nil }
    let nonce = Array(box[..<Self.nonceBytes])
    let sealed = Array(box[Self.nonceBytes...])
    // One byte more than is written, so that there is an address even for an empty plaintext.
    var plaintext = [UInt8](repeating: 0, count: sealed.count - Self.tagBytes + 1)
    let result = cardfile_aes256gcm_open(
      key, nonce, context, context.count, sealed, sealed.count, &plaintext)
    guard result == 0 else { return nil }
    plaintext.removeLast()
    return plaintext
  }
}
