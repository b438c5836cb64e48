internal import HTTP
internal import Synchronization

/// How many requests each route answered with which status, and how long they took.
///
/// Routes are the patterns of the router, so that their number is bounded whatever clients send.
final class RequestMetrics: Sendable {
  /// The name that stands for requests which no route matched.
  static let unmatched = "unmatched"

  /// The upper bounds of the histogram's buckets, in microseconds; the last bucket has none.
  static let boundsMicroseconds: [UInt64] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000,
  ]

  struct Route: Hashable, Comparable, Sendable {
    var method: String
    var pattern: String

    static func < (left: Route, right: Route) -> Bool {
      (left.pattern, left.method) < (right.pattern, right.method)
    }
  }

  struct Series: Sendable {
    /// Requests by status.
    var statuses: [Int: Int] = [:]
    /// Requests by bucket, each counted in one bucket only.
    var buckets = [Int](repeating: 0, count: boundsMicroseconds.count + 1)
    var totalNanoseconds: UInt64 = 0

    var count: Int { buckets.reduce(0, +) }

    fileprivate mutating func add(status: Int, nanoseconds: UInt64) {
      statuses[status, default: 0] += 1
      let microseconds = nanoseconds / 1000
      buckets[boundsMicroseconds.firstIndex { microseconds <= $0 } ?? boundsMicroseconds.count] +=
        1
      totalNanoseconds += nanoseconds
    }
  }

  private let series = Mutex<[Route: Series]>([:])

  /// Counts a finished request.
  func count(_ exchange: HTTPExchange) {
    // An unknown method would be a name that the client chose.
    let isKnown = exchange.logFields.route != nil
    let route = Route(
      method: isKnown ? exchange.method : "", pattern: exchange.logFields.route ?? Self.unmatched)
    series.withLock { series in
      series[route, default: Series()].add(
        status: exchange.status, nanoseconds: exchange.durationNanoseconds)
    }
  }

  /// Everything counted so far, by route.
  var snapshot: [(route: Route, series: Series)] {
    series.withLock { $0 }.sorted { $0.key < $1.key }.map { (route: $0.key, series: $0.value) }
  }
}
