internal import Database
internal import SQLite

extension RecordStore {
  /// Walks along a tenant's chain to its end or to the first thing that is wrong.
  ///
  /// - Parameters:
  ///   - tenantID: Whose chain.
  ///   - keys: By whom checkpoints may be signed.
  ///   - start: A checkpoint that was kept elsewhere, from which on the chain is walked.
  ///   - progress: Told after each slice how many entries were looked at, and of how many.
  /// - Throws: `CancellationError`, or what the database throws.
  public func verifyChain(
    tenantID: String, keys: LogKeys, from start: Checkpoint? = nil,
    progress: @Sendable (_ done: Int64, _ total: Int64) -> Void = { _, _ in }
  ) async throws -> ChainReport {
    var walk = ChainVerifier(tenantID: tenantID, keys: keys, from: start)
    while try database.read({ try walk.step($0) }) {
      try Task.checkCancellation()
      progress(walk.report.entries, walk.total)
      // Requests run on the same few threads.
      await Task.yield()
    }
    progress(walk.report.entries, walk.total)
    return walk.report
  }

  /// How many entries of a tenant there are to verify.
  ///
  /// - Throws: what the database throws.
  public func chainLength(tenantID: String) throws -> Int64 {
    try database.read { connection in
      try connection.first(
        "SELECT seq - removed_seq FROM activity_chains WHERE tenant_id = ?", [.text(tenantID)]
      ) { $0.integer(0) ?? 0 } ?? 0
    }
  }
}
