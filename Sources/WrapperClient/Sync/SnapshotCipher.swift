internal import Cryptography
internal import Synchronization
internal import Values

/// A key under which the Wrapper's answers are stored.
public struct CacheKey: Sendable {
  /// How many bytes a key has.
  public static let byteCount = 32

  /// Tells which key a stored answer needs, and nothing of the key.
  let id: [UInt8]
  let cipher: AES256GCM

  /// The key that base64 `text` writes; nil unless it has 32 bytes.
  public init?(base64 text: String) {
    guard let bytes = Base64.decode(text), bytes.count == Self.byteCount,
      let cipher = AES256GCM(key: bytes)
    else { return nil }
    self.cipher = cipher
    id = Array(HMACSHA256.code(for: Array("cardfile cache key".utf8), key: bytes).prefix(4))
  }
}

/// Seals what is stored of the Wrapper's answers, whose content names people.
///
/// Every body is sealed, whatever its kind: nearly all of them hold personal data (names, units,
/// who may what), and one rule leaves no kind forgotten. A sealed body is a byte that no JSON
/// begins with, the key's id and the box; it opens only in the row it was sealed for.
final class SnapshotCipher: Sendable {
  /// The row that a body stands in.
  struct Row: Sendable {
    var tenantID: String
    var kind: String
    /// Empty for a whole collection.
    var id = ""

    /// The row in an unambiguous form: each part after its length.
    fileprivate var context: [UInt8] {
      [tenantID, kind, id].flatMap { part in
        let bytes = Array(part.utf8)
        return Array("\(bytes.count):".utf8) + bytes
      }
    }
  }

  /// Leaves everything in clear.
  static let clear = SnapshotCipher(keys: [], random: .system, log: { _, _ in })

  private static let mark: UInt8 = 0x01

  private let keys: [CacheKey]
  private let random: RandomSource
  private let log: @Sendable (WrapperLogLevel, String) -> Void
  private let hasComplained = Atomic(false)

  /// A cipher whose first key writes and all of whose keys read; without any, bodies stay in clear.
  init(
    keys: [CacheKey], random: RandomSource,
    log: @escaping @Sendable (WrapperLogLevel, String) -> Void
  ) {
    self.keys = keys
    self.random = random
    self.log = log
  }

  /// What bodies begin with that need not be sealed again; nil when nothing is sealed.
  var head: [UInt8]? { keys.first.map { [Self.mark] + $0.id } }

  /// The body as it is stored.
  func seal(_ body: [UInt8], in row: Row) -> [UInt8] {
    guard let key = keys.first else { return body }
    return [Self.mark] + key.id + key.cipher.seal(body, context: row.context, random: random)
  }

  /// The body as it was before it was stored.
  ///
  /// - Returns: nil when no key opens it, which is said once: it is as good as absent.
  func open(_ stored: [UInt8], in row: Row) -> [UInt8]? {
    // From before a key was set.
    guard stored.first == Self.mark else { return stored }
    let box = Array(stored.dropFirst(1 + 4))
    let id = stored.dropFirst().prefix(4)
    for key in keys where id.elementsEqual(key.id) {
      if let body = key.cipher.open(box, context: row.context) { return body }
    }
    if !hasComplained.exchange(true, ordering: .relaxed) {
      log(
        .error,
        "stored answers of the Wrapper cannot be decrypted with CRM_CACHE_KEY and are asked for "
          + "again, first \(row.kind) of tenant \(row.tenantID)")
    }
    return nil
  }
}
