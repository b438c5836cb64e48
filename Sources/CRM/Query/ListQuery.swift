public import HTTP
internal import SQLite
public import Values

/// A list request, read from its query string and checked against the resource.
public struct ListQuery: Sendable {
  let resource: Resource
  /// Who asks: what private records are found depends on it.
  let viewerID: String
  /// Conditions of the filters, each beginning with AND.
  private(set) var filters: [SQLFragment] = []
  /// Conditions of which one holds, each answered by an index of its own; among ``filters`` stands
  /// the same as one condition.
  private(set) var branches: [SQLFragment]?
  /// What its records' words must be.
  private(set) var words: FullText?
  private(set) var sort: SortOrder
  /// The places of the fields wanted; nil for all.
  private(set) var places: [Int]?
  /// What is embedded beside them.
  private(set) var expansions: [Expansion] = []
  private(set) var limit = Limits.pageRecordsDefault
  private(set) var cursor: String?
  private(set) var page: Int?
  private(set) var wantsCount = false
  /// Whether the answer says how many records there are in all.
  var isCounted: Bool { wantsCount || page != nil }
  /// What a cursor is bound to: tenant, resource, filters and order.
  private(set) var binding = ""

  /// Parameters that are not filters.
  static let parameters = [
    "limit", "cursor", "page", "pageSize", "sort", "fields", "expand", "count", "q",
  ]
  /// Parameters that say how much of the list is shown, and not which list it is.
  private static let showing = ["limit", "cursor", "page", "pageSize", "count", "fields", "expand"]

  /// Reads the parameters.
  ///
  /// - Throws: 400 `invalid_parameter` naming the parameter, the token and the position at fault.
  public init(
    _ items: QueryItems, _ resource: Resource, tenantID: String, viewerID: String,
    parent: ParentReference? = nil, customFields: CustomFieldSet = .none, now: Timestamp
  ) throws(Problem) {
    self.resource = resource
    self.viewerID = viewerID
    sort = SortOrder.newestFirst(resource)
    do throws(Problem) {
      try read(items, tenantID: tenantID, parent: parent, customFields: customFields, now: now)
    } catch {
      throw error.located(in: items)
    }
  }

  private mutating func read(
    _ items: QueryItems, tenantID: String, parent: ParentReference?,
    customFields: CustomFieldSet, now: Timestamp
  ) throws(Problem) {
    var seen: Set<String> = []
    var bound: [String] = []
    // Where rows are private, and where a condition asks for the viewer's own, it is another list
    // for each viewer.
    var isPersonal = resource.description.privacy != nil
    if let parent {
      filters.append(parent.condition)
      bound.append("\(parent.resource.description.name)/\(parent.id)")
    }
    for item in items.items {
      guard seen.insert(item.name).inserted else {
        throw .invalidParameter(item.name, "stands twice", in: .name)
      }
      if Self.parameters.contains(item.name) {
        try read(item)
      } else if let named = resource.description.conditions.first(where: { $0.name == item.name }) {
        isPersonal = true
        if item.value == "true" { branches = branches ?? named.branches?(viewerID) }
        filters.append(try Self.condition(named, item, viewerID: viewerID, now: now))
      } else {
        filters.append(
          try Filter.parse(
            item.name, item.value, resource, customFields, tenantID: tenantID, now: now))
      }
      if !Self.showing.contains(item.name) {
        bound.append("\(item.name)=\(item.value)")
      }
      guard filters.count <= Limits.filtersMax else {
        throw .invalidParameter(
          item.name, "is one condition too many (\(Limits.filtersMax))", in: .name)
      }
    }
    if cursor != nil, page != nil || seen.contains("pageSize") {
      throw .invalidParameter("cursor", "cannot stand beside page or pageSize")
    }
    if let page, page * limit > Limits.offsetRecordsMax {
      throw .invalidParameter("page", "reaches too far; follow nextCursor instead")
    }
    if isPersonal { bound.append("viewer \(viewerID)") }
    binding = Cursor.binding(
      tenantID: tenantID, resource: resource.description.name, parts: bound.sorted())
  }

  private mutating func read(_ item: QueryItems.Item) throws(Problem) {
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
    case "expand":
      expansions = try Expansion.parse(item.value, resource)
    case "count":
      guard ["true", "false"].contains(item.value) else {
        throw .invalidParameter("count", "must be true or false")
      }
      wantsCount = item.value == "true"
    default:
      if item.value.allSatisfy(\.isWhitespace) { return }
      words = FullText(item.value)
      // What has no letters and digits is found in no record.
      if words == nil { filters.append(SQLFragment(" AND 0")) }
    }
  }

  /// A condition that is true or false.
  private static func condition(
    _ named: NamedCondition, _ item: QueryItems.Item, viewerID: String, now: Timestamp
  ) throws(Problem) -> SQLFragment {
    let condition = named.condition(viewerID, now)
    switch item.value {
    case "true": return SQLFragment(" AND (\(condition.sql))", condition.values)
    case "false":
      return SQLFragment(" AND NOT coalesce((\(condition.sql)), 0)", condition.values)
    default: throw .invalidParameter(item.name, "must be true or false")
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
    var offset = 0
    for name in names.split(separator: ",", omittingEmptySubsequences: false) {
      defer { offset += name.utf8.count + 1 }
      if name.isEmpty { continue }
      guard let place = resource.place(of: String(name)) else {
        throw .invalidParameter(
          "fields", "names \(name.prefix(64)), which does not exist", token: String(name),
          offset: offset)
      }
      places.insert(place)
    }
    return places.sorted()
  }
}
