internal import JSON
internal import SQLite
internal import Values

/// What one look at the feed finds.
struct FeedPage: Sendable {
  var events: [JSONValue] = []
  /// Where the next look begins.
  var cursor: FeedCursor
  /// Whether the reader's place is lost: it takes a snapshot and goes on from ``cursor``.
  var isReset = false
  /// Whether there may be more behind ``cursor``.
  var hasMore = false
}

extension Directory {
  /// Puts an event on the feed, in the transaction of what it tells of.
  static func announce(
    _ event: DirectoryEvent, at now: Timestamp, _ connection: borrowing Connection
  ) throws {
    let number = try connection.first(
      """
      INSERT INTO directory_events (tenant_id, channel, event_type, data, created_at)
      VALUES (?, ?, ?, ?, ?)
      RETURNING n
      """,
      [
        .text(event.tenantID), .text(event.channel.rawValue), .text(event.channel.eventType),
        .text(JSONValue.object(event.data).text), .text(now.rfc3339),
      ]
    ) { $0.integer(0) ?? 0 }
    try forgetEvents(newest: number ?? 0, now, connection)
  }

  /// Takes away what is too much or too old, from the front without a gap.
  private static func forgetEvents(
    newest: Int64, _ now: Timestamp, _ connection: borrowing Connection
  ) throws {
    try connection.run(
      "DELETE FROM directory_events WHERE n <= ?", [.integer(newest - Limits.eventsMax)])
    let kept = now.advanced(byMilliseconds: -Limits.eventsKeptDays * 86_400_000).rfc3339
    let oldest = try connection.first(
      "SELECT created_at FROM directory_events ORDER BY n LIMIT 1"
    ) { $0.text(0) ?? "" }
    guard let oldest, oldest < kept else { return }
    // Up to the first young one: with a clock that jumped an old row may stand behind a young one.
    try connection.run(
      """
      DELETE FROM directory_events
      WHERE n < (
        SELECT coalesce(min(n) FILTER (WHERE created_at >= ?1), max(n))
        FROM (SELECT n, created_at FROM directory_events ORDER BY n LIMIT ?2)
      )
      """,
      [.text(kept), .integer(Limits.eventsForgottenAtOnceMax)])
  }

  /// The events behind `cursor` in `channels`; without a cursor none, and the newest place.
  ///
  /// - Parameter cursor: The place as the reader says it, which may be no place of this feed.
  func events(
    after cursor: String?, in channels: FeedChannels
  ) throws(DirectoryError) -> FeedPage {
    try look { connection in
      let newest =
        try connection.first(
          "SELECT n, created_at FROM directory_events ORDER BY n DESC LIMIT 1"
        ) { FeedCursor(number: $0.integer(0) ?? 0, createdAt: $0.text(1) ?? "") } ?? .start
      guard let cursor else { return FeedPage(cursor: newest) }
      guard let place = FeedCursor(cursor), try Self.isKept(place, connection) else {
        return FeedPage(cursor: newest, isReset: true)
      }
      if place == newest { return FeedPage(cursor: newest) }
      let numbers = try Self.numbers(after: place.number, channels, connection)
      return try Self.page(numbers, channels, newest: newest, connection)
    }
  }

  /// Whether nothing behind the place was taken away, and the place is one of this history.
  private static func isKept(
    _ place: FeedCursor, _ connection: borrowing Connection
  ) throws -> Bool {
    if place == .start {
      let oldest = try connection.first("SELECT min(n) FROM directory_events") { $0.integer(0) }
      return (oldest ?? nil).map { $0 == 1 } ?? true
    }
    let found = try connection.first(
      "SELECT created_at FROM directory_events WHERE n = ?", [.integer(place.number)]
    ) { FeedCursor(number: place.number, createdAt: $0.text(0) ?? "") }
    return found == place
  }

  private struct EventRow {
    var cursor: FeedCursor
    var tenantID: String
    var channel: String
    var type: String
    var data: String

    init(_ row: borrowing Statement) {
      cursor = FeedCursor(number: row.integer(0) ?? 0, createdAt: row.text(1) ?? "")
      tenantID = row.text(2) ?? ""
      channel = row.text(3) ?? ""
      type = row.text(4) ?? ""
      data = row.text(5) ?? "{}"
    }
  }

  /// The events of one answer, and the one behind them, by number; of the wanted tenants, whatever
  /// their channels.
  private static func numbers(
    after number: Int64, _ channels: FeedChannels, _ connection: borrowing Connection
  ) throws -> ArraySlice<Int64> {
    let count = Limits.eventsPerAnswerMax + 1
    switch channels {
    case .all:
      return try connection.all(
        "SELECT n FROM directory_events WHERE n > ? ORDER BY n LIMIT ?",
        [.integer(number), .integer(count)]
      ) { $0.integer(0) ?? 0 }[...]
    case .tenants(let tenants):
      var numbers: [Int64] = []
      for tenantID in tenants.keys {
        numbers += try connection.all(
          "SELECT n FROM directory_events WHERE tenant_id = ? AND n > ? ORDER BY n LIMIT ?",
          [.text(tenantID), .integer(number), .integer(count)]
        ) { $0.integer(0) ?? 0 }
      }
      return numbers.sorted().prefix(count)
    }
  }

  /// As many of the events as one answer may hold; those of other channels count too, so that one
  /// look costs no more than an answer is worth.
  private static func page(
    _ numbers: ArraySlice<Int64>, _ channels: FeedChannels, newest: FeedCursor,
    _ connection: borrowing Connection
  ) throws -> FeedPage {
    var page = FeedPage(cursor: newest)
    var last: FeedCursor?
    var bytes = 0
    for (index, number) in numbers.enumerated() {
      guard let row = try connection.first(selectEvent, [.integer(number)], { EventRow($0) })
      else { continue }
      bytes += row.data.utf8.count
      if let last,
        index == Limits.eventsPerAnswerMax || bytes > Limits.eventBytesPerAnswerMax
      {
        page.cursor = last
        page.hasMore = true
        break
      }
      last = row.cursor
      guard let channel = DirectoryEvent.Channel(rawValue: row.channel),
        channels.contains(channel, of: row.tenantID)
      else { continue }
      page.events.append([
        "id": .string(row.cursor.text), "channel": .string("crm:\(row.tenantID):\(row.channel)"),
        "eventType": .string(row.type), "data": .object(object(row.data)),
      ])
    }
    return page
  }

  private static let selectEvent = """
    SELECT n, created_at, tenant_id, channel, event_type, data FROM directory_events WHERE n = ?
    """
}
