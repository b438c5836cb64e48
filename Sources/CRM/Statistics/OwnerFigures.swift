internal import JSON

/// What the records of one owner come to within a period.
struct OwnerFigures {
  var leadsCreated: Int64 = 0
  var leadsConverted: Int64 = 0
  var dealsWon: Int64 = 0
  var dealsLost: Int64 = 0
  var wonValue = CurrencySums()
  /// Of the deals won, from their creation on.
  var millisecondsToClose: Int64 = 0
  var interactions: Int64 = 0
  var tasksCompleted: Int64 = 0

  /// Adds decided deals.
  mutating func add(closed key: CounterReader.SumKey, _ measures: CounterMeasures) {
    guard key.grouping == "won" else {
      dealsLost += measures.records
      return
    }
    dealsWon += measures.records
    millisecondsToClose += measures.milliseconds
    wonValue.add(measures, of: key)
  }

  /// An element of `GET /api/stats/performance`.
  func json(userID: String, name: String?) -> JSONValue {
    [
      "userId": .string(userID), "name": name.map(JSONValue.string) ?? .null,
      "leadsCreated": .integer(leadsCreated), "leadsConverted": .integer(leadsConverted),
      "dealsWon": .integer(dealsWon), "dealsLost": .integer(dealsLost),
      "winRate": .ratio(dealsWon, of: dealsWon + dealsLost), "wonValue": wonValue.json,
      "averageDaysToClose": .averageDays(milliseconds: millisecondsToClose, count: dealsWon),
      "interactions": .integer(interactions), "tasksCompleted": .integer(tasksCompleted),
    ]
  }

  /// An element of the dashboard's `topOwners`.
  func topOwner(userID: String, name: String?) -> JSONValue {
    [
      "userId": .string(userID), "name": name.map(JSONValue.string) ?? .null,
      "wonCount": .integer(dealsWon), "wonValue": wonValue.json,
    ]
  }
}

extension [String: OwnerFigures] {
  /// By deals won, then by what they were worth in `currency`, the best first; then by id.
  func ranked(by currency: String) -> [Element] {
    sorted { left, right in
      let leftRank = (left.value.dealsWon, left.value.wonValue[currency])
      let rightRank = (right.value.dealsWon, right.value.wonValue[currency])
      return leftRank == rightRank ? left.key < right.key : leftRank > rightRank
    }
  }
}
