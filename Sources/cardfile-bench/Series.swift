/// What one measurement gave in each round.
struct Series {
  let name: String
  var perSecond: [Double] = []
  /// Milliseconds.
  var median: [Double] = []
  var percentile99: [Double] = []
  /// Microseconds of the server's processor time for a request.
  var processor: [Double] = []
  /// Megabytes of the server's memory after the run.
  var resident: [Double] = []
  var failures = 0

  init(_ name: String) {
    self.name = name
  }

  mutating func add(_ result: LoadResult) {
    perSecond.append(result.requestsPerSecond)
    median.append(result.median)
    percentile99.append(result.percentile99)
    failures += result.failures
  }

  /// The median over the rounds of this rate divided by the other of the same round: noise that
  /// lasts longer than a round falls out.
  func ratio(to other: Series) -> Double {
    Statistics.median(zip(perSecond, other.perSecond).map { $0 / $1 })
  }
}

/// What several rounds come to.
enum Statistics {
  /// The middle value, or the mean of the two in the middle; not a number when there is none.
  static func median(_ values: [Double]) -> Double {
    guard !values.isEmpty else { return .nan }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    guard sorted.count.isMultiple(of: 2) else { return sorted[middle] }
    return (sorted[middle - 1] + sorted[middle]) / 2
  }
}
