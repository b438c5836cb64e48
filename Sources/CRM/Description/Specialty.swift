internal import SQLite
internal import Values

/// What makes the records of one resource special: functions that stand beside its description and
/// are called where all records are treated alike.
struct Specialty: Sendable {
  /// Sets members that follow from others, before the record is checked; `before` is the record as
  /// it is stored, nil for a new one.
  var derive: (@Sendable (_ record: inout Record, _ before: Record?, _ now: Timestamp) -> Void)?

  /// Finds what members contradict each other, or may not change any more; all of it is told at
  /// once with the other faults of a body.
  var examine: (@Sendable (_ record: Record, _ before: Record?) -> [MemberFault])?

  /// Sets members that follow from other records, and refuses what contradicts them.
  ///
  /// Runs in the change's own transaction, before references are checked.
  var resolve:
    (
      @Sendable (
        _ record: inout Record, _ before: Record?, _ change: ChangeContext,
        _ connection: borrowing Connection
      ) throws -> Void
    )?

  /// Keeps what follows from a record that has just been written, in the same transaction.
  var follow:
    (
      @Sendable (
        _ record: Record, _ before: Record?, _ change: ChangeContext,
        _ connection: borrowing Connection
      ) throws -> Void
    )?

  /// Counts what belongs to a record beside its own row, once that has changed; the records are
  /// those of ``Consequences/note(from:to:document:in:)``.
  var recount:
    (
      @Sendable (
        _ before: Record?, _ after: Record?, _ changes: inout CounterChanges,
        _ connection: borrowing Connection
      ) throws(SQLiteError) -> Void
    )?

  /// Refuses that a record goes into the trash or for good.
  var guardRemoval:
    (
      @Sendable (_ record: Record, _ connection: borrowing Connection) throws -> Void
    )?

  /// Puts the records into the file that every tenant starts with, unless it has had some.
  var start:
    (
      @Sendable (_ store: RecordStore, _ tenantID: String) async throws -> Void
    )?
}

/// What is wrong with one member of a record.
struct MemberFault {
  let name: String
  let issue: FieldIssue

  init(_ name: String, _ issue: FieldIssue) {
    self.name = name
    self.issue = issue
  }
}

/// By whom, when and among which resources a record is changed.
struct ChangeContext: Sendable {
  let caller: Caller
  let catalog: Catalog
  let now: Timestamp
  /// Told of reminders that somebody has set.
  let reminders: ReminderAlarm
}

/// A condition of lists that has a name of its own and is `true` or `false`.
struct NamedCondition: Sendable {
  /// The parameter's name.
  let name: String
  /// What it asks, for the published description.
  let summary: String
  /// The condition on a row `t` when it is true.
  let condition: @Sendable (_ viewerID: String, _ now: Timestamp) -> SQLFragment
  /// The same as conditions of which one holds, each answered by an index of its own; nil where one
  /// index answers all of it.
  var branches: (@Sendable (_ viewerID: String) -> [SQLFragment])?
}

extension RecordStore {
  /// Sees to it that the tenant has the records of `resource` that every tenant starts with.
  ///
  /// - Throws: what the database throws.
  public func start(_ resource: Resource, tenantID: String) async throws {
    guard let start = resource.description.specialty.start else { return }
    let name = "\(resource.description.name)/\(tenantID)"
    guard !hasStarted(name) else { return }
    try await start(self, tenantID)
    noteStart(name)
  }
}

extension Resource {
  /// Whether every tenant starts with some of its records, or with some that they need.
  public var hasStart: Bool { description.specialty.start != nil }
}
