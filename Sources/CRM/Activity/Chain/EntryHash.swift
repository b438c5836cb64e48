internal import Cryptography

/// The hashes of an entry, over the bytes of its parts: from what is about to be written, or from
/// what a file holds.
enum EntryHash {
  /// SHA-256 over what is never erased, in the order of ``StoredEntry/corePlaces``.
  ///
  /// - Parameter receivedAt: When another application's entry came; no part of our own entries.
  static func core(_ parts: [[UInt8]?], receivedAt: [UInt8]?) -> [UInt8] {
    var input = HashInput("cardfile/core/1")
    for part in parts { input.append(part) }
    if let receivedAt { input.append(receivedAt) }
    return SHA256.hash(input.bytes)
  }

  /// SHA-256 over the salt, then everything that tells of persons.
  static func personal(salt: [UInt8], _ parts: [[UInt8]?]) -> [UInt8] {
    var input = HashInput("cardfile/personal/1")
    input.append(salt)
    for part in parts { input.append(part) }
    return SHA256.hash(input.bytes)
  }

  /// The link that follows `previous` in the chain.
  static func link(previous: [UInt8], core: [UInt8], personal: [UInt8]) -> [UInt8] {
    SHA256.hash(previous + core + personal)
  }
}

/// What a hash is taken over: each part behind its length, so that no two lists of parts give the
/// same bytes.
private struct HashInput {
  private(set) var bytes: [UInt8] = []

  init(_ domain: String) {
    bytes.reserveCapacity(2048)
    append(Array(domain.utf8))
  }

  mutating func append(_ part: [UInt8]?) {
    guard let part else {
      append(length: UInt32.max)
      return
    }
    append(length: UInt32(part.count))
    bytes.append(contentsOf: part)
  }

  private mutating func append(length: UInt32) {
    for shift in stride(from: 24, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: length >> UInt32(shift)))
    }
  }
}
