internal import Database
internal import HTTP
internal import JSON
internal import SQLite

extension RecordStore {
  /// A resource to search, as far as the caller may read it.
  public typealias SearchedResource = (resource: Resource, scope: RecordScope)

  /// A page of what is found: `{"data": […], "nextCursor": …}`, the best first.
  ///
  /// - Parameter resources: Those to look among; none finds nothing.
  /// - Throws: 400 `invalid_cursor`; what the database throws.
  public func search(
    _ query: SearchQuery, among resources: [SearchedResource], tenantID: String, userID: String
  ) throws -> [UInt8] {
    let binding = query.binding(tenantID: tenantID, userID: userID)
    let place = try query.page.cursor.map { cursor throws(Problem) in
      try SearchPlace(Cursor.decode(cursor, binding: binding, count: 2))
    }
    var writer = JSONWriter(capacity: 256 * query.page.limit)
    writer.beginObject()
    writer.name("data")
    writer.beginArray()
    var next: String?
    if !query.terms.isEmpty, !resources.isEmpty {
      let searched = SearchedTenant(tenantID: tenantID, resources: resources)
      try database.read { connection in
        var hits = try searched.hits(
          query.terms, after: place ?? SearchPlace.start, limit: query.page.limit + 1,
          in: connection)
        if hits.count > query.page.limit {
          hits.removeLast()
          next = hits.last.map { Cursor.encode($0.place.keys, binding: binding) }
        }
        let records = try searched.records(of: hits, in: connection)
        for hit in hits {
          guard let record = records[hit.key] else { continue }
          hit.write(record, query.terms, to: &writer)
        }
      }
    }
    writer.endArray()
    writer.member("nextCursor", next)
    writer.endObject()
    return writer.bytes
  }
}

/// Where in the order of a search something stands: its rank, then its document's number, the
/// newest first.
struct SearchPlace {
  var rank: Int
  var document: Int64

  /// Before everything.
  static let start = SearchPlace(rank: 0, document: .max)

  init(rank: Int, document: Int64) {
    self.rank = rank
    self.document = document
  }

  /// The place that a cursor names.
  init(_ keys: [SQLiteValue]) throws(Problem) {
    guard case .integer(let rank) = keys[0], case .integer(let document) = keys[1] else {
      throw Problem(.invalidCursor, "The cursor does not belong to this search.")
    }
    self.init(rank: Int(clamping: rank), document: document)
  }

  var keys: [SQLiteValue] { [.integer(Int64(rank)), .integer(document)] }

  func isBehind(_ other: SearchPlace) -> Bool {
    rank == other.rank ? document < other.document : rank > other.rank
  }
}

/// A document that was found.
struct SearchHit {
  let place: SearchPlace
  let score: Double
  let entityType: String
  let entityID: String

  /// The record's name among all kinds.
  var key: String { "\(entityType)/\(entityID)" }

  func write(_ record: Record, _ terms: [SearchTerm], to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("entityType", entityType)
    writer.member("id", entityID)
    writer.member("title", SearchSnippet.title(of: record))
    writer.member("snippet", SearchSnippet.html(of: record, terms))
    writer.member("score", .init(floatLiteral: score))
    writer.endObject()
  }
}

/// What of one tenant is searched.
struct SearchedTenant {
  let tenantID: String
  let resources: [RecordStore.SearchedResource]
  let reach: SearchReach
  private let reachMatch: String

  /// Documents that are looked at one by one where the index cannot tell by itself.
  static let candidatesMax = 1000

  init(tenantID: String, resources: [RecordStore.SearchedResource]) {
    self.tenantID = tenantID
    self.resources = resources
    reach = SearchReach(tenantID: tenantID)
    reachMatch = reach.match(resources)
  }

  /// The documents that have all `terms`, in order, from behind `start`.
  func hits(
    _ terms: [SearchTerm], after start: SearchPlace, limit: Int,
    in connection: borrowing Connection
  ) throws -> [SearchHit] {
    let ranks = SearchRank.ranks(terms)
    if let found = try fewHits(terms, ranks, in: connection) {
      return Array(found.drop { !$0.place.isBehind(start) }.prefix(limit))
    }
    var hits: [SearchHit] = []
    for (number, rank) in ranks.enumerated().dropFirst(max(0, start.rank)) {
      let before = number == start.rank ? start.document : .max
      let found = try documents(
        rank.expression, before: before, limit: limit - hits.count, in: connection)
      hits += found.map { row in
        SearchHit(
          place: SearchPlace(rank: number, document: row.number), score: rank.score,
          entityType: row.entityType, entityID: row.entityID)
      }
      if hits.count >= limit { break }
    }
    return hits
  }

  private struct Document {
    let number: Int64
    let entityType: String
    let entityID: String

    init(_ row: borrowing Statement) {
      number = row.integer(0) ?? 0
      entityType = row.text(1) ?? ""
      entityID = row.text(2) ?? ""
    }
  }

  /// The newest documents that fit, numbered below `number`.
  private func documents(
    _ expression: SearchExpression, before number: Int64, limit: Int,
    in connection: borrowing Connection
  ) throws -> [Document] {
    if !expression.isListed,
      let found = try candidates(expression, before: number, limit: limit, in: connection)
    {
      return found
    }
    return try connection.all(
      """
      SELECT d.n, d.entity_type, d.entity_id
      FROM search_index AS i CROSS JOIN search_documents AS d ON d.n = i.rowid
      WHERE i.search_index MATCH ? AND i.rowid < ? AND d.tenant_id = ?
      ORDER BY i.rowid DESC LIMIT ?
      """,
      [
        .text(match(expression)), .integer(number), .text(tenantID), .integer(Int64(limit)),
      ]
    ) { Document($0) }
  }

  /// The same by looking at documents that nearly fit; nil when too few of many did.
  ///
  /// A long beginning that many words have is found soon this way, and never gathered.
  private func candidates(
    _ expression: SearchExpression, before number: Int64, limit: Int,
    in connection: borrowing Connection
  ) throws -> [Document]? {
    let condition = expression.condition(reach.letters)
    var count = 0
    var found: [Document] = []
    try connection.forEachRow(
      """
      SELECT d.n, d.entity_type, d.entity_id, \(condition.sql)
      FROM (
        SELECT rowid AS n FROM search_index WHERE search_index MATCH ? AND rowid < ?
        ORDER BY rowid DESC LIMIT ?) AS c
      CROSS JOIN search_documents AS d ON d.n = c.n
      WHERE d.tenant_id = ?
      ORDER BY c.n DESC
      """,
      condition.values + [
        .text(match(expression, coarsely: true)), .integer(number),
        .integer(Int64(Self.candidatesMax)), .text(tenantID),
      ]
    ) { row in
      count += 1
      if row.integer(3) == 1, found.count < limit { found.append(Document(row)) }
    }
    return found.count == limit || count < Self.candidatesMax ? found : nil
  }

  private func match(_ expression: SearchExpression, coarsely: Bool = false) -> String {
    "\(reachMatch) AND \(expression.match(reach.letters, coarsely: coarsely))"
  }

  /// The records behind `hits`, by their keys.
  func records(of hits: [SearchHit], in connection: borrowing Connection) throws
    -> [String: Record]
  {
    var records: [String: Record] = [:]
    for (resource, scope) in resources {
      let entityType = resource.description.entityType
      let ids = hits.filter { $0.entityType == entityType }.map { $0.entityID }
      guard !ids.isEmpty else { continue }
      let list = JSONValue.array(ids.map(JSONValue.string)).text
      let predicate = scope.predicate(resource)
      try connection.forEachRow(
        """
        SELECT \(resource.columns) FROM \(resource.description.table) AS t
        WHERE t.tenant_id = ? AND t.id IN (SELECT value FROM json_each(?))
          AND t.deleted_at IS NULL\(predicate.sql)
        """, [.text(tenantID), .text(list)] + predicate.values
      ) { row in
        let record = Record(resource, row: row)
        records["\(entityType)/\(record.id)"] = record
      }
    }
    return records
  }
}
