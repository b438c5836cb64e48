internal import CGnuTLS

/// SHA-256 (FIPS 180-4).
public enum SHA256 {
  /// How many bytes a digest has.
  public static let byteCount = 32

  /// The digest of `bytes`.
  public static func hash(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: byteCount)
    let result = gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes, bytes.count, &digest)
    precondition(result == 0, "hashing in memory cannot fail")
    return digest
  }
}

/// SHA-256 of what arrives in pieces.
public struct SHA256Hasher: ~Copyable {
  private let handle: gnutls_hash_hd_t

  /// A hasher that has seen nothing.
  public init() {
    var handle: gnutls_hash_hd_t?
    let result = gnutls_hash_init(&handle, GNUTLS_DIG_SHA256)
    guard result == 0, let handle else {
      preconditionFailure("SHA-256 is always there, so only memory can be missing")
    }
    self.handle = handle
  }

  deinit {
    gnutls_hash_deinit(handle, nil)
  }

  /// Takes the next piece.
  public mutating func update(_ bytes: [UInt8]) {
    let result = gnutls_hash(handle, bytes, bytes.count)
    precondition(result == 0, "hashing in memory cannot fail")
  }

  /// The digest of all pieces.
  public consuming func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: SHA256.byteCount)
    gnutls_hash_output(handle, &digest)
    return digest
  }
}

/// HMAC with SHA-256 (RFC 2104).
public enum HMACSHA256 {
  /// The authentication code of `bytes` under `key`.
  public static func code(for bytes: [UInt8], key: [UInt8]) -> [UInt8] {
    var code = [UInt8](repeating: 0, count: SHA256.byteCount)
    let result = gnutls_hmac_fast(
      GNUTLS_MAC_SHA256, key, key.count, bytes, bytes.count, &code)
    precondition(result == 0, "hashing in memory cannot fail")
    return code
  }
}

/// Comparison whose time tells nothing about the content.
public enum ConstantTime {
  /// Whether the two are the same; only their lengths show in the time it takes.
  public static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count && gnutls_memcmp(left, right, left.count) == 0
  }
}
