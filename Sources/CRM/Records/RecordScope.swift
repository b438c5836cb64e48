internal import JSON
internal import SQLite

/// Which records somebody may reach: as far as a grant goes, less what is private to others.
///
/// One predicate for lists, reads, writes and references alike.
public struct RecordScope: Sendable, Equatable {
  /// How far a grant goes.
  public enum Reach: Sendable, Equatable {
    /// Every record of the tenant.
    case tenant
    /// Records that the user owns, created or is assigned to.
    case own
    /// The user's own, and those owned by a user of their unit or of a unit below it.
    case team(members: [String])
  }

  /// Who looks; nil for the server itself, from which nothing is private.
  public let userID: String?
  /// How far the grant goes.
  public let reach: Reach
  /// The scopes that must reach a record as well.
  private var others: [RecordScope] = []

  /// The records that `reach` gives to a user.
  public init(userID: String, reaching reach: Reach) {
    self.init(userID: userID, reach)
  }

  private init(userID: String?, _ reach: Reach) {
    self.userID = userID
    self.reach = reach
  }

  /// All records, for what the server does by itself.
  public static let server = RecordScope(userID: nil, .tenant)

  /// The condition on a row `t` of `resource`, empty when there is none; `alias` names the row
  /// where it is not `t`.
  func predicate(_ resource: Resource, alias: String = "t") -> SQLFragment {
    var condition = SQLFragment("")
    guard let userID else { return condition }
    let columns = resource.userFields.map { "\(alias).\($0.column)" }
    let isTheirs = columns.map { "\($0) = ?" }.joined(separator: " OR ")
    let user = columns.map { _ in SQLiteValue.text(userID) }
    switch reach {
    case .tenant:
      break
    case .own:
      condition.append(SQLFragment(" AND (\(isTheirs))", user))
    case .team(let members):
      condition.append(
        SQLFragment(
          " AND (\(alias).owner_id IN (SELECT value FROM json_each(?)) OR \(isTheirs))",
          [.text(Self.list(members))] + user))
    }
    condition.append(privacy(resource, alias: alias))
    return condition
  }

  /// Ids as SQLite takes them, one value for all.
  static func list(_ ids: [String]) -> String {
    JSONValue.array(ids.map(JSONValue.string)).text
  }

  /// Whether every record of `resource` is reached.
  func isUnlimited(_ resource: Resource) -> Bool {
    others.allSatisfy { $0.isUnlimited(resource) }
      && (userID == nil || (reach == .tenant && resource.description.privacy == nil))
  }

  /// The part of the condition that leaves out what is private to others, or beyond the scopes
  /// that this one is narrowed by.
  func privacy(_ resource: Resource, alias: String = "t") -> SQLFragment {
    var condition = SQLFragment("")
    for other in others { condition.append(other.predicate(resource, alias: alias)) }
    guard let userID, let privacy = resource.description.privacy else { return condition }
    condition.append(
      SQLFragment(
        " AND (\(alias).\(privacy.field) <> '\(privacy.value)' OR \(alias).created_by = ?)",
        [.text(userID)]))
    return condition
  }

  /// The conditions on a row `t` of which one holds for every row that the grant reaches, each
  /// answered by an index of its own; nil where it reaches all rows, or where they are too many.
  func branches(_ resource: Resource) -> [SQLFragment]? {
    guard let userID else { return nil }
    var owners: [String] = []
    switch reach {
    case .tenant: return nil
    case .own: break
    case .team(let members): owners = members.filter { $0 != userID }
    }
    guard owners.count <= Limits.scopeBranchesMax else { return nil }
    // Without statistics SQLite would as soon take the index of a filter that many rows meet.
    return resource.userFields.map {
      SQLFragment(" AND unlikely(t.\($0.column) = ?)", [.text(userID)])
    } + owners.map { SQLFragment(" AND unlikely(t.owner_id = ?)", [.text($0)]) }
  }

  /// Whether the scope reaches `record`.
  func contains(_ record: Record) -> Bool {
    guard others.allSatisfy({ $0.contains(record) }) else { return false }
    guard let userID else { return true }
    if let creator = record.privateTo, creator != userID { return false }
    let isTheirs = record.resource.userFields.contains { record[$0.name].text == userID }
    switch reach {
    case .tenant: return true
    case .own: return isTheirs
    case .team(let members): return isTheirs || record.ownerID.map(members.contains) ?? false
    }
  }

  /// What both scopes reach, each as the user that it is of: what is private to one of them is
  /// out of reach.
  public func narrowed(by other: RecordScope) -> RecordScope {
    var narrowed = self
    narrowed.others.append(other)
    return narrowed
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
