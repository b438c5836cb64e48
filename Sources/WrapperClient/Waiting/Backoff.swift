internal import Values

/// How long to wait after failures: exponential with full jitter, never less than the first pause.
struct Backoff: Sendable {
  let firstSeconds: Double
  let maxSeconds: Double

  init(_ configuration: WrapperConfiguration) {
    firstSeconds = configuration.backoffFirstSeconds
    maxSeconds = configuration.backoffMaxSeconds
  }

  /// The pause after the `failures`-th failure in a row, which counts from 1.
  func seconds(failures: Int, random: RandomSource) -> Double {
    // Doubling 16 times passes every sensible maximum; more would only overflow.
    let doubled = firstSeconds * Double(1 << min(max(failures, 1), 16))
    let ceiling = min(maxSeconds, doubled)
    return firstSeconds + random.fraction() * max(0, ceiling - firstSeconds)
  }
}

extension RandomSource {
  /// A number from 0 up to, but not including, 1.
  func fraction() -> Double {
    Double(next() >> 11) / 9_007_199_254_740_992
  }
}

extension TimeSource {
  /// Seconds on the clock that never runs backwards.
  var monotonicSeconds: Double {
    Double(monotonicNanoseconds()) / 1_000_000_000
  }
}
