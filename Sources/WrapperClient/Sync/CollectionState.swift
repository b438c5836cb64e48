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
  /// Whether the Wrapper itself said how long it is to be left alone.
  var isHeldOff = false
  /// When the look that brought or confirmed what is held ended, on the monotonic clock; what was
  /// stored before the process started may have been read at any time.
  var endedSeconds = Double.infinity
  /// Counts the times that another look was asked for.
  var requests = 0
  /// How many of them came before the look began that brought or confirmed what is held.
  var answeredRequests = 0
  /// Counts the changes by events, each of which makes looks under way worthless.
  var changes = 0
  /// Looks in a row that were worthless.
  var discards = 0
  /// Whether an event said that what is held is not right any more.
  var isInvalid = false
  /// Since when the Wrapper's answers lack so many users that they are not believed.
  var lossSince: Double?

  /// Whether what is held was read from the file and not confirmed since.
  var isFromFile: Bool { endedSeconds == .infinity }

  /// Whether a look is to be taken even if nobody asks: the first one, one that was asked for, and
  /// the next one after one that brought nothing.
  var isUnsettled: Bool {
    dueSeconds == -.infinity || failures > 0 || discards > 0 || isInvalid
  }

  /// Asks for a look now, whatever one that is under way brings.
  mutating func request() {
    requests += 1
    dueSeconds = -.infinity
  }

  /// What was held is right as of `moment`; look again at `dueSeconds`, unless a look was asked for
  /// since `requests` were counted.
  mutating func succeed(
    at moment: Timestamp, endedSeconds: Double, nextAt dueSeconds: Double, requests: Int
  ) {
    lastSuccess = moment
    self.endedSeconds = endedSeconds
    failures = 0
    failingSince = nil
    isKeyRefused = false
    isHeldOff = false
    discards = 0
    lossSince = nil
    answeredRequests = requests
    guard requests == self.requests else { return }
    self.dueSeconds = dueSeconds
    isInvalid = false
  }

  /// The look failed; what was held stays.
  ///
  /// Nothing was heard since `silentSince`, from where a new row of failures counts.
  mutating func fail(
    _ failure: FetchFailure, silentSince: Double, now: Double, pauseSeconds: Double
  ) {
    failures += 1
    if failingSince == nil { failingSince = silentSince }
    isKeyRefused = failure.isKeyRefused
    isHeldOff = failure.isKeyRefused || failure.retryAfterSeconds != nil
    dueSeconds = now + pauseSeconds
  }

  /// The Wrapper has not been heard of since `moment`, as somebody else found: the next look shows
  /// whether a row of failures began there.
  mutating func fall(silent moment: Double) {
    guard failures == 0 else { return }
    failures = 1
    failingSince = isFromFile ? moment : max(moment, endedSeconds)
  }

  /// The mode that this collection by itself would call for.
  func mode(now: Timestamp, monotonic: Double, offlineSeconds: Double) -> SyncMode {
    guard failures > 0, let failingSince else { return .online }
    let age = lastSuccess.map { Double(now.milliseconds - $0.milliseconds) / 1000 }
    // What the file held may be older than anything that a process alone would have worked with.
    if isFromFile, let age, age >= offlineSeconds { return .readOnly }
    let failing = monotonic - failingSince
    // However short the offline time is, what is degraded is seen before what is read only.
    let isDegraded =
      isKeyRefused || failures >= Limits.failuresUntilDegraded
      || failing >= min(Limits.secondsUntilDegraded, offlineSeconds / 2)
    guard isDegraded else { return .online }
    guard let age else { return .readOnly }
    // The Wrapper was there until the first failure, although nothing had to be asked for.
    let away = isFromFile ? age : min(age, failing)
    return away >= offlineSeconds ? .readOnly : .degraded
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
