internal import HTTP
public import JSON
internal import SQLite

/// Something that an answer embeds beside a record's own members: `expand=company,owner`.
struct Expansion: Sendable {
  /// The member that it stands in.
  let name: String
  /// The place of the field that refers to it.
  let place: Int
  /// The place of a field that bears the same name and shows where nothing is embedded.
  let displaced: Int?

  /// Reads `company,owner`.
  ///
  /// - Throws: 400 for a name that nothing is embedded under.
  static func parse(_ text: String, _ resource: Resource) throws(Problem) -> [Expansion] {
    var expansions: [Expansion] = []
    var offset = 0
    for name in text.split(separator: ",", omittingEmptySubsequences: false) {
      let place = resource.fields.firstIndex { $0.expansion == String(name) }
      guard let place else {
        throw .invalidParameter(
          "expand", "names \(name.prefix(64)), which is not one of \(names(resource))",
          token: String(name), offset: offset)
      }
      offset += name.utf8.count + 1
      guard !expansions.contains(where: { $0.place == place }) else { continue }
      expansions.append(
        Expansion(name: String(name), place: place, displaced: resource.place(of: String(name))))
    }
    return expansions
  }

  private static func names(_ resource: Resource) -> String {
    resource.fields.compactMap(\.expansion).joined(separator: ", ")
  }
}

extension Field {
  /// The name under which answers embed what the field refers to; nil when it refers to nothing.
  public var expansion: String? {
    switch type {
    case .reference, .entity, .user: Self.roles[name] ?? Self.withoutID(name)
    default: nil
    }
  }

  /// What users are to a record.
  private static let roles = ["createdBy": "creator", "assignedTo": "assignee"]

  private static func withoutID(_ name: String) -> String? {
    name.hasSuffix("Id") ? String(name.dropLast(2)) : nil
  }
}

/// What somebody may see of that which records refer to.
public struct RelatedAccess: Sendable {
  /// The scope in which a permission is granted; nil when it is not.
  let scope: @Sendable (_ permission: String) -> RecordScope?
  /// What is shown of a user; nil for one whom nobody knows.
  let user: @Sendable (_ id: String) -> JSONValue?

  /// Access made of its parts.
  public init(
    scope: @escaping @Sendable (_ permission: String) -> RecordScope?,
    user: @escaping @Sendable (_ id: String) -> JSONValue?
  ) {
    self.scope = scope
    self.user = user
  }

  /// Nothing.
  public static let none = RelatedAccess(scope: { _ in nil }, user: { _ in nil })
}

/// Rows that embed others, gathered until all that they refer to can be asked for at once.
struct ExpandedRows {
  /// What a row refers to.
  private struct Link {
    let id: String?
    /// Of the record; nil for a user.
    let entityType: String?
    /// What the displaced member shows.
    let displaced: String?
  }

  private let resource: Resource
  private let layout: JSONRowLayout
  private let expansions: [Expansion]
  /// Displaced members that are shown.
  private let shownDisplaced: Set<Int>
  private var rows: [(members: [UInt8], links: [Link])] = []

  /// Rows of `resource` that show the members at `places`, nil for all.
  init(_ resource: Resource, places: [Int]?, _ expansions: [Expansion]) {
    self.resource = resource
    self.expansions = expansions
    let displaced = expansions.compactMap(\.displaced)
    let shown = places ?? Array(resource.fields.indices)
    shownDisplaced = Set(displaced.filter(shown.contains))
    layout = resource.layout(of: shown.filter { !displaced.contains($0) })
  }

  mutating func append(_ row: borrowing Statement) {
    var members = JSONWriter(capacity: 512)
    row.appendJSONMembers(layout, to: &members)
    var links: [Link] = []
    for expansion in expansions {
      let field = resource.fields[expansion.place]
      let entityType: String? =
        switch field.type {
        case .reference(let entityType): entityType
        case .entity: resource.place(of: "entityType").flatMap { row.text($0) }
        default: nil
        }
      let displaced = expansion.displaced.flatMap { shownDisplaced.contains($0) ? $0 : nil }
      links.append(
        Link(
          id: row.text(expansion.place), entityType: entityType,
          displaced: displaced.flatMap { row.text($0) }))
    }
    rows.append((members.bytes, links))
  }

  /// Writes each row as an object, with what the caller may see of what it refers to.
  func write(
    to writer: inout JSONWriter, tenantID: String, _ access: RelatedAccess, _ catalog: Catalog,
    in connection: borrowing Connection
  ) throws(SQLiteError) {
    var wanted: [String: Set<String>] = [:]
    for link in rows.flatMap(\.links) {
      if let entityType = link.entityType, let id = link.id {
        wanted[entityType, default: []].insert(id)
      }
    }
    var found: [String: [String: [UInt8]]] = [:]
    for (entityType, ids) in wanted {
      found[entityType] = try Self.records(
        ids.sorted(), entityType, tenantID: tenantID, access, catalog, in: connection)
    }
    for row in rows {
      writer.beginObject()
      writer.raw(row.members)
      for (expansion, link) in zip(expansions, row.links) {
        writer.name(expansion.name)
        if let entityType = link.entityType {
          if let id = link.id, let record = found[entityType]?[id] {
            writer.raw(record)
            continue
          }
        } else if let user = link.id.flatMap(access.user) {
          writer.value(user)
          continue
        }
        writer.value(link.displaced.map(JSONValue.string) ?? .null)
      }
      writer.endObject()
    }
  }

  /// The live records of these ids that the caller may read, as JSON.
  private static func records(
    _ ids: [String], _ entityType: String, tenantID: String, _ access: RelatedAccess,
    _ catalog: Catalog, in connection: borrowing Connection
  ) throws(SQLiteError) -> [String: [UInt8]] {
    guard let resource = catalog.resource(entityType: entityType),
      let scope = resource.description.isCommon
        ? .server : access.scope(resource.description.operation("read"))
    else { return [:] }
    let predicate = scope.predicate(resource)
    let id = resource.commonPlace("id")
    var records: [String: [UInt8]] = [:]
    // The ids first: else SQLite may walk the records and look each of them up among the ids.
    try connection.forEachRow(
      """
      SELECT \(resource.columns)
      FROM json_each(?) AS k CROSS JOIN \(resource.description.table) AS t
      WHERE t.tenant_id = ? AND t.id = k.value AND t.deleted_at IS NULL\(predicate.sql)
      """,
      [.text(JSONValue.array(ids.map(JSONValue.string)).text), .text(tenantID)]
        + predicate.values
    ) { row throws(SQLiteError) in
      var writer = JSONWriter(capacity: 512)
      row.appendJSONObject(resource.layout, to: &writer)
      records[row.text(id) ?? ""] = writer.bytes
    }
    return records
  }
}
