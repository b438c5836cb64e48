internal import JSON

/// How sums of activity are told in JSON.
struct ActivityReport {
  let sums: ActivitySums
  let grouping: TimeGrouping

  /// `[{"operation", "count", "totalCredits", "latest"}]`, the most frequent first.
  var operationBreakdown: JSONValue {
    .array(
      Self.ranked(operations).map { operation, measure in
        .object(
          JSONObject(
            [("operation", .string(operation))] + measure.members()
              + [("latest", .string(measure.latest))]))
      })
  }

  /// `{operation: {"count", "totalCredits"}}`, the most frequent first.
  var operationSummary: JSONValue {
    .object(
      JSONObject(
        Self.ranked(operations).map { ($0.key, .object(JSONObject($0.value.members()))) }))
  }

  /// `{operation: count}`, the most frequent first.
  var countsByOperation: JSONValue {
    .object(JSONObject(Self.ranked(operations).map { ($0.key, .integer($0.value.entries)) }))
  }

  /// `[{"entityType", "count", "totalCredits"}]`, the most frequent first.
  var entityBreakdown: JSONValue {
    .array(
      Self.ranked(sum { $0.entityType }).map { type, measure in
        .object(
          JSONObject(
            [("entityType", type.isEmpty ? .null : .string(type))] + measure.members()))
      })
  }

  /// `[{"date", "count", "totalCredits"}]`, the oldest first; what has none is left out.
  var temporalBreakdown: JSONValue {
    .array(
      sums.groups.sorted { $0.key < $1.key }.map { number, measure in
        .object(
          JSONObject([("date", .string(grouping.text(number)))] + measure.members()))
      })
  }

  /// `{date: count}`, the oldest first.
  var countsByTime: JSONValue {
    .object(
      JSONObject(
        sums.groups.sorted { $0.key < $1.key }.map {
          (grouping.text($0.key), .integer($0.value.entries))
        }))
  }

  /// Where and how people worked.
  var complianceSummary: JSONValue {
    [
      "uniqueUsers": .integer(sums.users.count),
      "totalOperations": .integer(sums.total.entries),
      "operationsByLocation": counts(.location),
      "authenticationMethods": counts(.method),
      "ipAddresses": .integer(sums.facets[.address]?.count ?? 0),
    ]
  }

  /// The most active first.
  var users: [(key: String, value: ActivityMeasure)] { Self.ranked(sums.users) }

  private var operations: [String: ActivityMeasure] { sum { $0.operation } }

  private func sum(by key: (ActivityDeed) -> String) -> [String: ActivityMeasure] {
    sums.deeds.reduce(into: [:]) { $0[key($1.key), default: ActivityMeasure()] += $1.value }
  }

  private func counts(_ facet: ActivityFacet) -> JSONValue {
    .object(
      JSONObject(
        (sums.facets[facet] ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, .integer($0.value)) }
      ))
  }

  private static func ranked(
    _ sums: [String: ActivityMeasure]
  ) -> [(key: String, value: ActivityMeasure)] {
    sums.sorted { ($1.value.entries, $0.key) < ($0.value.entries, $1.key) }
  }
}
