internal import SQLite

/// Whose entries a list of the activity log shows.
public enum ActivityReach: Sendable, Equatable {
  /// Those of everybody in the tenant.
  case tenant
  /// Those of these users.
  case users([String])

  /// Whether entries by the user are shown.
  public func contains(_ userID: String) -> Bool {
    switch self {
    case .tenant: true
    case .users(let ids): ids.contains(userID)
    }
  }

  /// The condition on a row `a`, beginning with AND; empty when there is none.
  var condition: SQLFragment {
    switch self {
    case .tenant: SQLFragment("")
    case .users(let ids):
      SQLFragment(
        " AND +a.user_id IN (SELECT value FROM json_each(?))", [.text(RecordScope.list(ids))])
    }
  }
}
