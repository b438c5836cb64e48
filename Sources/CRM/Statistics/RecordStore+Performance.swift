internal import Database
public import JSON
internal import SQLite

/// What each owner brought about.
public struct PerformanceStatistics: Sendable {
  /// One element per owner, the one with the most deals won first.
  public let owners: JSONValue
  /// One element per stage that deals left, in the order of the pipelines.
  public let averageTimeInStage: JSONValue
}

extension RecordStore {
  /// What came of the records of each owner within a period, as far as `scope` reaches.
  ///
  /// - Parameters:
  ///   - currency: The tenant's, which decides between owners of as many deals won.
  ///   - name: What a user is called.
  /// - Throws: what the database throws.
  public func performance(
    _ query: StatisticsQuery, tenantID: String, scope: RecordScope, currency: String,
    name: (_ userID: String) -> String?
  ) throws -> PerformanceStatistics {
    let reader = CounterReader(tenantID: tenantID, scope: scope, catalog: catalog)
    return try database.read { connection in
      let figures = try Self.figures(reader, query.period, connection)
      let stages = try PipelineStage.all(tenantID: tenantID, in: connection)
      var stays: [PipelineStage.ID: CounterMeasures] = [:]
      for (key, measures) in try reader.sums(
        StageStays.counter, by: .grouping, in: query.period, connection)
      {
        stays[.init(key), default: .zero] += measures
      }
      return PerformanceStatistics(
        owners: .array(
          figures.ranked(by: currency).map { $0.value.json(userID: $0.key, name: name($0.key)) }),
        averageTimeInStage: .array(
          PipelineStage.ordered(stays, by: stages).map { stage, stay in
            [
              "stage": .string(stage.id.stage), "name": .string(stage.name),
              "pipelineId": .string(stage.id.pipelineID),
              "days": .averageDays(milliseconds: stay.milliseconds, count: stay.records),
            ]
          }))
    }
  }

  /// By owner; what nobody owns is left out.
  private static func figures(
    _ reader: CounterReader, _ period: CounterPeriod, _ connection: borrowing Connection
  ) throws(SQLiteError) -> [String: OwnerFigures] {
    var figures: [String: OwnerFigures] = [:]
    for (key, measures) in try reader.sums(.newLeads, by: .owner, in: period, connection) {
      figures[key.ownerID, default: OwnerFigures()].leadsCreated += measures.records
    }
    for (key, measures) in try reader.sums(.convertedLeads, by: .owner, in: period, connection) {
      figures[key.ownerID, default: OwnerFigures()].leadsConverted += measures.records
    }
    for (key, measures) in try reader.sums(
      .closedDeals, by: [.owner, .grouping, .unit], in: period, connection)
    {
      figures[key.ownerID, default: OwnerFigures()].add(closed: key, measures)
    }
    for (key, measures) in try reader.sums(
      .completedInteractions, by: .owner, in: period, connection)
    {
      figures[key.ownerID, default: OwnerFigures()].interactions += measures.records
    }
    for (key, measures) in try reader.sums(
      .completedTasks, by: [.owner, .grouping], in: period, connection)
    {
      // Who a task was assigned to did it.
      let userID = key.grouping.isEmpty ? key.ownerID : key.grouping
      figures[userID, default: OwnerFigures()].tasksCompleted += measures.records
    }
    figures[""] = nil
    return figures
  }
}
