internal import Cryptography
internal import Database
internal import SQLite
internal import Synchronization
internal import Values

/// The bytes of files, in chunks of ``Limits/fileChunkBytes`` in the same database.
///
/// Nothing here holds more of a file in memory than a chunk or two.
final class FileContents: Sendable {
  private let database: Database
  private let time: TimeSource
  private let random: RandomSource
  /// Ids of contents that somebody is uploading; whatever else has no hash is cleared away.
  private let receiving = Mutex<Set<String>>([])
  /// Whether the writer has purged a file since it was last asked.
  private let hasPurged = Atomic(false)

  init(_ database: Database, time: TimeSource, random: RandomSource) {
    self.database = database
    self.time = time
    self.random = random
  }

  /// Receives bytes to their end, and lets `use` make them the content of a file.
  ///
  /// What `use` does not attach in a transaction is gone afterwards, as it is when anything fails.
  ///
  /// - Parameter next: The next bytes, nil after the last.
  /// - Throws: what `next`, `use` and the database throw.
  func receive<Result>(
    tenantID: String, _ next: () async throws -> [UInt8]?,
    _ use: (ReceivedContent) async throws -> Result
  ) async throws -> Result {
    // Known before it is in the database: nobody may clear it away.
    let id = UUIDv7.make(at: time.now(), random: random)
    receiving.withLock { _ = $0.insert(id) }
    do {
      let result = try await use(receive(id, tenantID, next))
      await end(id, tenantID)
      return result
    } catch {
      await end(id, tenantID)
      throw error
    }
  }

  private func receive(
    _ id: String, _ tenantID: String, _ next: () async throws -> [UInt8]?
  ) async throws -> ReceivedContent {
    var hasher = SHA256Hasher()
    var byteCount = 0
    var parts = 0
    // A chunk is written when more follows: the last one goes with the record, so that a small
    // file takes one transaction and leaves nothing behind if that fails.
    var part: [UInt8] = []
    while let bytes = try await next() {
      hasher.update(bytes)
      byteCount += bytes.count
      var taken = 0
      while taken < bytes.count {
        if part.count == Limits.fileChunkBytes {
          try await write(part, parts, id, tenantID)
          parts += 1
          part = []
        }
        let count = min(bytes.count - taken, Limits.fileChunkBytes - part.count)
        // Bodies mostly come in whole chunks, of which nothing is copied.
        if part.isEmpty, count == bytes.count {
          part = bytes
        } else {
          part += bytes[taken..<(taken + count)]
        }
        taken += count
      }
    }
    return ReceivedContent(
      tenantID: tenantID, id: id, sha256: Hexadecimal.text(hasher.finish()),
      byteCount: byteCount, storedParts: parts, lastPart: part)
  }

  private func write(
    _ bytes: [UInt8], _ part: Int, _ id: String, _ tenantID: String
  ) async throws {
    try await database.write { connection in
      // The pages of a file are not read again soon; they would only fill the writer's cache.
      connection.releaseMemory()
      if part == 0 {
        try connection.run(
          "INSERT INTO file_contents (tenant_id, id, sha256, size) VALUES (?, ?, NULL, 0)",
          [.text(tenantID), .text(id)])
      }
      try ReceivedContent.insert(bytes, part: part, id: id, tenantID: tenantID, in: connection)
    }
  }

  private func end(_ id: String, _ tenantID: String) async {
    receiving.withLock { _ = $0.remove(id) }
    await clearAway(tenantID: tenantID)
  }

  /// Notes, inside the writer's transaction, that a file was purged.
  ///
  /// When that is taken back again, looking for its content will have been in vain.
  func notePurge() { hasPurged.store(true, ordering: .relaxed) }

  /// Whether a file was purged, asked inside the same transaction.
  func takePurgeNote() -> Bool { hasPurged.exchange(false, ordering: .relaxed) }

  /// Removes what belongs to no file, as far as a request can wait for it.
  func clearAway(tenantID: String) async {
    // What cannot be cleared away now, housekeeping finds again.
    try? await removeUnused(tenantID: tenantID, chunksMax: Limits.fileChunksRemovedMax)
  }

  /// Removes what belongs to no file and is not being uploaded, a few chunks at a time, so that
  /// nobody's write waits long behind it.
  ///
  /// - Parameter chunksMax: How many chunks to remove at most.
  /// - Throws: what the database throws; what was done until then stays done.
  func removeUnused(tenantID: String, chunksMax: Int = .max) async throws {
    let unused = try database.read { connection in
      try connection.all(
        "SELECT id FROM file_contents WHERE tenant_id = ? AND sha256 IS NULL", [.text(tenantID)]
      ) { $0.text(0) ?? "" }
    }
    var chunksLeft = chunksMax
    // Who receives is looked at after the list was made: whoever had begun by then is either in
    // the set or done.
    for id in unused where !receiving.withLock({ $0.contains(id) }) {
      while true {
        guard chunksLeft > 0 else { return }
        let removed = try await removeSome(id, tenantID)
        chunksLeft -= removed
        if removed < Limits.fileChunksPerStep { break }
      }
    }
  }

  /// Removes some chunks of a content without hash, and the content itself with the last of them.
  ///
  /// - Returns: How many chunks went.
  private func removeSome(_ id: String, _ tenantID: String) async throws -> Int {
    try await database.write { connection in
      connection.releaseMemory()
      let key: [SQLiteValue] = [.text(tenantID), .text(id)]
      let isUnused =
        try connection.first(
          """
          SELECT 1 FROM file_contents WHERE tenant_id = ? AND id = ? AND sha256 IS NULL
          """, key
        ) { _ in true } ?? false
      guard isUnused else { return 0 }
      let removed = try connection.run(
        """
        DELETE FROM file_chunks WHERE n IN (
          SELECT n FROM file_chunks WHERE tenant_id = ? AND content_id = ?
          ORDER BY part DESC LIMIT ?)
        """, key + [.integer(Limits.fileChunksPerStep)])
      if removed < Limits.fileChunksPerStep {
        try connection.run("DELETE FROM file_contents WHERE tenant_id = ? AND id = ?", key)
      }
      return removed
    }
  }

  /// One chunk of a content; nil when the content has been cleared away.
  func chunk(_ part: Int, of contentID: String, tenantID: String) throws -> [UInt8]? {
    try database.read { connection in
      connection.releaseMemory()
      return try connection.first(
        "SELECT bytes FROM file_chunks WHERE tenant_id = ? AND content_id = ? AND part = ?",
        [.text(tenantID), .text(contentID), .integer(part)]
      ) { $0.blob(0) } ?? nil
    }
  }
}

/// Bytes that were received whole and belong to no file yet.
struct ReceivedContent: Sendable {
  let tenantID: String
  /// The id of the upload.
  let id: String
  /// Lower-case hex.
  let sha256: String
  let byteCount: Int
  /// How many chunks are in the database already.
  let storedParts: Int
  /// What follows them; without bytes only when there are none at all.
  let lastPart: [UInt8]

  /// Makes the bytes a content of the tenant, unless it has them already.
  func attach(in connection: borrowing Connection) throws(SQLiteError) {
    let isThere = try connection.first(
      "SELECT 1 FROM file_contents WHERE tenant_id = ? AND sha256 = ?",
      [.text(tenantID), .text(sha256)]
    ) { _ in true }
    guard isThere == nil else { return }
    // The first chunk may have been stored with the upload, or comes just now.
    try connection.run(
      """
      INSERT INTO file_contents (tenant_id, id, sha256, size) VALUES (?, ?, ?, ?)
      ON CONFLICT (tenant_id, id) DO UPDATE SET sha256 = excluded.sha256, size = excluded.size
      """, [.text(tenantID), .text(id), .text(sha256), .integer(byteCount)])
    guard !lastPart.isEmpty else { return }
    try Self.insert(
      lastPart, part: storedParts, id: id, tenantID: tenantID, in: connection)
  }

  static func insert(
    _ bytes: [UInt8], part: Int, id: String, tenantID: String, in connection: borrowing Connection
  ) throws(SQLiteError) {
    try connection.run(
      "INSERT INTO file_chunks (tenant_id, content_id, part, bytes) VALUES (?, ?, ?, ?)",
      [.text(tenantID), .text(id), .integer(part), .blob(bytes)])
  }
}
