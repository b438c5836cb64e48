public import HTTP
internal import SQLite
public import Values

/// What is asked of the list of activities.
public struct ActivityQuery: Sendable {
  /// The parameters that are read here.
  public static let names =
    PageParameters.names + ActivityFilter.names + ["sort", "fields", "includeDetails"]

  /// Which entries.
  public let filter: ActivityFilter
  /// Which part of them.
  public let page: PageParameters
  /// Whether the newest come first.
  public let isDescending: Bool
  /// The members of each entry.
  public let shown: Set<String>
  /// What the list's cursors belong to.
  let binding: String

  /// Where a page begins.
  public enum Start: Sendable, Equatable {
    /// With the first entry.
    case first
    /// Behind an entry that is held here: its time and place in the chain.
    case behind(timestamp: String, seq: Int64)
    /// Behind an older entry, that only the Wrapper holds: its time and id, and how many of those
    /// were given before it.
    case behindOlder(timestamp: String, id: String, passed: Int)
  }

  /// Where the page begins.
  public let start: Start

  /// Reads the parameters out of `values`, by name.
  ///
  /// - Parameters:
  ///   - values: The parameters.
  ///   - tenantID: Whose log.
  ///   - now: What distances back are counted from.
  ///   - subtree: The ids of a unit and of those that are below it today.
  /// - Throws: 400 `invalid_parameter` naming the parameter at fault, 400 `invalid_cursor`.
  public init(
    _ values: [String: String], tenantID: String, now: Timestamp,
    subtree: (_ unitID: String) -> Set<String>
  ) throws(Problem) {
    page = try PageParameters(values)
    filter = try ActivityFilter(values, now: now, subtree: subtree)
    switch values["sort"] {
    case nil, "-timestamp": isDescending = true
    case "timestamp": isDescending = false
    case let sort?:
      throw .invalidParameter(
        "sort", "takes timestamp and -timestamp", token: sort, offset: 0)
    }
    shown = try Self.shown(values)
    binding = Cursor.binding(
      tenantID: tenantID, resource: "activities", parts: filter.parts + ["\(isDescending)"])
    start =
      try page.cursor.map { [binding] cursor throws(Problem) in
        try Self.start(cursor, binding)
      } ?? .first
  }

  private static func shown(_ values: [String: String]) throws(Problem) -> Set<String> {
    guard ["true", "false", nil].contains(values["includeDetails"]) else {
      throw .invalidParameter("includeDetails", "must be true or false")
    }
    var shown = Set(StoredActivity.names)
    if let fields = values["fields"] {
      var wanted: Set<String> = ["id"]
      var offset = 0
      for name in fields.split(separator: ",", omittingEmptySubsequences: false) {
        defer { offset += name.utf8.count + 1 }
        if name.isEmpty { continue }
        guard shown.contains(String(name)) else {
          throw .invalidParameter(
            "fields", "names \(name.prefix(64)), which does not exist", token: String(name),
            offset: offset)
        }
        wanted.insert(String(name))
      }
      shown = wanted
    }
    if values["includeDetails"] == "false" { shown.subtract(StoredActivity.detailNames) }
    return shown
  }

  private static func start(_ cursor: String, _ binding: String) throws(Problem) -> Start {
    let keys = try Cursor.decode(cursor, binding: binding, count: 3)
    switch (keys[0], keys[1], keys[2]) {
    case (.text(let timestamp), .integer(let seq), .null):
      return .behind(timestamp: timestamp, seq: seq)
    case (.text(let timestamp), .text(let id), .integer(let passed)):
      return .behindOlder(timestamp: timestamp, id: id, passed: Int(clamping: passed))
    default:
      // Nobody but us makes cursors; this one was meddled with.
      _ = try Cursor.decode("", binding: binding, count: 3)
      return .first
    }
  }

  /// The cursor of the page that begins at `start`.
  func cursor(at start: Start) -> String? {
    switch start {
    case .first: nil
    case .behind(let timestamp, let seq):
      Cursor.encode([.text(timestamp), .integer(seq), .null], binding: binding)
    case .behindOlder(let timestamp, let id, let passed):
      Cursor.encode([.text(timestamp), .text(id), .integer(passed)], binding: binding)
    }
  }
}
