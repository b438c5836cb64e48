internal import Glibc
internal import Synchronization

/// Where time comes from: injected, so that a test can move it.
public struct TimeSource: Sendable {
  /// The moment it is now, by the wall clock.
  public var now: @Sendable () -> Timestamp
  /// Nanoseconds on a clock that never runs backwards; only differences mean anything.
  public var monotonicNanoseconds: @Sendable () -> UInt64

  /// A source made of the two given clocks.
  public init(
    now: @escaping @Sendable () -> Timestamp,
    monotonicNanoseconds: @escaping @Sendable () -> UInt64
  ) {
    self.now = now
    self.monotonicNanoseconds = monotonicNanoseconds
  }

  /// The clocks of the machine.
  public static let system = TimeSource(
    now: { SystemClock.now() },
    monotonicNanoseconds: { SystemClock.monotonicNanoseconds() })
}

/// Where randomness comes from: injected, so that a test can repeat it.
public struct RandomSource: Sendable {
  /// The next 64 random bits.
  public var next: @Sendable () -> UInt64

  /// A source that calls `next` for each 64 bits.
  public init(next: @escaping @Sendable () -> UInt64) {
    self.next = next
  }

  /// The kernel's generator: suited to keys and tokens.
  ///
  /// Drawn in blocks, because a system call for each word costs more than everything else that an
  /// id needs.
  public static let system: RandomSource = {
    let reserve = RandomReserve()
    return RandomSource { reserve.next() }
  }()

  /// `count` random bytes.
  public func bytes(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 7)
    while bytes.count < count {
      let word = next()
      for shift in stride(from: 0, to: 64, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
      }
    }
    return Array(bytes.prefix(count))
  }
}

/// Words of the kernel's generator that nobody has taken yet.
private final class RandomReserve: Sendable {
  private let words = Mutex<[UInt64]>([])

  /// getentropy(3) gives at most 256 bytes.
  private static let blockWords = 32

  func next() -> UInt64 {
    words.withLock { words in
      if words.isEmpty {
        words = Array(repeating: 0, count: Self.blockWords)
        let result = getentropy(&words, Self.blockWords * 8)
        precondition(result == 0, "getentropy fails only for more than 256 bytes")
      }
      return words.removeLast()
    }
  }
}
