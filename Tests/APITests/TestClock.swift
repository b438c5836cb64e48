internal import Synchronization
import Values

/// The machine's clock, which a test moves on.
final class TestClock: Sendable {
  /// How far it is ahead, in milliseconds.
  private let ahead = Mutex<Int64>(0)

  /// What the server takes its time from.
  var source: TimeSource {
    TimeSource(
      now: { [self] in
        TimeSource.system.now().advanced(byMilliseconds: ahead.withLock { $0 })
      },
      monotonicNanoseconds: { [self] in
        TimeSource.system.monotonicNanoseconds() + UInt64(ahead.withLock { $0 }) * 1_000_000
      })
  }

  func advance(seconds: Int64) {
    ahead.withLock { $0 += seconds * 1000 }
  }

  func advance(hours: Int64) {
    advance(seconds: hours * 3600)
  }
}
