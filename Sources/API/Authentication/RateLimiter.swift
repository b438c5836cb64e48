internal import HTTP
internal import Synchronization
internal import Values

/// Token buckets, one for each user or address; a bucket that is full again is forgotten.
final class RateLimiter: Sendable {
  private struct Bucket {
    var tokens: Double
    var filledAt: UInt64
  }

  private let perSecond: Double
  private let burst: Double
  private let time: TimeSource
  private let buckets = Mutex<[String: Bucket]>([:])

  /// Buckets that are kept at once; beyond it the full ones are dropped, then all.
  private static let bucketsMax = 50_000

  /// Lets through `perMinute` on average and a sixth of it, at least ten, at once; 0 lets all
  /// through.
  init(perMinute: Int, time: TimeSource) {
    perSecond = Double(perMinute) / 60
    burst = perMinute == 0 ? 0 : max(10, Double(perMinute) / 6)
    self.time = time
  }

  /// Lets through `perSecond` on average and as many at once; 0 lets all through.
  init(perSecond: Int, time: TimeSource) {
    self.perSecond = Double(perSecond)
    burst = Double(perSecond)
    self.time = time
  }

  /// Whether anything is ever refused.
  var isLimiting: Bool { perSecond > 0 }

  /// Takes one token of `key`'s bucket.
  ///
  /// - Throws: 429 `rate_limited` with the seconds until there is one.
  func take(for key: String) throws(Problem) {
    if let wait = wait(for: key) {
      throw Problem(
        .rateLimited, "Too many requests; wait a little.",
        headers: ["Retry-After": String(Int(wait.rounded(.up)))])
    }
  }

  /// Takes one token of `key`'s bucket, if there is one.
  func allows(_ key: String) -> Bool { wait(for: key) == nil }

  /// Takes one token, or tells the seconds until there is one.
  private func wait(for key: String) -> Double? {
    guard isLimiting else { return nil }
    return buckets.withLock { buckets in
      let now = time.monotonicNanoseconds()
      if buckets.count >= Self.bucketsMax { shrink(&buckets, now: now) }
      var bucket = buckets[key] ?? Bucket(tokens: burst, filledAt: now)
      bucket.tokens = level(bucket, now: now)
      bucket.filledAt = now
      let isAllowed = bucket.tokens >= 1
      if isAllowed { bucket.tokens -= 1 }
      buckets[key] = bucket
      return isAllowed ? nil : (1 - bucket.tokens) / perSecond
    }
  }

  private func level(_ bucket: Bucket, now: UInt64) -> Double {
    let seconds = Double(now &- bucket.filledAt) / 1e9
    return min(burst, bucket.tokens + seconds * perSecond)
  }

  private func shrink(_ buckets: inout [String: Bucket], now: UInt64) {
    buckets = buckets.filter { level($0.value, now: now) < burst }
    if buckets.count >= Self.bucketsMax { buckets.removeAll(keepingCapacity: true) }
  }
}
