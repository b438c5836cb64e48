internal import HTTP
internal import JSON
internal import SQLite
internal import Values

/// What a timeline is made of; the order decides between two that happened at once.
public enum TimelineKind: String, Sendable, CaseIterable {
  /// A call, a mail, a meeting.
  case interaction
  /// What somebody wrote down.
  case note
  /// Something to do.
  case task
  /// Business.
  case deal
  /// A deal that moved from one stage to another.
  case stageChange = "stage_change"
  /// Something that was attached.
  case file
  /// A change of the record itself.
  case change

  /// The kinds in a list like `note,task`.
  static func parse(_ text: String) throws(Problem) -> [TimelineKind] {
    var kinds: [TimelineKind] = []
    for name in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let kind = TimelineKind(rawValue: String(name)) else {
        let known = allCases.map(\.rawValue).joined(separator: ", ")
        throw .invalidParameter("types", "is a list of \(known)")
      }
      if !kinds.contains(kind) { kinds.append(kind) }
    }
    return kinds
  }

  /// The place among those that happened at the same moment.
  var rank: Int64 { Int64(Self.allCases.firstIndex(of: self) ?? 0) }
}

/// One thing that happened.
struct TimelineItem: Sendable {
  let kind: TimelineKind
  /// What tells it from others of its kind, in SQL's order.
  let key: SQLiteValue
  let id: String
  let at: String
  let by: String
  let summary: String
  /// JSON.
  let data: [UInt8]

  /// Whether it stands above `other`: newest first, and always in the same order.
  func precedes(_ other: TimelineItem) -> Bool {
    if at != other.at { return at > other.at }
    if kind != other.kind { return kind.rank < other.kind.rank }
    switch (key, other.key) {
    case (.integer(let one), .integer(let two)): return one > two
    default: return (key.text ?? "") > (other.key.text ?? "")
    }
  }

  func write(to writer: inout JSONWriter, name: String?) {
    writer.beginObject()
    writer.member("kind", kind.rawValue)
    writer.member("id", id)
    writer.member("at", at)
    writer.member("by", by)
    writer.member("byName", name)
    writer.member("summary", summary)
    writer.name("data")
    writer.raw(data)
    writer.endObject()
  }
}

/// The item behind which a page begins.
struct TimelinePosition: Sendable {
  let at: String
  let rank: Int64
  let key: SQLiteValue

  init(_ keys: [SQLiteValue]) {
    at = keys[0].text ?? ""
    rank = if case .integer(let rank) = keys[1] { rank } else { 0 }
    key = keys[2]
  }

  /// The condition that a row of `kind` stands behind it; `at` and `key` are SQL.
  func condition(_ kind: TimelineKind, at expression: String, key column: String) -> SQLFragment {
    if kind.rank == rank {
      return SQLFragment(" AND (\(expression), \(column)) < (?, ?)", [.text(at), key])
    }
    let sign = kind.rank > rank ? "<=" : "<"
    return SQLFragment(" AND \(expression) \(sign) ?", [.text(at)])
  }
}

extension Record {
  /// What it is in a few words.
  var summary: String {
    func words(_ isWanted: (Field) -> Bool) -> String {
      resource.fields.indices.filter { isWanted(resource.fields[$0]) }
        .compactMap { values[$0].text }.joined(separator: " ")
    }
    let title = words(\.isTitle)
    let text = title.isEmpty ? words { $0.isSearchable && $0.type == .longText } : title
    let fallback = words { $0.name == "type" }
    return String((text.isEmpty ? fallback : text).prefix(Limits.summaryCharactersMax))
  }
}
