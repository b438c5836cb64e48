internal import JSON

/// What is summed of entries.
struct ActivityMeasure: Equatable {
  var entries: Int64 = 0
  /// In 1/10,000 credit.
  var creditUnits: Int64 = 0
  /// The timestamp of the newest; empty where that is not asked for.
  var latest = ""

  static func += (sum: inout ActivityMeasure, part: ActivityMeasure) {
    sum.entries += part.entries
    sum.creditUnits += part.creditUnits
    if part.latest > sum.latest { sum.latest = part.latest }
  }

  /// Takes entries away that were added with others; what is the newest stays.
  static func -= (sum: inout ActivityMeasure, part: ActivityMeasure) {
    sum.entries -= part.entries
    sum.creditUnits -= part.creditUnits
  }

  /// `"count": 3, "totalCredits": 0.3`, with the names that a report uses.
  func members(count: String = "count") -> [(String, JSONValue)] {
    [(count, .integer(entries)), ("totalCredits", .decimal(units: creditUnits, scale: 4))]
  }
}

/// What an entry did, and to what kind of thing.
struct ActivityDeed: Hashable {
  let operation: String
  /// Empty when none.
  let entityType: String
}

/// The sums of a report.
struct ActivitySums {
  /// By what was done.
  var deeds: [ActivityDeed: ActivityMeasure] = [:]
  /// By who did it.
  var users: [String: ActivityMeasure] = [:]
  /// By the number of an hour, day, week or month.
  var groups: [Int: ActivityMeasure] = [:]
  /// How many entries there are of each value.
  var facets: [ActivityFacet: [String: Int64]] = [:]

  /// What all entries come to.
  var total: ActivityMeasure {
    deeds.values.reduce(into: ActivityMeasure()) { $0 += $1 }
  }

  mutating func count(_ facet: ActivityFacet, _ value: String, _ entries: Int64) {
    facets[facet, default: [:]][value, default: 0] += entries
  }

  /// Adds one entry of the log, or takes away one that is in the sums.
  mutating func count(_ entry: LoggedEntry, isAdded: Bool, group: Int) {
    func change(_ sum: inout ActivityMeasure) {
      if isAdded { sum += entry.measure } else { sum -= entry.measure }
    }
    change(&deeds[entry.deed, default: ActivityMeasure()])
    change(&users[entry.userID, default: ActivityMeasure()])
    change(&groups[group, default: ActivityMeasure()])
    for (facet, value) in zip(ActivityFacet.allCases, entry.facets) {
      count(facet, value, isAdded ? 1 : -1)
    }
  }

  /// Leaves out what all entries were taken away of.
  mutating func tidy() {
    deeds = deeds.filter { $0.value.entries != 0 }
    users = users.filter { $0.value.entries != 0 }
    groups = groups.filter { $0.value.entries != 0 }
    facets = facets.mapValues { $0.filter { $0.value != 0 } }
  }
}

/// What a report needs of one entry.
struct LoggedEntry {
  let userID: String
  let deed: ActivityDeed
  let measure: ActivityMeasure
  /// In the order of ``ActivityFacet/allCases``.
  let facets: [String]
}
