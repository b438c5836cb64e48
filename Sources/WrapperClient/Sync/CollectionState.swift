internal import Values

/// How one collection of one tenant stands.
struct CollectionState: Sendable {
  /// The validator of the answer that is held.
  var etag: String?
  /// When to look again, on the monotonic clock.
  var dueSeconds = -Double.infinity
  /// When what is held was last known to be right.
  var lastSuccess: Timestamp?
  var failures = 0
  /// When the present row of failures began, on the monotonic clock.
  var failingSince: Double?
  /// Whether the Wrapper refuses the key.
  var isKeyRefused = false

  /// What was held is right as of `moment`; look again after `seconds`.
  mutating func succeed(at moment: Timestamp, nextAt dueSeconds: Double) {
    lastSuccess = moment
    self.dueSeconds = dueSeconds
    failures = 0
    failingSince = nil
    isKeyRefused = false
  }

  /// The look failed; what was held stays.
  mutating func fail(_ failure: FetchFailure, now: Double, pauseSeconds: Double) {
    failures += 1
    if failingSince == nil { failingSince = now }
    isKeyRefused = failure.isKeyRefused
    dueSeconds = now + pauseSeconds
  }

  /// The mode that this collection by itself would call for.
  func mode(now: Timestamp, monotonic: Double, offlineSeconds: Double) -> SyncMode {
    guard failures > 0, let failingSince else { return .online }
    let isDegraded =
      isKeyRefused || failures >= Limits.failuresUntilDegraded
      || monotonic - failingSince >= Limits.secondsUntilDegraded
    guard isDegraded else { return .online }
    guard let lastSuccess else { return .readOnly }
    let age = Double(now.milliseconds - lastSuccess.milliseconds) / 1000
    return age >= offlineSeconds ? .readOnly : .degraded
  }
}

/// Why a look at a collection brought nothing.
struct FetchFailure: Error, Sendable {
  let reason: String
  var retryAfterSeconds: Double?
  var isKeyRefused = false
  /// Whether there was an answer, but one that is not taken.
  var isRejection = false
  /// Whether the Wrapper said that there is no such thing.
  var isUnknown = false
}
