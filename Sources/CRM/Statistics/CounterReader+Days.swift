internal import JSON
internal import SQLite
internal import Values

extension CounterReader {
  /// How many records `counter` counts in each of `days`, of `period`.
  func counts(
    _ counter: Counter, of days: [StatisticsQuery.Day], in period: CounterPeriod,
    _ connection: borrowing Connection
  ) throws(SQLiteError) -> [Int64] {
    var counts = Array(repeating: Int64(0), count: days.count)
    for part in rows {
      if reachesAll {
        try add(counter, part, to: &counts, of: days, connection)
      } else {
        try addRows(counter, part, to: &counts, of: days, connection)
      }
    }
    for edge in period.edges {
      try forEach(in: edge, counter, connection) { changes in
        for (key, measures) in changes.rows
        where key.counter == counter.name && key.userID.isEmpty {
          guard let place = days.firstIndex(where: { $0.buckets.contains(key.bucket) }) else {
            continue
          }
          counts[place] -= measures.records
        }
      }
    }
    return counts
  }

  /// Lets SQLite add up each day: of everybody's quarters of an hour there are too many.
  private func add(
    _ counter: Counter, _ part: SQLFragment, to counts: inout [Int64],
    of days: [StatisticsQuery.Day], _ connection: borrowing Connection
  ) throws(SQLiteError) {
    let bounds = JSONValue.array(
      days.map { [.integer($0.buckets.lowerBound), .integer($0.buckets.upperBound)] })
    var place = 0
    try connection.forEachRow(
      """
      SELECT (
        SELECT sum(c.records) FROM record_counters AS c
        WHERE c.tenant_id = ? AND c.counter = ? AND \(part.sql)
          AND c.bucket >= json_extract(d.value, '$[0]')
          AND c.bucket < json_extract(d.value, '$[1]'))
      FROM json_each(?) AS d ORDER BY d.key
      """,
      [.text(tenantID), .text(counter.name)] + part.values + [.text(bounds.text)]
    ) { row throws(SQLiteError) in
      counts[place] += row.integer(0) ?? 0
      place += 1
    }
  }

  /// Reads the quarters of a few owners, which an index has side by side.
  private func addRows(
    _ counter: Counter, _ part: SQLFragment, to counts: inout [Int64],
    of days: [StatisticsQuery.Day], _ connection: borrowing Connection
  ) throws(SQLiteError) {
    guard let first = days.first?.buckets.lowerBound, let last = days.last?.buckets.upperBound
    else { return }
    var place = 0
    try connection.forEachRow(
      """
      SELECT c.bucket, c.records FROM record_counters AS c
      WHERE c.tenant_id = ? AND c.counter = ? AND \(part.sql) AND c.bucket >= ? AND c.bucket < ?
      """,
      [.text(tenantID), .text(counter.name)] + part.values + [.integer(first), .integer(last)]
    ) { row throws(SQLiteError) in
      let bucket = row.integer(0) ?? 0
      // An owner's quarters come in their order; the next owner begins in front again.
      if bucket < days[place].buckets.lowerBound { place = 0 }
      while bucket >= days[place].buckets.upperBound { place += 1 }
      counts[place] += row.integer(1) ?? 0
    }
  }
}

extension StatisticsQuery {
  /// A day of the zone, in quarters of an hour.
  struct Day {
    let text: String
    let buckets: Range<Int64>
  }

  /// Of a period with more days, each quarter that counts something is looked at.
  private static let daysMax = 4000
  private static let bucketsPerDay: Int64 = 96

  /// The days of the period, the first and the last as far as they lie in it; nil when they are
  /// too many.
  var days: [Day]? {
    let buckets = period.buckets
    // A period without a beginning reaches back further than numbers can be subtracted.
    let (count, isTooLong) = buckets.upperBound.subtractingReportingOverflow(buckets.lowerBound)
    guard !isTooLong, count <= Int64(Self.daysMax) * Self.bucketsPerDay else { return nil }
    var days: [Day] = []
    var first = buckets.lowerBound
    while first < buckets.upperBound {
      let day = day(first)
      let next = min(self.end(of: day, from: first), buckets.upperBound)
      days.append(Day(text: day.text, buckets: first..<next))
      first = next
    }
    return days
  }

  /// The first quarter behind `first` that lies in another day.
  private func end(of day: CalendarDay, from first: Int64) -> Int64 {
    // Most days end so long after they began; a clock that is set makes others.
    let usual = first + Self.bucketsPerDay
    if self.day(usual) != day, self.day(usual - 1) == day { return usual }
    var (inside, outside) = (first, first + 2 * Self.bucketsPerDay)
    while outside - inside > 1 {
      let middle = inside + (outside - inside) / 2
      if self.day(middle) == day { inside = middle } else { outside = middle }
    }
    return outside
  }

  private func day(_ bucket: Int64) -> CalendarDay {
    zone.day(of: CounterPeriod.start(of: bucket))
  }
}
