internal import Values

/// The part of time that counters are asked for: `since` ≤ t < `until`.
///
/// Counters know quarters of an hour, which every time zone's days are made of. A period that
/// begins or ends within one is made exact by taking away the records in the rest of that quarter.
struct CounterPeriod {
  let since: Timestamp?
  let until: Timestamp

  /// A quarter of an hour.
  static let bucketMilliseconds: Int64 = 15 * 60 * 1000

  /// A part of a quarter that lies in a counter's rows but not in the period.
  struct Edge {
    let start: Timestamp
    let end: Timestamp
  }

  /// The quarter in which `moment` lies.
  static func bucket(of moment: Timestamp) -> Int64 {
    let (quotient, rest) = moment.milliseconds.quotientAndRemainder(dividingBy: bucketMilliseconds)
    return rest < 0 ? quotient - 1 : quotient
  }

  /// The first moment of a quarter.
  static func start(of bucket: Int64) -> Timestamp {
    Timestamp(milliseconds: bucket * bucketMilliseconds)
  }

  /// The quarters of which at least a part lies in the period.
  var buckets: Range<Int64> {
    // Buckets of records that have a time are never Int64.min.
    let first = since.map(Self.bucket) ?? Int64.min
    let last = Self.bucket(of: until.advanced(byMilliseconds: -1))
    return first..<max(first, last + 1)
  }

  /// What the quarters hold beside the period.
  var edges: [Edge] {
    var edges: [Edge] = []
    if let since {
      let start = Self.start(of: Self.bucket(of: since))
      if start < since { edges.append(Edge(start: start, end: since)) }
    }
    let end = Self.start(of: Self.bucket(of: until.advanced(byMilliseconds: -1)) + 1)
    if until < end { edges.append(Edge(start: until, end: end)) }
    return edges
  }
}
