internal import Synchronization
internal import Values

/// Asks the Wrapper about a user right before a decision on them.
///
/// Whoever asks joins the next read that starts after they came: one read serves all that wait for
/// the same user, and every decision rests on an answer that is newer than the request.
final class UserRevalidation: Sendable {
  /// How a read ended.
  enum Outcome: Sendable {
    /// The truth with what was read.
    case directory(TenantDirectory?)
    /// Nothing usable came; ask again after so many seconds.
    case failed(retryAfterSeconds: Double?)
  }

  private struct State {
    /// Those who came since the last read of their user was sent: the next one is theirs.
    var waiting: [String: Promise<TenantDirectory?>] = [:]
    /// Users about whom somebody is asking just now.
    var asked: Set<String> = []
    /// No read is sent before this time: the Wrapper failed a moment ago.
    var closedUntilSeconds = -Double.infinity
    var isStopped = false
  }

  private let state = Mutex(State())
  private let turnstile = Turnstile(
    atOnce: Limits.revalidationsAtOnceMax, waitingMax: Limits.revalidationsWaitingMax)
  private let time: TimeSource

  init(time: TimeSource) {
    self.time = time
  }

  /// The read about the user that will be sent next, which is newer than this call.
  ///
  /// - Parameter read: Asks the Wrapper.
  /// - Returns: nil while the Wrapper is known not to answer, or too many wait.
  func nextReading(
    userID: String, _ read: @escaping @Sendable (_ userID: String) async -> Outcome
  ) -> Promise<TenantDirectory?>? {
    let (promise, isFirst) = state.withLock { state -> (Promise<TenantDirectory?>?, Bool) in
      guard !state.isStopped, time.monotonicSeconds >= state.closedUntilSeconds else {
        return (nil, false)
      }
      if let promise = state.waiting[userID] { return (promise, false) }
      guard state.waiting.count < Limits.revalidationsWaitingMax else { return (nil, false) }
      let promise = Promise<TenantDirectory?>()
      state.waiting[userID] = promise
      return (promise, state.asked.insert(userID).inserted)
    }
    if isFirst { Task { await self.serve(userID, read) } }
    return promise
  }

  /// Lets the next decision ask again, because the Wrapper answered elsewhere.
  func reopen() {
    state.withLock { $0.closedUntilSeconds = -.infinity }
  }

  /// Who waits is told that there is no answer.
  func stop() {
    let waiting = state.withLock { state in
      defer { state.waiting = [:] }
      state.isStopped = true
      return state.waiting.values.map { $0 }
    }
    for promise in waiting { promise.fulfil(nil) }
  }

  /// Reads as long as somebody waits for this user, one read at a time.
  private func serve(
    _ userID: String, _ read: @Sendable (_ userID: String) async -> Outcome
  ) async {
    while true {
      let hasTurn = await turnstile.enter()
      defer { if hasTurn { turnstile.leave() } }
      let promise = state.withLock { state -> Promise<TenantDirectory?>? in
        let promise = state.waiting.removeValue(forKey: userID)
        if promise == nil { state.asked.remove(userID) }
        return promise
      }
      guard let promise else { return }
      guard hasTurn else {
        promise.fulfil(nil)
        continue
      }
      switch await read(userID) {
      case .directory(let directory): promise.fulfil(directory)
      case .failed(let retryAfterSeconds):
        promise.fulfil(nil)
        close(seconds: retryAfterSeconds ?? Limits.revalidationPauseSeconds)
      }
    }
  }

  /// Who came meanwhile would only wait for the same failure, and who comes soon too.
  private func close(seconds: Double) {
    let waiting = state.withLock { state in
      defer { state.waiting = [:] }
      state.closedUntilSeconds = time.monotonicSeconds + seconds
      return state.waiting.values.map { $0 }
    }
    for promise in waiting { promise.fulfil(nil) }
  }
}
