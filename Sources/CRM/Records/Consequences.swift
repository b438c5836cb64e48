internal import SQLite

/// What follows from a change of any record, kept in the transaction of the change: counts against
/// the plan, counters, tags, full text.
enum Consequences {
  /// Notes a change that was made.
  ///
  /// - Parameters:
  ///   - before: The live record as it was; nil for one that did not exist or lay in the trash.
  ///   - after: The live record as it is; nil for one that is gone or lies in the trash.
  ///   - document: The words of `after`, where they have been gathered already.
  static func note(
    from before: Record?, to after: Record?, document: SearchDocument? = nil,
    in connection: borrowing Connection
  ) throws(SQLiteError) {
    guard let record = after ?? before else { return }
    try PlanUsage.note(
      from: before, to: after, tenantID: record["tenantId"].text ?? "", in: connection)
    try RecordCounters.note(from: before, to: after, in: connection)
    try RecordTags.note(from: before, to: after, in: connection)
    try SearchDocument.note(from: before, to: after, document: document, in: connection)
  }
}
