internal import Database
public import JSON
internal import SQLite
internal import Values

extension RecordStore {
  /// Owners in the dashboard's `topOwners`.
  private static let topOwnersMax = 10

  /// The figures of a dashboard, as far as `scope` reaches.
  ///
  /// - Parameters:
  ///   - reach: Whose entries of the activity log are shown.
  ///   - currency: The tenant's, which decides between owners of as many deals won.
  ///   - name: What a user is called.
  /// - Throws: what the database throws.
  public func dashboard(
    _ query: StatisticsQuery, tenantID: String, scope: RecordScope, reach: ActivityReach,
    currency: String, name: (_ userID: String) -> String?
  ) throws -> JSONValue {
    let reader = CounterReader(tenantID: tenantID, scope: scope, catalog: catalog)
    return try database.read { connection in
      let leads = try reader.sums(.newLeads, by: .grouping, in: query.period, connection)
      let closed = try reader.sums(
        .closedDeals, by: [.bucket, .owner, .grouping, .unit], in: query.period, connection)
      let converted = leads.filter { $0.key.grouping == "converted" }
      let won = closed.filter { $0.key.grouping == "won" }
      var owners: [String: OwnerFigures] = [:]
      for (key, measures) in won where !key.ownerID.isEmpty {
        owners[key.ownerID, default: OwnerFigures()].add(closed: key, measures)
      }
      return [
        "period": .string(query.name),
        "newContactsByDay": try Self.countsByDay(.newContacts, reader, query, connection),
        "newLeadsByDay": try Self.countsByDay(.newLeads, reader, query, connection),
        "wonByDay": Self.wonByDay(won, query),
        "pipeline": try Self.pipeline(reader, connection),
        "conversion": [
          "leadsToDeals": .ratio(Self.total(converted), of: Self.total(leads)),
          "dealsWon": .ratio(Self.total(won), of: Self.total(closed)),
        ],
        "overdueTasks": .integer(try Self.overdueTasks(reader, query.now, connection)),
        "topOwners": .array(
          owners.ranked(by: currency).prefix(Self.topOwnersMax).map {
            $0.value.topOwner(userID: $0.key, name: name($0.key))
          }),
        "recentActivity": try RecentActivity.read(
          tenantID: tenantID, reach: reach, seenBy: scope.userID, in: catalog, connection),
      ]
    }
  }

  /// `[{"date": "2026-01-31", "count": 3}]`, the oldest first; days without any are left out.
  private static func countsByDay(
    _ counter: Counter, _ reader: CounterReader, _ query: StatisticsQuery,
    _ connection: borrowing Connection
  ) throws(SQLiteError) -> JSONValue {
    var counts: [String: Int64] = [:]
    if let days = query.days {
      let numbers = try reader.counts(counter, of: days, in: query.period, connection)
      for (day, number) in zip(days, numbers) where number != 0 { counts[day.text] = number }
    } else {
      let sums = try reader.sums(counter, by: .bucket, in: query.period, connection)
      for (key, measures) in sums { counts[query.day(key), default: 0] += measures.records }
    }
    return .array(
      counts.sorted { $0.key < $1.key }.map {
        ["date": .string($0.key), "count": .integer($0.value)]
      }
    )
  }

  private static func wonByDay(
    _ sums: [CounterReader.SumKey: CounterMeasures], _ query: StatisticsQuery
  ) -> JSONValue {
    var days: [String: (count: Int64, value: CurrencySums)] = [:]
    for (key, measures) in sums {
      var day = days[query.day(key)] ?? (0, CurrencySums())
      day.count += measures.records
      day.value.add(measures, of: key)
      days[query.day(key)] = day
    }
    return .array(
      days.sorted { $0.key < $1.key }.map { date, day in
        ["date": .string(date), "count": .integer(day.count), "value": day.value.json]
      })
  }

  /// The open deals of each stage, as they are now.
  private static func pipeline(_ reader: CounterReader, _ connection: borrowing Connection)
    throws(SQLiteError) -> JSONValue
  {
    var columns: [PipelineStage.ID: [(CounterReader.SumKey, CounterMeasures)]] = [:]
    for (key, measures) in try reader.sums(.deals, by: [.grouping, .unit], connection)
    where key.groups[2] == "open" {
      columns[.init(key), default: []].append((key, measures))
    }
    let stages = try PipelineStage.all(tenantID: reader.tenantID, in: connection)
    return .array(
      PipelineStage.ordered(columns, by: stages).map { stage, sums in
        var value = CurrencySums()
        var weighted = CurrencySums()
        for (key, measures) in sums {
          value.add(measures, of: key)
          weighted.add(measures, of: key, percent: stage.probability)
        }
        return [
          "stage": .string(stage.id.stage), "name": .string(stage.name),
          "pipelineId": .string(stage.id.pipelineID),
          "count": .integer(sums.reduce(0) { $0 + $1.1.records }), "value": value.json,
          "weightedValue": weighted.json,
        ]
      })
  }
}

extension StatisticsQuery {
  /// The day of a sum's quarter of an hour: `2026-01-31`.
  fileprivate func day(_ key: CounterReader.SumKey) -> String {
    zone.day(of: CounterPeriod.start(of: key.bucket)).text
  }
}
