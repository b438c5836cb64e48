internal import Cryptography

/// The hashes of an entry, over the bytes of its parts: from what is about to be written, or from
/// what a file holds.
enum EntryHash {
  /// SHA-256 over what is never erased, in the order of ``StoredEntry/corePlaces``.
  ///
  /// - Parameter receivedAt: When another application's entry came; no part of our own entries.
  static func core(_ parts: [[UInt8]?], receivedAt: [UInt8]?) -> [UInt8] {
    coreInput(parts, receivedAt: receivedAt).hash
  }

  /// What the core hash is taken over.
  static func coreInput(_ parts: [[UInt8]?], receivedAt: [UInt8]?) -> HashInput {
    var input = HashInput("cardfile/core/1")
    for part in parts { input.append(part) }
    if let receivedAt { input.append(receivedAt) }
    return input
  }

  /// SHA-256 over the salt, then everything that tells of persons.
  static func personal(salt: [UInt8], _ parts: [[UInt8]?]) -> [UInt8] {
    personalInput(salt: salt, parts).hash
  }

  /// What the personal hash is taken over.
  static func personalInput(salt: [UInt8], _ parts: [[UInt8]?]) -> HashInput {
    var input = HashInput("cardfile/personal/1")
    input.append(salt)
    for part in parts { input.append(part) }
    return input
  }

  /// The link that follows `previous` in the chain.
  static func link(previous: [UInt8], core: [UInt8], personal: [UInt8]) -> [UInt8] {
    SHA256.hash(previous + core + personal)
  }
}

/// What a hash is taken over: each part behind its length, so that no two lists of parts give the
/// same bytes.
struct HashInput {
  private(set) var bytes: [UInt8] = []
  /// Where each part lies; empty for one that is missing.
  private var parts: [Range<Int>] = []

  init(_ domain: String) {
    bytes.reserveCapacity(2048)
    parts.reserveCapacity(12)
    append(length: UInt32(domain.utf8.count))
    bytes.append(contentsOf: domain.utf8)
  }

  mutating func append(_ part: [UInt8]?) {
    append(length: part.map { UInt32($0.count) } ?? UInt32.max)
    let start = bytes.count
    if let part { bytes.append(contentsOf: part) }
    parts.append(start..<bytes.count)
  }

  private mutating func append(length: UInt32) {
    for shift in stride(from: 24, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: length >> UInt32(shift)))
    }
  }

  var hash: [UInt8] { SHA256.hash(bytes) }

  /// The part in which one bit, turned over, makes the hash `wanted`; nil when more was changed
  /// than that.
  func partWithTurnedBit(for wanted: [UInt8]) -> Int? {
    var tried = bytes
    for (number, part) in parts.enumerated() {
      for index in part {
        for bit in 0..<8 {
          tried[index] ^= 1 << UInt8(bit)
          if SHA256.hash(tried) == wanted { return number }
          tried[index] ^= 1 << UInt8(bit)
        }
      }
    }
    return nil
  }
}
