internal import Database
public import HTTP
internal import JSON
internal import SQLite
public import Values

extension DealQuery {
  /// A forecast, read from its query string: a list's filters.
  ///
  /// - Throws: 400 `invalid_parameter` naming the parameter at fault.
  public static func forecast(
    _ items: QueryItems, _ deals: Resource, customFields: CustomFieldSet, tenantID: String,
    viewerID: String, now: Timestamp
  ) throws(Problem) -> (query: DealQuery, months: Int?) {
    let months = try Self.once("months", items).map(Self.months)
    let query = try DealQuery(
      QueryItems(items.items.filter { $0.name != "months" }), deals,
      refusing: ["sort", "cursor", "page", "pageSize", "limit", "count", "fields", "expand"],
      customFields: customFields, tenantID: tenantID, viewerID: viewerID, now: now)
    return (query, months)
  }

  private static func months(_ text: String) throws(Problem) -> Int {
    guard let number = Int(text), (1...Limits.forecastMonthsMax).contains(number) else {
      throw .invalidParameter(
        "months", "must be a whole number from 1 to \(Limits.forecastMonthsMax)", in: .value)
    }
    return number
  }
}

extension RecordStore {
  /// Open deals by the month in which they are expected to be decided, and won ones by the month in
  /// which they were: `{"data": [{"month", "count", "value", "weightedValue", …}]}`.
  ///
  /// - Parameters:
  ///   - months: How many months are shown, the present one first; nil for all that there are.
  /// - Throws: 404 when the query names a pipeline that does not exist; what the database throws.
  public func forecast(_ query: DealQuery, months: Int?, scope: RecordScope) throws -> [UInt8] {
    let list = try query.list(query.pipelineID.map { [("pipelineId", $0)] } ?? [])
    let shown = months.map { Self.months($0, from: time.now().day) }
    var entries: [String: ForecastMonth] = [:]
    try database.read { connection in
      if query.pipelineID != nil { _ = try query.pipeline(in: connection) }
      var rows = try query.rows(of: list, scope, in: connection)
      rows.sql = """
        SELECT substr(CASE t.status WHEN 'won' THEN t.closed_at ELSE t.expected_close_on END, 1, 7),
          t.status, t.currency, t.probability, count(*), \(CurrencySums.columns("t.value"))
        \(rows.sql) AND t.status IN ('open', 'won')
        GROUP BY 1, t.status, t.currency, t.probability
        """
      try connection.forEachRow(rows.sql, rows.values) { row in
        let month = row.text(0) ?? ""
        if let shown, !month.isEmpty, !shown.contains(month) { return }
        entries[month, default: ForecastMonth()].add(row)
      }
    }
    // What has no month stands last.
    let months = entries.keys.sorted().filter { !$0.isEmpty } + (entries[""] == nil ? [] : [""])
    let data = months.map { (entries[$0] ?? ForecastMonth()).json($0) }
    return JSONValue.object(JSONObject([("data", .array(data))])).bytes
  }

  private static func months(_ count: Int, from day: CalendarDay) -> Set<String> {
    let first = day.year * 12 + day.month - 1
    return Set(
      (first..<(first + count)).compactMap { month in
        CalendarDay(year: month / 12, month: month % 12 + 1, day: 1)
          .map { String($0.text.prefix(7)) }
      })
  }
}

/// What one month of a forecast comes to.
private struct ForecastMonth {
  var count: Int64 = 0
  var value = CurrencySums()
  var weightedValue = CurrencySums()
  var wonCount: Int64 = 0
  var wonValue = CurrencySums()

  /// Adds a row of the forecast's query.
  mutating func add(_ row: borrowing Statement) {
    let isWon = row.text(1) == "won"
    let number = row.integer(4) ?? 0
    if isWon { wonCount += number } else { count += number }
    guard let cents = CurrencySums.cents(row, at: 5) else { return }
    let currency = row.text(2) ?? ""
    if isWon {
      wonValue.add(cents, currency)
    } else {
      value.add(cents, currency)
      weightedValue.add(cents, currency, percent: row.integer(3) ?? 0)
    }
  }

  func json(_ month: String) -> JSONValue {
    [
      "month": month.isEmpty ? .null : .string(month), "count": .integer(count),
      "value": value.json, "weightedValue": weightedValue.json, "wonCount": .integer(wonCount),
      "wonValue": wonValue.json,
    ]
  }
}
