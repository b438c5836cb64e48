internal import SQLite
internal import Values

/// How long deals stayed in their stages: counted by when they left it, whose the deal is now.
enum StageStays {
  static let counter = Counter("deals.stays", by: ["pipelineId", "stage"], at: "leftAt")

  /// One stay that is over.
  private struct Stay {
    let grouping: String
    let enteredAt: Timestamp
    let leftAt: Timestamp

    init?(_ row: borrowing Statement) {
      guard let enteredAt = row.text(2).flatMap(Timestamp.init(rfc3339:)),
        let leftAt = row.text(3).flatMap(Timestamp.init(rfc3339:))
      else { return nil }
      grouping = "\(row.text(0) ?? "")/\(row.text(1) ?? "")"
      self.enteredAt = enteredAt
      self.leftAt = leftAt
    }

    func count(
      _ sign: CounterSign, of people: CountedPeople, in changes: inout CounterChanges
    ) {
      changes.add(
        CounterMeasures(milliseconds: CountedFields.span(from: enteredAt, to: leftAt)),
        sign: sign, counter: counter.name, bucket: CounterPeriod.bucket(of: leftAt),
        grouping: grouping, unit: "", of: people)
    }
  }

  /// Counts the stays of a deal that has changed, after its move from one stage to another was
  /// kept.
  static func recount(
    from before: Record?, to after: Record?, in changes: inout CounterChanges,
    _ connection: borrowing Connection
  ) throws(SQLiteError) {
    guard let deal = after ?? before else { return }
    let old = before.map { CountedPeople($0, $0.resource) }
    let new = after.map { CountedPeople($0, $0.resource) }
    var hasMoved = false
    if let before, let after {
      hasMoved = before["stage"] != after["stage"] || before["pipelineId"] != after["pipelineId"]
    } else if before == nil, deal.version == 1 {
      // A new deal has not been anywhere yet.
      return
    }
    guard hasMoved || old != new else { return }
    // Whose the deal is has not changed mostly: only the stay that just ended is counted then.
    let stays = try stays(of: deal, newestOnly: old == new, connection)
    for (place, stay) in stays.enumerated() {
      let hasJustEnded = hasMoved && place == 0
      if let old, !hasJustEnded { stay.count(.removed, of: old, in: &changes) }
      if let new { stay.count(.added, of: new, in: &changes) }
    }
  }

  /// The newest first.
  private static func stays(
    of deal: Record, newestOnly: Bool, _ connection: borrowing Connection
  ) throws(SQLiteError) -> [Stay] {
    try connection.all(
      """
      SELECT pipeline_id, stage, entered_at, left_at FROM deal_stage_moves
      WHERE tenant_id = ? AND deal_id = ? AND left_at IS NOT NULL
      ORDER BY n DESC\(newestOnly ? " LIMIT 1" : "")
      """, [deal["tenantId"], deal["id"]]
    ) { Stay($0) }.compactMap { $0 }
  }

  /// Calls `body` with what each stay adds that ended in `edge`, of deals that `scope` reaches.
  static func forEach(
    in edge: CounterPeriod.Edge, tenantID: String, scope: RecordScope, deals: Resource,
    _ connection: borrowing Connection, _ body: (CounterChanges) -> Void
  ) throws(SQLiteError) {
    let predicate = scope.predicate(deals)
    try connection.forEachRow(
      """
      SELECT m.pipeline_id, m.stage, m.entered_at, m.left_at, \(deals.columns)
      FROM deal_stage_moves AS m
      JOIN deals AS t ON t.tenant_id = m.tenant_id AND t.id = m.deal_id
      WHERE m.tenant_id = ? AND m.left_at >= ? AND m.left_at < ? AND t.deleted_at IS NULL
        \(predicate.sql)
      """,
      [.text(tenantID), .text(edge.start.rfc3339), .text(edge.end.rfc3339)] + predicate.values
    ) { row throws(SQLiteError) in
      guard let stay = Stay(row) else { return }
      let deal = Record(deals, row: row, from: 4)
      var changes = CounterChanges()
      stay.count(.added, of: CountedPeople(deal, deals), in: &changes)
      body(changes)
    }
  }
}
