public import HTTP
internal import SQLite
public import Values

/// A list request, read from its query string and checked against the resource.
public struct ListQuery: Sendable {
  let resource: Resource
  /// Conditions of the filters, each beginning with AND.
  private(set) var filters: [SQLFragment] = []
  private(set) var sort: SortOrder
  /// The places of the fields wanted; nil for all.
  private(set) var places: [Int]?
  private(set) var limit = Limits.pageRecordsDefault
  private(set) var cursor: String?
  private(set) var page: Int?
  private(set) var wantsCount = false
  /// What a cursor is bound to: tenant, resource, filters and order.
  private(set) var binding = ""

  /// Parameters that are not filters.
  static let parameters = [
    "limit", "cursor", "page", "pageSize", "sort", "fields", "count", "q",
  ]

  /// Reads the parameters.
  ///
  /// - Throws: 400 `invalid_parameter` naming the parameter at fault.
  public init(
    _ items: QueryItems, _ resource: Resource, tenantID: String, now: Timestamp
  ) throws(Problem) {
    self.resource = resource
    sort = SortOrder.newestFirst(resource)
    var seen: Set<String> = []
    var bound: [String] = []
    for item in items.items {
      guard seen.insert(item.name).inserted else {
        throw .invalidParameter(item.name, "stands twice")
      }
      if Self.parameters.contains(item.name) {
        try read(item, tenantID: tenantID)
      } else {
        filters.append(try Filter.parse(item.name, item.value, resource, now: now))
      }
      if !["limit", "cursor", "page", "pageSize", "count", "fields"].contains(item.name) {
        bound.append("\(item.name)=\(item.value)")
      }
      guard filters.count <= Limits.filtersMax else {
        throw .invalidParameter(item.name, "is one condition too many (\(Limits.filtersMax))")
      }
    }
    if cursor != nil, page != nil || seen.contains("pageSize") {
      throw .invalidParameter("cursor", "cannot stand beside page or pageSize")
    }
    if let page, page * limit > Limits.offsetRecordsMax {
      throw .invalidParameter("page", "reaches too far; follow nextCursor instead")
    }
    binding = Cursor.binding(
      tenantID: tenantID, resource: resource.description.name, parts: bound.sorted())
  }

  private mutating func read(_ item: QueryItems.Item, tenantID: String) throws(Problem) {
    switch item.name {
    case "limit", "pageSize":
      if item.name == "pageSize", page == nil { page = 1 }
      limit = try Self.number(item, in: 1...Limits.pageRecordsMax)
    case "page":
      page = try Self.number(item, in: 1...Limits.offsetRecordsMax)
    case "cursor":
      cursor = item.value
    case "sort":
      sort = try SortOrder.parse(item.value, resource)
    case "fields":
      places = try Self.places(item.value, resource)
    case "count":
      guard ["true", "false"].contains(item.value) else {
        throw .invalidParameter("count", "must be true or false")
      }
      wantsCount = item.value == "true"
    default:
      if item.value.allSatisfy(\.isWhitespace) { return }
      let match = FullText.match(item.value, tenantID: tenantID)
      // What has no letters and digits is found in no record.
      filters.append(
        match.map { FullText.condition($0, resource, tenantID: tenantID) } ?? SQLFragment(" AND 0"))
    }
  }

  private static func number(_ item: QueryItems.Item, in range: ClosedRange<Int>)
    throws(Problem) -> Int
  {
    guard let number = Int(item.value), range.contains(number) else {
      throw .invalidParameter(
        item.name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// The places of the named fields in the resource's order; the id is always among them.
  static func places(_ names: String, _ resource: Resource) throws(Problem) -> [Int] {
    var places: Set<Int> = [resource.commonPlace("id")]
    for name in names.split(separator: ",").map(String.init) {
      guard let place = resource.place(of: name) else {
        throw .invalidParameter("fields", "names \(name.prefix(64)), which does not exist")
      }
      places.insert(place)
    }
    return places.sorted()
  }
}

extension Problem {
  /// 400 for one query parameter.
  public static func invalidParameter(_ name: String, _ detail: String) -> Problem {
    Problem(
      .invalidParameter, "The parameter \(name.prefix(64)) \(detail).",
      issues: [
        .init(pointer: "", code: "invalid_parameter", detail: "\(name.prefix(64)) \(detail)")
      ])
  }
}
