public import HTTP
public import JSON
internal import SQLite
public import Values

/// Which entries of the activity log are wanted.
public struct ActivityFilter: Sendable {
  /// The parameters that are read here.
  public static let names = [
    "userId", "operation", "entityType", "entityId", "departmentId", "sessionId", "since", "until",
  ]

  /// Who acted.
  public let userID: String?
  /// The kind of record, or `error`.
  let entityType: String?
  /// The record.
  let entityID: String?
  /// The session.
  let sessionID: String?
  let operation: OperationPattern?
  /// The units at the time of the entry; nil for any.
  let unitIDs: [String]?
  /// From when.
  public let since: Timestamp?
  /// Until when; that moment itself is not wanted.
  public let until: Timestamp?
  /// What was asked, as a cursor is bound to it.
  let parts: [String]

  /// Reads the parameters out of `values`, by name.
  ///
  /// - Parameters:
  ///   - values: The parameters.
  ///   - now: What distances back are counted from.
  ///   - subtree: The ids of a unit and of those that are below it today.
  /// - Throws: 400 `invalid_parameter` naming the parameter at fault.
  public init(
    _ values: [String: String], now: Timestamp, subtree: (_ unitID: String) -> Set<String>
  ) throws(Problem) {
    for name in Self.names {
      guard let value = values[name] else { continue }
      guard !value.isEmpty, value.utf8.count <= Limits.filterBytesMax else {
        throw .invalidParameter(name, "takes 1 to \(Limits.filterBytesMax) bytes")
      }
    }
    userID = values["userId"]
    entityType = values["entityType"]
    entityID = values["entityId"]
    sessionID = values["sessionId"]
    operation = values["operation"].map(OperationPattern.init)
    unitIDs = values["departmentId"].map { id in
      // Entries name the unit of their time, which may be gone today.
      subtree(id).union([id]).sorted()
    }
    since = try values["since"].map { text throws(Problem) in
      try PeriodBound.parse(text, "since", now: now)
    }
    until = try values["until"].map { text throws(Problem) in
      try PeriodBound.parse(text, "until", now: now)
    }
    parts = Self.names.compactMap { name in values[name].map { "\(name)=\($0)" } }
  }

  /// The names of the parameters that were given, never their values.
  public var givenNames: [String] { parts.map { String($0.prefix { $0 != "=" }) } }

  /// Whether an entry that is not held here is meant; the unit of such an entry is not known.
  public func means(_ entry: JSONObject) -> Bool {
    func text(_ name: String) -> String { entry[name]?.string ?? "" }
    let time = text("timestamp")
    return unitIDs == nil && (userID == nil || userID == text("userId"))
      && (entityType == nil || entityType == text("entityType"))
      && (entityID == nil || entityID == text("entityId"))
      && (sessionID == nil || sessionID == text("sessionId"))
      && operation?.means(text("operation")) ?? true && time >= since?.rfc3339 ?? ""
      && (until == nil || time < until?.rfc3339 ?? "")
  }

  /// Whether the entries of a unit are asked for.
  public var namesUnit: Bool { unitIDs != nil }

  /// Whether anything but the user and the time is asked for.
  public var isNarrow: Bool {
    entityType != nil || entityID != nil || sessionID != nil || operation != nil || unitIDs != nil
  }

  /// The conditions on a row `a` of the tenant, each beginning with AND, in no particular order and
  /// for no particular index.
  var condition: SQLFragment {
    var condition = times
    for dimension in ActivityDimension.all(of: self) { condition.append(dimension.condition) }
    return condition
  }

  /// The bounds of time, which every index of lists can use.
  var times: SQLFragment {
    var times = SQLFragment("")
    if let since {
      times.append(SQLFragment(" AND a.timestamp >= ?", [.text(since.rfc3339)]))
    }
    if let until {
      times.append(SQLFragment(" AND a.timestamp < ?", [.text(until.rfc3339)]))
    }
    return times
  }
}

/// One thing that entries can be asked for, each with an index of its own that ends with the order
/// of lists.
enum ActivityDimension {
  case entity(String)
  case session(String)
  case user(String)
  case operation(OperationPattern)
  case units([String])
  case entityType(String)

  /// What `filter` asks for; the one that likely leaves the fewest entries comes first.
  static func all(of filter: ActivityFilter) -> [ActivityDimension] {
    [
      filter.entityID.map { .entity($0) }, filter.sessionID.map { .session($0) },
      filter.userID.map { .user($0) }, filter.operation.map { .operation($0) },
      filter.unitIDs.map { .units($0) }, filter.entityType.map { .entityType($0) },
    ].compactMap(\.self)
  }

  /// The condition that no index is chosen for, beginning with AND: the unary plus says so
  /// (sqlite.org/optoverview.html, "disqualifying WHERE-clause terms").
  var condition: SQLFragment {
    switch self {
    case .entity(let id): SQLFragment(" AND +a.entity_id = ?", [.text(id)])
    case .session(let id): SQLFragment(" AND +a.session_id = ?", [.text(id)])
    case .user(let id): SQLFragment(" AND +a.user_id = ?", [.text(id)])
    case .operation(let pattern) where pattern.isExact:
      SQLFragment(" AND +a.operation = ?", [.text(pattern.text)])
    case .operation(let pattern): pattern.condition
    case .units(let ids):
      SQLFragment(
        " AND +a.unit_id IN (SELECT value FROM json_each(?))", [.text(RecordScope.list(ids))])
    case .entityType(let type): SQLFragment(" AND +a.entity_type = ?", [.text(type)])
    }
  }

  /// The conditions of which one holds for every entry that is meant and none for two, each with
  /// an index that gives the order too; nil where they are too many.
  func branches(
    tenantID: String, in connection: borrowing Connection
  ) throws(SQLiteError) -> [SQLFragment]? {
    switch self {
    case .entity(let id): return [SQLFragment(" AND a.entity_id = ?", [.text(id)])]
    case .session(let id): return [SQLFragment(" AND a.session_id = ?", [.text(id)])]
    case .user(let id): return [SQLFragment(" AND a.user_id = ?", [.text(id)])]
    case .entityType(let type): return [SQLFragment(" AND a.entity_type = ?", [.text(type)])]
    case .units(let ids):
      guard ids.count <= Limits.scopeBranchesMax else { return nil }
      return ids.map { SQLFragment(" AND a.unit_id = ?", [.text($0)]) }
    case .operation(let pattern):
      let names = try pattern.operations(
        tenantID: tenantID, max: Limits.scopeBranchesMax, in: connection)
      return names?.map { SQLFragment(" AND a.operation = ?", [.text($0)]) }
    }
  }
}
