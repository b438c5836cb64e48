internal import JSON
internal import SQLite
internal import Values

/// Whose entries a report sums.
public enum ActivitySubject: Sendable, Equatable {
  /// Everybody's.
  case tenant
  /// Those that were made in these units.
  case units([String])
  /// Those of these users, in these units where some are named.
  case users([String], units: [String]?)
}

/// Reads the sums of a period: from blocks where there are some, from quarters at its ends, and
/// from the log itself in the quarters in which it begins and ends.
struct ActivityReader {
  let tenantID: String
  let subject: ActivitySubject
  let period: Range<Timestamp>
  let grouping: TimeGrouping
  let zone: LocalTime

  /// How a period is put together.
  struct Parts {
    /// The groups of all its quarters.
    let groups: GroupedQuarters
    /// Whole quarters, but those of blocks.
    var quarters: [Range<Int64>] = []
    /// Blocks, by their length.
    var blocks: [(span: Int64, quarters: Range<Int64>)] = []
    /// What all blocks cover.
    var closed: Range<Int64> = 0..<0
    /// Parts of quarters: in the period and not in the sums, or the other way round.
    var edges: [(time: Range<Timestamp>, isAdded: Bool)] = []
  }

  /// The sums of the period.
  func sums(_ connection: borrowing Connection) throws(SQLiteError) -> ActivitySums {
    var sums = ActivitySums()
    guard let parts = try parts(connection) else { return sums }
    try readQuarters(parts, into: &sums, connection)
    if !parts.closed.isEmpty {
      try readBlocks(parts, into: &sums, connection)
      try readTotals(parts, into: &sums, connection)
    }
    for edge in parts.edges {
      try forEachEntry(in: edge.time, connection) { bucket, entry in
        sums.count(entry, isAdded: edge.isAdded, group: parts.groups.number(of: bucket))
      }
    }
    sums.tidy()
    return sums
  }

  /// The scope of blocks, and whose they are.
  var scope: (ActivityBlocks.Scope, ids: [String]) {
    switch subject {
    case .tenant: (.tenant, [""])
    case .units(let ids): (.unit, ids)
    case .users(let ids, _): (.user, ids)
    }
  }

  // MARK: Parts

  /// Nil where the period has no entries.
  private func parts(_ connection: borrowing Connection) throws(SQLiteError) -> Parts? {
    guard let known = try knownQuarters(connection) else { return nil }
    // There is nothing before the first entry and after the last.
    let since = max(period.lowerBound, CounterPeriod.start(of: known.lowerBound))
    let until = min(period.upperBound, CounterPeriod.start(of: known.upperBound))
    guard since < until else { return nil }
    let first = CounterPeriod.bucket(of: since)
    let last = CounterPeriod.bucket(of: until.advanced(byMilliseconds: -1))
    var parts = Parts(groups: GroupedQuarters(first..<last + 1, by: grouping, in: zone))
    let (start, end) = (CounterPeriod.start(of: first), CounterPeriod.start(of: last + 1))
    var (from, to) = (first, last + 1)
    if first == last, since > start || until < end {
      parts.edges = [(since..<until, true)]
      return parts
    }
    if since > start {
      // Whichever part of the quarter is shorter.
      let next = CounterPeriod.start(of: first + 1)
      let isAdded = next.milliseconds - since.milliseconds < since.milliseconds - start.milliseconds
      parts.edges.append((isAdded ? since..<next : start..<since, isAdded))
      if isAdded { from += 1 }
    }
    if until < end, try hasEntries(in: until..<end, connection) {
      // The newest entry of each sum is asked for, which cannot be taken away.
      to -= 1
      parts.edges.append((CounterPeriod.start(of: to)..<until, true))
    }
    let closed = try ActivityBlocks.closed(tenantID, in: connection) ?? from..<from
    cover(from..<max(from, to), closed, &parts)
    return parts
  }

  /// The quarters between the first and the last that have entries.
  private func knownQuarters(
    _ connection: borrowing Connection
  ) throws(SQLiteError) -> Range<Int64>? {
    func end(_ order: String) throws(SQLiteError) -> Int64? {
      try connection.first(
        "SELECT bucket FROM activity_rollups WHERE tenant_id = ? ORDER BY bucket \(order) LIMIT 1",
        [.text(tenantID)]
      ) { $0.integer(0) ?? 0 }
    }
    guard let first = try end("ASC"), let last = try end("DESC") else { return nil }
    return first..<last + 1
  }

  private func hasEntries(
    in time: Range<Timestamp>, _ connection: borrowing Connection
  ) throws(SQLiteError) -> Bool {
    try connection.first(
      """
      SELECT 1 FROM crm_activities AS a
      WHERE a.tenant_id = ? AND a.timestamp >= ? AND a.timestamp < ? LIMIT 1
      """,
      [.text(tenantID), .text(time.lowerBound.rfc3339), .text(time.upperBound.rfc3339)]
    ) { _ in true } ?? false
  }

  /// Covers whole quarters with blocks as long as there are.
  private func cover(_ quarters: Range<Int64>, _ closed: Range<Int64>, _ parts: inout Parts) {
    guard !quarters.isEmpty else { return }
    func inner(_ quarters: Range<Int64>, _ span: Int64) -> Range<Int64>? {
      let from = -ActivityBlocks.start(of: -quarters.lowerBound, span: span)
      let to = ActivityBlocks.start(of: quarters.upperBound, span: span)
      return from < to ? from..<to : nil
    }
    let past = quarters.clamped(to: closed)
    guard !past.isEmpty, let blocks = inner(past, scope.0.spans[0]) else {
      parts.quarters = [quarters]
      return
    }
    parts.closed = blocks
    parts.quarters = [
      quarters.lowerBound..<blocks.lowerBound, blocks.upperBound..<quarters.upperBound,
    ].filter { !$0.isEmpty }
    var open = [blocks]
    for span in scope.0.spans.reversed() {
      var rest: [Range<Int64>] = []
      for range in open {
        guard let covered = inner(range, span) else {
          rest.append(range)
          continue
        }
        parts.blocks.append((span, covered))
        rest += [
          range.lowerBound..<covered.lowerBound, covered.upperBound..<range.upperBound,
        ].filter { !$0.isEmpty }
      }
      open = rest
    }
  }
}
