import Synchronization
import Values

/// A clock that stands still until a test moves it.
final class ManualClock: Sendable {
  private let milliseconds: Mutex<Int64>

  init(_ text: String = "2026-01-31T10:00:00.000Z") {
    milliseconds = Mutex(Timestamp(rfc3339: text)?.milliseconds ?? 0)
  }

  func advance(seconds: Double) {
    milliseconds.withLock { $0 += Int64(seconds * 1000) }
  }

  var now: Timestamp { Timestamp(milliseconds: milliseconds.withLock { $0 }) }

  var source: TimeSource {
    TimeSource(
      now: { self.now },
      monotonicNanoseconds: { UInt64(self.now.milliseconds) * 1_000_000 })
  }
}

/// Repeatable randomness: SplitMix64.
final class SeededRandom: Sendable {
  private let state: Mutex<UInt64>

  init(_ seed: UInt64) {
    state = Mutex(seed)
  }

  func next() -> UInt64 {
    state.withLock { state in
      state &+= 0x9e37_79b9_7f4a_7c15
      var word = state
      word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
      word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
      return word ^ (word >> 31)
    }
  }

  func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

  var source: RandomSource { RandomSource { self.next() } }
}

/// Something that is on or off, for a script and its test.
final class Switch: Sendable {
  private let state = Atomic(false)

  var isOn: Bool {
    get { state.load(ordering: .sequentiallyConsistent) }
    set { state.store(newValue, ordering: .sequentiallyConsistent) }
  }
}

/// Counts from several tasks.
final class Counter: Sendable {
  private let count = Atomic(0)

  var value: Int { count.load(ordering: .sequentiallyConsistent) }

  /// - Returns: the count with this one.
  @discardableResult
  func increment() -> Int {
    count.add(1, ordering: .sequentiallyConsistent).newValue
  }
}
