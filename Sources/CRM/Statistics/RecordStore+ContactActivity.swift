internal import Database
internal import HTTP
public import JSON
internal import SQLite
internal import Values

extension RecordStore {
  /// What was done with one contact, as far as `scope` reaches: read from the contact's own records
  /// by their indexes, since nobody has so many.
  ///
  /// - Parameters:
  ///   - contacts: The resource.
  ///   - caller: Who must be able to read the contact.
  /// - Throws: 404 unless the caller may read a live contact of that id; what the database throws.
  public func contactActivity(
    _ contacts: Resource, id: String, caller: Caller, scope: RecordScope, query: StatisticsQuery
  ) throws -> JSONValue {
    let entityType = contacts.description.entityType
    return try database.read { connection in
      guard
        try References.exists(entityType, id, caller: caller, catalog: catalog, in: connection)
      else { throw Problem.notFound(entityType) }
      let rows = ContactRows(tenantID: caller.tenantID, contactID: id, scope: scope)
      let interactions = try rows.interactions(catalog, query, connection)
      let notes = try rows.counts("note", by: "''", catalog, connection)
      let tasks = try rows.counts("task", by: "t.status", catalog, connection)
      let deals = try rows.counts("deal", by: "t.status", catalog, connection)
      return [
        "contactId": .string(id),
        "interactions": [
          "total": .integer(interactions.byType.values.reduce(0, +)),
          "byType": Self.object(interactions.byType),
        ],
        "lastInteractionAt": interactions.last.map(JSONValue.string) ?? .null,
        "notes": .integer(notes.values.reduce(0, +)),
        "openTasks": .integer(
          Counter.openTaskStatuses.reduce(0) { $0 + (tasks[$1] ?? 0) }),
        "deals": [
          "open": .integer(deals["open"] ?? 0), "won": .integer(deals["won"] ?? 0),
          "lost": .integer(deals["lost"] ?? 0),
        ],
        "byMonth": .array(
          interactions.byMonth.sorted { $0.key < $1.key }.map {
            ["date": .string($0.key), "count": .integer($0.value)]
          }),
      ]
    }
  }

  private static func object(_ counts: [String: Int64]) -> JSONValue {
    .object(JSONObject(counts.sorted { $0.key < $1.key }.map { ($0.key, .integer($0.value)) }))
  }
}

/// The live records that belong to a contact and that a scope reaches.
private struct ContactRows {
  let tenantID: String
  let contactID: String
  let scope: RecordScope

  struct Interactions {
    var byType: [String: Int64] = [:]
    var byMonth: [String: Int64] = [:]
    /// When the last of them took place.
    var last: String?
  }

  private func condition(_ resource: Resource) -> SQLFragment {
    // A deal refers to its contact; everything else hangs from it or is about it.
    let isReferred = resource.field("contactId") != nil
    var condition = SQLFragment(
      """
      FROM \(resource.description.table) AS t
      WHERE t.tenant_id = ? AND \(isReferred ? "t.contact_id = ?" : "t.entity_id = ?")
        AND t.deleted_at IS NULL\(isReferred ? "" : " AND t.entity_type = 'contact'")
      """, [.text(tenantID), .text(contactID)])
    condition.append(scope.predicate(resource))
    return condition
  }

  func counts(
    _ entityType: String, by expression: String, _ catalog: Catalog,
    _ connection: borrowing Connection
  ) throws(SQLiteError) -> [String: Int64] {
    var counts: [String: Int64] = [:]
    guard let resource = catalog.resource(entityType: entityType) else { return counts }
    let rows = condition(resource)
    try connection.forEachRow(
      "SELECT \(expression), count(*) \(rows.sql) GROUP BY 1", rows.values
    ) { row in counts[row.text(0) ?? ""] = row.integer(1) ?? 0 }
    return counts
  }

  /// An interaction is of the month in which it took place, else of that for which it is planned,
  /// else of that in which it was written down.
  func interactions(
    _ catalog: Catalog, _ query: StatisticsQuery, _ connection: borrowing Connection
  ) throws(SQLiteError) -> Interactions {
    var interactions = Interactions()
    guard let resource = catalog.resource(entityType: "interaction") else { return interactions }
    let rows = condition(resource)
    try connection.forEachRow(
      """
      SELECT t.type, t.occurred_at, coalesce(t.occurred_at, t.scheduled_at, t.created_at)
      \(rows.sql)
      """, rows.values
    ) { row in
      interactions.byType[row.text(0) ?? "", default: 0] += 1
      if let occurred = row.text(1), occurred > interactions.last ?? "" {
        interactions.last = occurred
      }
      if let moment = row.text(2).flatMap(Timestamp.init(rfc3339:)) {
        let month = String(query.zone.day(of: moment).text.prefix(7))
        interactions.byMonth[month, default: 0] += 1
      }
    }
    return interactions
  }
}
