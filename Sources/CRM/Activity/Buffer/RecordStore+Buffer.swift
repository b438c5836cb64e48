internal import Database
public import HTTP
public import JSON
internal import SQLite
internal import Values

extension RecordStore {
  /// Logs that something was read, soon: it waits in memory for others or for some seconds.
  ///
  /// - Parameters:
  ///   - mutation: Who read it, and by which right; it costs nothing.
  ///   - entityType: The kind of what was read.
  ///   - entityID: Its id; nil for lists.
  ///   - metadata: What the entry tells beside: names and numbers, never values.
  /// - Throws: 503 `overloaded` when so many wait that this one would be lost.
  public func noteRead(
    _ mutation: Mutation, entityType: String?, entityID: String?, metadata: JSONObject
  ) throws(Problem) {
    var entry = entry(mutation, metadata: metadata, at: time.now())
    entry.entityType = entityType
    entry.entityID = entityID
    entry.creditUnits = 0
    try note(entry, urgent: false)
  }

  /// Logs that something was refused, without letting whoever was refused wait for it.
  ///
  /// - Parameters:
  ///   - mutation: Who wanted what.
  ///   - entityID: What it was wanted of.
  ///   - problem: Why it was refused.
  ///   - isUrgent: Whether it is written at once rather than soon.
  /// - Throws: 503 `overloaded` when so many wait that this one would be lost.
  public func noteFailure(
    of mutation: Mutation, entityID: String?, problem: Problem, isUrgent: Bool
  ) throws(Problem) {
    try note(failure(of: mutation, entityID: entityID, problem: problem), urgent: isUrgent)
  }

  private func note(_ entry: ActivityEntry, urgent: Bool) throws(Problem) {
    guard buffer.add(entry, urgent: urgent) else { throw .unrecordable }
  }

  /// How many entries wait to be written.
  public var bufferedActivities: Int { buffer.count }

  /// Whether so many wait that further ones should come when these are written.
  public var isBufferCrowded: Bool { buffer.count >= Limits.bufferedActivitiesCrowd }

  /// Writes the entries that wait now; returns when they are in the file.
  ///
  /// For whoever is about to stop, or to look at the log as a whole.
  ///
  /// - Throws: what the database throws; the entries wait on then.
  public func writeBufferedActivities() async throws {
    try await buffer.drain { entries in
      try await database.write(seesDeferredRows: false) { [log] connection in
        for entry in entries { try log.append(entry, in: connection) }
      }
      for tenantID in Set(entries.map(\.tenantID)) { activityWritten(tenantID) }
    }
  }

  /// Writes entries that wait, a hundred at a time or after some seconds, until the calling task is
  /// cancelled.
  ///
  /// - Parameters:
  ///   - seconds: How long an entry may wait.
  ///   - failed: Told of every attempt that failed; another one follows.
  public func keepWritingBufferedActivities(
    everySeconds seconds: Double = Limits.bufferedActivitySeconds,
    failed: @Sendable (any Error) -> Void
  ) async {
    while !Task.isCancelled {
      await buffer.waitUntilDue(seconds: seconds)
      guard !Task.isCancelled else { return }
      do {
        try await writeBufferedActivities()
      } catch {
        guard !Task.isCancelled else { return }
        failed(error)
        // What cannot be written now can hardly be at once; only cancellation ends it early.
        try? await Task.sleep(for: .seconds(1))
      }
    }
  }
}

extension Problem {
  /// 503 for what may not happen without an entry, while none can be written.
  public static let unrecordable = Problem(
    .overloaded, "What is read cannot be recorded at the moment.", headers: ["Retry-After": "1"])
}
