internal import CRM
internal import Cryptography
internal import Foundation
internal import Glibc
internal import Values

/// Where the keys come from by which the activity log is signed.
///
/// From `CRM_SIGNING_KEY`, or from a file beside the database that the first start makes. Both list
/// keys: the first signs, the signatures of all count. A key of which only the public half is left
/// is written `public:<base64>`.
enum SigningKeys {
  /// A list that cannot be read, or a file.
  struct Refusal: Error {
    let reason: String
  }

  /// What stands before a public key.
  private static let publicMark = "public:"

  /// What is wanted of `CRM_SIGNING_KEY`.
  static let wanted = """
    an Ed25519 key is wanted: its 32-byte seed in base64 or hexadecimal, such as \
    `openssl rand -base64 32` prints, or PEM; behind it, separated by commas, keys whose \
    signatures count too, also as public:<base64>
    """

  /// The keys of a list; nil unless the first is one that signs and all can be read.
  static func keys(_ items: [String], refusesOthers: Bool) -> LogKeys? {
    guard let first = items.first, let signer = Ed25519Key(text: first) else { return nil }
    var known: [[UInt8]] = []
    for item in items.dropFirst() {
      guard let key = publicKey(item) else { return nil }
      known.append(key)
    }
    return LogKeys(signer: signer, known: known, refusesOthers: refusesOthers)
  }

  /// The keys that the setting lists; nil when it cannot be read.
  static func keys(setting: String) -> LogKeys? {
    keys(setting.split(separator: ",").map(String.init), refusesOthers: true)
  }

  private static func publicKey(_ item: String) -> [UInt8]? {
    let item = item.trimmingCharacters(in: .whitespacesAndNewlines)
    guard item.hasPrefix(publicMark) else { return Ed25519Key(text: item)?.publicKey }
    let key = Base64.decode(String(item.dropFirst(publicMark.count)))
    return key?.count == Ed25519.keyBytes ? key : nil
  }

  /// Where the file of a database's keys lies.
  static func path(databasePath: String) -> String { "\(databasePath).signing-key" }

  /// The keys for the database at `databasePath`.
  ///
  /// - Parameters:
  ///   - setting: `CRM_SIGNING_KEY`, which was checked.
  ///   - databasePath: The file, symbolic links followed.
  ///   - mayCreate: Whether a key is made where there is none.
  /// - Throws: ``Refusal`` for a file that cannot be read, understood or made.
  static func load(
    setting: String?, databasePath: String, mayCreate: Bool
  ) throws(Refusal) -> LogKeys {
    let path = path(databasePath: databasePath)
    let file = try read(path)
    if let keys = setting.flatMap({ keys(setting: $0) }) {
      // What the server signed before the operator named a key stays good.
      return LogKeys(
        signer: keys.signer, known: Array(keys.known.union(file?.known ?? [])),
        refusesOthers: true)
    }
    if let file { return file }
    guard mayCreate else { return .none }
    try create(path)
    guard let made = try read(path) else {
      throw Refusal(reason: "\(path) was made and is not there")
    }
    return made
  }

  private static func read(_ path: String) throws(Refusal) -> LogKeys? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let text: String
    do {
      text = try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw Refusal(reason: "\(path) cannot be read")
    }
    let lines = text.split(separator: "\n")
      .map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty && !$0.hasPrefix("#") }
    guard let keys = keys(lines, refusesOthers: false) else {
      throw Refusal(
        reason: "\(path) holds no signing key: the seed in base64 is wanted on its first line, "
          + "further keys below")
    }
    return keys
  }

  /// Makes a key: written whole under another name, then given its own, so that no half of one is
  /// ever found.
  private static func create(_ path: String) throws(Refusal) {
    let text = """
      # Signs checkpoints of the activity log: keep a copy elsewhere, and keep it secret.
      \(Base64.encode(RandomSource.system.bytes(Ed25519.keyBytes)))

      """
    let temporary = "\(path).new"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure(path) }
    let bytes = Array(text.utf8)
    let isWritten = write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
    let reason = errno
    close(descriptor)
    guard isWritten, rename(temporary, path) == 0 else {
      let reason = isWritten ? errno : reason
      unlink(temporary)
      throw failure(path, reason)
    }
  }

  private static func failure(_ path: String, _ number: Int32 = errno) -> Refusal {
    Refusal(reason: "\(path) cannot be made: \(String(cString: strerror(number)))")
  }
}
