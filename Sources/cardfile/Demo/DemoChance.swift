internal import Synchronization
internal import Values

/// The clock of the half year that is being told.
final class DemoClock: Sendable {
  private let moment: Mutex<Timestamp>

  init(_ start: Timestamp) { moment = Mutex(start) }

  var now: Timestamp {
    get { moment.withLock { $0 } }
    set { moment.withLock { $0 = newValue } }
  }
}

/// SplitMix64: the same company on every machine.
struct DemoRandom {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  private mutating func word() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }

  /// A number from 0 to `bound` - 1.
  mutating func next(below bound: Int) -> Int { Int(word() % UInt64(bound)) }

  /// Eight bytes.
  mutating func bytes() -> [UInt8] {
    let word = word()
    return (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
  }

  /// Whether something happens that does so once in `times`.
  mutating func isOnce(in times: Int) -> Bool { next(below: times) == 0 }

  mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[next(below: elements.count)]
  }

  /// Some moment in the working hours of the `days` before today.
  mutating func moment(inDays days: Int, before now: Timestamp) -> Timestamp {
    var day = now.day.daysSinceEpoch - 1 - next(below: days)
    // 1970-01-01 was a Thursday; a weekend's work is done on the Friday before.
    while (day + 3) % 7 > 4 { day -= 1 }
    let seconds = 8 * 3600 + next(below: 9 * 3600)
    return CalendarDay(daysSinceEpoch: day).startOfDay
      .advanced(byMilliseconds: Int64(seconds) * 1000 + Int64(next(below: 1000)))
  }

  /// A moment between the two numbers of days behind `moment`.
  mutating func moment(after moment: Timestamp, days: ClosedRange<Int>) -> Timestamp {
    let seconds =
      days.lowerBound * 86_400 + next(below: (days.upperBound - days.lowerBound) * 86_400)
    return moment.advanced(byMilliseconds: Int64(seconds) * 1000)
  }
}

extension Timestamp {
  /// So many days later.
  func advanced(byDays days: Int) -> Timestamp {
    advanced(byMilliseconds: Int64(days) * 86_400_000)
  }
}
