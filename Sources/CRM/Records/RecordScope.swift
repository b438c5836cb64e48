internal import JSON
internal import SQLite

/// Which records a grant reaches.
///
/// One predicate for lists, reads, writes and references alike.
public enum RecordScope: Sendable, Equatable {
  /// Every record of the tenant.
  case tenant
  /// Records that the user owns, created or is assigned to.
  case own(userID: String)
  /// The user's own, and those owned by a user of their unit or of a unit below it.
  case team(userID: String, members: [String])

  /// The condition on a row `t` of `resource`, empty when there is none.
  func predicate(_ resource: Resource) -> SQLFragment {
    if self == .tenant { return SQLFragment("") }
    let userColumns = Self.userFields(of: resource).map { "t.\($0.column)" }
    switch self {
    case .tenant:
      return SQLFragment("")
    case .own(let userID):
      return SQLFragment(
        " AND (" + userColumns.map { "\($0) = ?" }.joined(separator: " OR ") + ")",
        userColumns.map { _ in .text(userID) })
    case .team(let userID, let members):
      let list = JSONValue.array(members.map(JSONValue.string)).text
      return SQLFragment(
        " AND (t.owner_id IN (SELECT value FROM json_each(?)) OR "
          + userColumns.map { "\($0) = ?" }.joined(separator: " OR ") + ")",
        [.text(list)] + userColumns.map { _ in .text(userID) })
    }
  }

  /// Whether the scope reaches `record`.
  func contains(_ record: Record) -> Bool {
    switch self {
    case .tenant:
      return true
    case .own(let userID):
      return Self.userFields(of: record.resource).contains { record[$0.name].text == userID }
    case .team(let userID, let members):
      return RecordScope.own(userID: userID).contains(record)
        || record.ownerID.map(members.contains) ?? false
    }
  }

  /// What both scopes reach.
  public func narrowed(by other: RecordScope) -> RecordScope {
    switch (self, other) {
    case (.tenant, _): other
    case (_, .tenant): self
    case (.own, _): self
    case (_, .own): other
    case (.team, .team): self
    }
  }

  private static func userFields(of resource: Resource) -> [Field] {
    resource.fields.filter { ["ownerId", "createdBy", "assignedTo"].contains($0.name) }
  }
}

/// A piece of SQL with the values that are bound to it.
struct SQLFragment: Sendable {
  var sql: String
  var values: [SQLiteValue]

  init(_ sql: String, _ values: [SQLiteValue] = []) {
    self.sql = sql
    self.values = values
  }

  mutating func append(_ other: SQLFragment) {
    sql += other.sql
    values += other.values
  }
}
