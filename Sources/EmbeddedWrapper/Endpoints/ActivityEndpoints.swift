internal import HTTP
internal import JSON
internal import SQLite
internal import Values

/// Taking activities in, each charged once, and giving them back.
struct ActivityEndpoints: Sendable {
  /// The most entries of one batch.
  static let batchMax = 1_000
  /// The largest batch.
  static let batchBytesMax = 16 * 1024 * 1024
  /// The most entries of one answer.
  static let limitMax = 1_000
  /// The most minutes, hours, days or weeks that a period may have.
  private static let periodUnitsMax: Int64 = 52_560

  let directory: Directory
  /// Whether entries that are accepted appear on the feed.
  let announces: Bool

  private struct Entry: Sendable {
    var id: String
    var units: Int64
    var values: [SQLiteValue]
    /// What is kept of the entry, and told of it.
    var document: JSONValue
  }

  func add(to router: inout Router<WrapperApplication.Endpoint>) {
    router.add(
      .post, "/api/activities/batch",
      .init(bodyBytesMax: Self.batchBytesMax) { request, _ in try await take(request) })
    router.add(.get, "/api/activities", .init { request, _ in try give(request) })
  }

  /// Entries are told apart by their id, so that a repeated batch, with or without its
  /// `Idempotency-Key`, gets the same answer and charges nothing twice.
  private func take(_ request: HTTPRequest) async throws -> HTTPResponse {
    guard let tenantID = request.head.headers["X-Tenant-Id"] else {
      throw Problem(.invalidParameter, "X-Tenant-Id is missing.")
    }
    guard let list = try request.jsonObject()["activities"]?.array, list.count <= Self.batchMax
    else {
      throw Problem(
        .validationFailed, "activities is a list of at most \(Self.batchMax) entries.")
    }
    var entries: [Entry] = []
    for (index, value) in list.enumerated() {
      guard let entry = Self.entry(value, tenantID) else {
        throw Problem(
          .validationFailed, "An entry cannot be taken.",
          issues: [
            Problem.Issue(
              pointer: "/activities/\(index)", code: "invalid",
              detail: "id, tenantId, userId, operation, timestamp or creditCost is wrong")
          ])
      }
      entries.append(entry)
    }
    try await store(entries, tenantID)
    return .json((["accepted": .integer(entries.count)] as JSONValue).bytes)
  }

  private func store(_ entries: [Entry], _ tenantID: String) async throws {
    let now = directory.time.now()
    // Who sends whole batches sends so much that it would crowd out what readers must not miss.
    let isAnnounced = announces && entries.count <= Limits.announcedBatchEntriesMax
    try await directory.write { connection in
      try Directory.requireTenant(tenantID, connection)
      var units: Int64 = 0
      for entry in entries where try connection.run(Self.insertEntry, entry.values) > 0 {
        units += entry.units
        if isAnnounced {
          try Directory.announce(.activity(tenantID, entry.document), at: now, connection)
        }
      }
      if units > 0 { try Directory.deduct(units, tenantID, CreditDay(now), connection) }
    }
    if isAnnounced { directory.feed.ring() }
  }

  private static func entry(_ value: JSONValue, _ tenantID: String) -> Entry? {
    guard let id = value["id"]?.string, !id.isEmpty, value["tenantId"]?.string == tenantID,
      let userID = value["userId"]?.string, let operation = value["operation"]?.string,
      let timestamp = value["timestamp"]?.string.flatMap({ Timestamp(rfc3339: $0) })
    else { return nil }
    var units: Int64 = 0
    switch value["creditCost"] {
    case nil, .null: break
    case .number(let number)?:
      guard let cost = number.units(scale: 4), (0...Directory.amountUnitsMax).contains(cost)
      else { return nil }
      units = cost
    default: return nil
    }
    return Entry(
      id: id, units: units,
      values: [
        .text(tenantID), .text(id), .text(userID), .text(operation),
        SQLiteValue(value["entityId"]?.string), SQLiteValue(value["entityType"]?.string),
        .integer(units), .text(timestamp.rfc3339), SQLiteValue(value["sessionId"]?.string),
      ],
      document: [
        "id": .string(id), "tenantId": .string(tenantID), "userId": .string(userID),
        "operation": .string(operation), "entityId": JSONValue(value["entityId"]?.string),
        "entityType": JSONValue(value["entityType"]?.string),
        "creditCost": JSONValue(credits: units), "timestamp": .string(timestamp.rfc3339),
        "sessionId": JSONValue(value["sessionId"]?.string),
      ])
  }

  private func give(_ request: HTTPRequest) throws -> HTTPResponse {
    let query = try QueryItems(parsing: request.head.query)
    guard let tenantID = request.head.headers["X-Tenant-Id"] ?? query["tenantId"] else {
      throw Problem(.invalidParameter, "X-Tenant-Id is missing.")
    }
    guard let userID = query["userId"] else {
      throw Problem(.invalidParameter, "userId is missing.")
    }
    let limit = query["limit"].map { Int64($0) } ?? 50
    guard let limit, (1...Int64(Self.limitMax)).contains(limit) else {
      throw Problem(.invalidParameter, "limit is a number from 1 to \(Self.limitMax).")
    }
    guard let since = query["since"].map({ moment($0)?.rfc3339 }) ?? "" else {
      throw Problem(.invalidParameter, "since is an RFC 3339 time, or a period such as 7d.")
    }
    let last = "9999-12-31T23:59:59.999Z"
    guard let until = query["until"].map({ moment($0)?.rfc3339 }) ?? last else {
      throw Problem(.invalidParameter, "until is an RFC 3339 time, or a period such as 7d.")
    }
    // Details are not kept here, so that both answers are the same.
    guard ["true", "false"].contains(query["includeDetails"] ?? "true") else {
      throw Problem(.invalidParameter, "includeDetails is true or false.")
    }
    let entries = try directory.look { connection in
      try connection.all(
        Self.selectEntries,
        [.text(tenantID), .text(userID), .text(since), .text(until), .integer(limit)]
      ) { Self.json($0, tenantID: tenantID, userID: userID) }
    }
    return .json((["data": ["activities": .array(entries)]] as JSONValue).bytes)
  }

  /// A moment, or the one that lies the given minutes, hours, days or weeks back.
  private func moment(_ text: String) -> Timestamp? {
    let seconds: [Character: Int64] = ["m": 60, "h": 3600, "d": 86_400, "w": 604_800]
    guard let unit = text.last.flatMap({ seconds[$0] }) else { return Timestamp(rfc3339: text) }
    guard let count = Int64(text.dropLast()), (0...Self.periodUnitsMax).contains(count) else {
      return nil
    }
    return directory.time.now().advanced(byMilliseconds: -count * unit * 1000)
  }

  private static func json(
    _ row: borrowing Statement, tenantID: String, userID: String
  ) -> JSONValue {
    func text(_ column: Int) -> JSONValue { row.text(column).map { .string($0) } ?? .null }
    return [
      "id": text(0), "tenantId": .string(tenantID), "userId": .string(userID),
      "operation": text(1), "entityId": text(2), "entityType": text(3),
      "creditCost": .decimal(units: row.integer(4) ?? 0, scale: 4), "timestamp": text(5),
      "sessionId": text(6),
    ]
  }

  private static let insertEntry = """
    INSERT OR IGNORE INTO directory_activities (
      tenant_id, activity_id, user_id, operation, entity_id, entity_type, credit_units, timestamp,
      session_id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    """

  private static let selectEntries = """
    SELECT activity_id, operation, entity_id, entity_type, credit_units, timestamp, session_id
    FROM directory_activities
    WHERE tenant_id = ? AND user_id = ? AND timestamp >= ? AND timestamp < ?
    ORDER BY timestamp DESC, activity_id DESC
    LIMIT ?
    """
}
