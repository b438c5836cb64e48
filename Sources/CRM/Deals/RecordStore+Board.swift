internal import Database
public import HTTP
internal import JSON
internal import SQLite
public import Values

extension DealQuery {
  /// A board, read from its query string: a list's filters, `fields`, and `limit` for the cards of
  /// each column.
  ///
  /// - Throws: 400 `invalid_parameter` naming the parameter at fault.
  public static func board(
    _ items: QueryItems, _ deals: Resource, customFields: CustomFieldSet, tenantID: String,
    viewerID: String, now: Timestamp
  ) throws(Problem) -> DealQuery {
    try DealQuery(
      items, deals,
      refusing: ["sort", "cursor", "page", "pageSize", "count", "expand", "stage"],
      customFields: customFields, tenantID: tenantID, viewerID: viewerID, now: now)
  }

  /// The list of a column's cards, which goes on behind `nextCursor` when it is asked for so.
  fileprivate func column(_ stage: Stage, of pipeline: Pipeline) throws(Problem) -> ListQuery {
    try list([
      ("pipelineId", pipeline.id), ("stage", stage.id), ("sort", "position,-createdAt"),
    ])
  }
}

extension RecordStore {
  /// The deals of a pipeline by stage: `{"data": {"pipelineId", "name", "columns": […]}}`.
  ///
  /// Counts and sums are those of all deals of a column, however few of its cards are shown.
  ///
  /// - Throws: 404 when there is no such pipeline, 400; what the database throws.
  public func board(_ query: DealQuery, scope: RecordScope) throws -> [UInt8] {
    try database.read { connection in
      let pipeline = try query.pipeline(in: connection)
      let rows = try query.rows(
        of: query.list([("pipelineId", pipeline.id)]), scope, in: connection)
      let totals = try Self.totals(of: pipeline, rows, connection)
      var writer = JSONWriter(capacity: 32 * 1024)
      writer.beginObject()
      writer.name("data")
      writer.beginObject()
      writer.member("pipelineId", pipeline.id)
      writer.member("name", pipeline.name)
      writer.name("columns")
      writer.beginArray()
      for stage in pipeline.stages {
        let total = totals[stage.id] ?? BoardTotal()
        writer.beginObject()
        writer.member("stage", stage.id)
        writer.member("name", stage.name)
        writer.member("probability", .integer(stage.probability))
        writer.member("kind", stage.kind.rawValue)
        writer.member("count", .integer(total.count))
        writer.member("value", total.value.json)
        writer.member("weightedValue", total.weightedValue.json)
        var column = rows
        column.append(SQLFragment(" AND t.stage = ?", [.text(stage.id)]))
        let next = try Self.write(
          query.column(stage, of: pipeline), column, now: time.now(), to: &writer, connection)
        writer.member("nextCursor", next)
        writer.endObject()
      }
      writer.endArray()
      writer.endObject()
      writer.endObject()
      return writer.bytes
    }
  }

  /// What the deals of one column come to.
  private struct BoardTotal {
    var count: Int64 = 0
    var value = CurrencySums()
    var weightedValue = CurrencySums()
  }

  private static func totals(
    of pipeline: Pipeline, _ rows: SQLFragment, _ connection: borrowing Connection
  ) throws(SQLiteError) -> [String: BoardTotal] {
    let probabilities = pipeline.stages.map { ($0.id, $0.probability) }
    let percents = Dictionary(probabilities) { first, _ in first }
    var totals: [String: BoardTotal] = [:]
    try connection.forEachRow(
      """
      SELECT t.stage, t.currency, count(*), \(CurrencySums.columns("t.value"))
      \(rows.sql) GROUP BY t.stage, t.currency
      """, rows.values
    ) { row in
      let stage = row.text(0) ?? ""
      var total = totals[stage] ?? BoardTotal()
      total.count += row.integer(2) ?? 0
      if let cents = CurrencySums.cents(row, at: 3) {
        let currency = row.text(1) ?? ""
        total.value.add(cents, currency)
        total.weightedValue.add(cents, currency, percent: percents[stage] ?? 0)
      }
      totals[stage] = total
    }
    return totals
  }

  /// Writes `"cards": […]`, the first of `rows`; gives the cursor behind them, nil when these are
  /// all.
  private static func write(
    _ cards: ListQuery, _ rows: SQLFragment, now: Timestamp, to writer: inout JSONWriter,
    _ connection: borrowing Connection
  ) throws(SQLiteError) -> String? {
    let deals = cards.resource
    let layout = cards.places.map(deals.layout(of:)) ?? deals.layout
    let changedAt = deals.commonPlace("stageChangedAt")
    let keys = cards.sort.keys.map(\.expression).joined(separator: ", ")
    var count = 0
    var next: String?
    var output = JSONWriter(capacity: 0)
    swap(&output, &writer)
    output.name("cards")
    output.beginArray()
    try connection.forEachRow(
      """
      SELECT \(deals.columns), \(keys) \(rows.sql) ORDER BY \(cards.sort.sql) LIMIT ?
      """, rows.values + [.integer(Int64(cards.limit + 1))]
    ) { row throws(SQLiteError) in
      count += 1
      guard count <= cards.limit else { return }
      output.beginObject()
      row.appendJSONMembers(layout, to: &output)
      output.name("daysInStage")
      output.integer(Timestamp.days(from: row.text(changedAt), to: now))
      output.endObject()
      if count == cards.limit { next = cards.cursor(behind: row) }
    }
    output.endArray()
    swap(&output, &writer)
    return count > cards.limit ? next : nil
  }
}

extension Timestamp {
  /// Whole days from a stored moment until `now`; 0 where it lies ahead.
  fileprivate static func days(from text: String?, to now: Timestamp) -> Int64 {
    guard let start = text.flatMap(Timestamp.init(rfc3339:)) else { return 0 }
    return max(0, now.milliseconds - start.milliseconds) / 86_400_000
  }
}
