internal import Database
internal import HTTP
internal import JSON
internal import SQLite
internal import Values

/// One change of a batch that failed, and with it all of them.
public struct BatchFailure: Error {
  /// Its place, from 0.
  public let index: Int
  /// Why.
  public let error: any Error

  /// The failure of the change at `index`.
  public init(index: Int, error: any Error) {
    self.index = index
    self.error = error
  }
}

extension RecordStore {
  /// Makes several changes, each with its entry, in one transaction: all or none.
  ///
  /// - Parameters:
  ///   - changes: The changes in order; each finds what those before it have written.
  ///   - referred: The places of those to whose ids others refer.
  ///   - caller: Who sent them.
  ///   - key: The `Idempotency-Key` of them all.
  /// - Returns: `{"data": [{"status", "body"}]}`, and what they cost together.
  /// - Throws: ``BatchFailure``; what the database throws.
  public func execute(
    _ changes: [PreparedChange], referred: Set<Int>, caller: Caller, key: IdempotencyKey?
  ) async throws -> MutationAnswer {
    try await explained {
      try await self.answer(caller, key) { connection, now in
        var writer = JSONWriter(capacity: 1024 * changes.count)
        writer.beginObject()
        writer.name("data")
        writer.beginArray()
        var units: Int64 = 0
        for (index, change) in changes.enumerated() {
          let answer = try self.make(change, at: index, referred, now, in: connection)
          units += answer.creditUnits
          writer.beginObject()
          writer.member("status", .integer(answer.status))
          writer.name("body")
          writer.raw(answer.body)
          writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return MutationAnswer(status: 200, body: writer.bytes, creditUnits: units)
      }
    }
  }

  /// Finds out whether one of the changes would be refused; nothing of them stays.
  ///
  /// In the writer's transaction, since later ones may rest on earlier ones.
  ///
  /// - Throws: ``BatchFailure``; what the database throws.
  public func rehearse(_ changes: [PreparedChange]) async throws {
    struct Over: Error {}
    do {
      try await explained {
        try await self.database.write { connection in
          let now = self.time.now()
          for (index, change) in changes.enumerated() {
            do {
              _ = try change.run(connection, now, change.mutation)
            } catch {
              throw BatchFailure(index: index, error: error)
            }
          }
          throw Over()
        }
      }
    } catch is Over {}
  }

  private func make(
    _ change: PreparedChange, at index: Int, _ referred: Set<Int>, _ now: Timestamp,
    in connection: borrowing Connection
  ) throws -> MutationAnswer {
    do {
      let answer = try make(change.mutation, at: now, in: connection) { connection, now in
        try change.run(connection, now, change.mutation)
      }
      guard !referred.contains(index) || answer.entityID == change.entityID else {
        throw Problem(
          .conflict, "Others refer to the record, which has become another one meanwhile.")
      }
      return answer
    } catch {
      throw BatchFailure(index: index, error: error)
    }
  }

  /// Runs `work`; what fails by a version says so as every change does.
  private func explained<Result: Sendable>(_ work: () async throws -> Result) async throws
    -> Result
  {
    do {
      return try await work()
    } catch let failure as BatchFailure {
      guard let mismatch = failure.error as? VersionMismatch else { throw failure }
      throw BatchFailure(index: failure.index, error: try problem(mismatch))
    }
  }
}
