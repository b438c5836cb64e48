internal import HTTP
internal import JSON
internal import Synchronization
internal import Values

/// Follows the Wrapper's change feed: one poll for all tenants where that is allowed, else one for
/// each hundred; where there is no feed at all, the looks at snapshots go on by themselves.
final class FeedReader: Sendable {
  private struct State {
    /// Whether the Wrapper has no feed for us, as far as is known.
    var isAbsent = false
    /// The first is the one that tries the feed again.
    var polls: [FeedPoll]
    var loops: [Task<Void, Never>] = []
    var hasStarted = false
    var isStopped = false
  }

  let tally = FeedTally()
  let activities: ForeignActivities
  let environment: SyncEnvironment
  let complaints: Complaints
  /// The tenants that are followed, by id.
  let followed: @Sendable () -> [String: TenantSync]
  /// Loads a tenant of which there is news, if it stands in the file.
  let recall: @Sendable (String) -> TenantSync?
  let serves: @Sendable (String) -> Bool
  private let state: Mutex<State>

  init(
    environment: SyncEnvironment, serves: @escaping @Sendable (String) -> Bool,
    followed: @escaping @Sendable () -> [String: TenantSync],
    recall: @escaping @Sendable (String) -> TenantSync?
  ) {
    self.environment = environment
    self.serves = serves
    self.followed = followed
    self.recall = recall
    complaints = Complaints(environment, about: "change feed")
    activities = ForeignActivities(time: environment.time)
    state = Mutex(State(polls: [FeedPoll(.everything)]))
  }

  /// Begins to poll.
  func start() {
    state.withLock { state in
      guard !state.hasStarted, !state.isStopped else { return }
      state.hasStarted = true
      state.loops = state.polls.map { poll in Task { await self.run(poll) } }
    }
  }

  /// Ends the polls.
  func stop() async {
    let loops = state.withLock { state in
      state.isStopped = true
      return state.loops
    }
    for loop in loops { loop.cancel() }
    for loop in loops { await loop.value }
  }

  /// Tries again now, wherever a poll waits.
  func refresh() {
    for poll in polls {
      poll.state.withLock { $0.closedUntilSeconds = -.infinity }
      poll.alarm.ring()
    }
  }

  /// The polls that there are.
  var polls: [FeedPoll] { state.withLock { $0.polls } }

  /// How far the feed was read for the tenant.
  func cursor(of tenantID: String) -> String? {
    for poll in polls {
      let (isAsked, cursor) = poll.state.withLock { ($0.scope.covers(tenantID), $0.cursor) }
      if isAsked { return cursor }
    }
    return nil
  }

  /// A tenant is followed from now on; its first look is still to come.
  func added(_ sync: TenantSync) {
    let tenantID = sync.tenantID
    guard !state.withLock({ $0.isAbsent }), let first = polls.first else { return }
    switch first.state.withLock({ $0.scope }) {
    case .everything:
      // What happens before the first look is in what it brings, and the poll tells of the rest.
      let isLive = first.state.withLock { state in
        guard state.isLive else { return false }
        state.members.insert(tenantID)
        return true
      }
      if isLive { sync.feedBegan(isNew: false) }
    case .tenants:
      // One that was left to the file meanwhile is asked about all along.
      if polls.contains(where: { $0.state.withLock { $0.scope }.covers(tenantID) }) { return }
      if let last = polls.last, last.add(tenantID) { return last.alarm.ring() }
      launch(FeedPoll(.tenants([tenantID])))
    }
  }

  private func launch(_ poll: FeedPoll) {
    state.withLock { state in
      state.polls.append(poll)
      guard state.hasStarted, !state.isStopped else { return }
      state.loops.append(Task { await self.run(poll) })
    }
  }

  private func run(_ poll: FeedPoll) async {
    while !Task.isCancelled {
      guard polls.contains(where: { $0 === poll }) else { return }
      let pause = await round(poll)
      if pause > 0 { await poll.alarm.wait(seconds: pause) }
    }
  }

  /// One poll of the feed.
  ///
  /// - Returns: the time until the next one.
  func round(_ poll: FeedPoll) async -> Double {
    let now = environment.time.monotonicSeconds
    let closed = poll.state.withLock { $0.closedUntilSeconds }
    guard closed <= now else { return closed - now }
    guard let request = request(of: poll) else { return environment.backoff.maxSeconds }
    let result = await environment.transport.send(request.call)
    guard !Task.isCancelled else { return 0 }
    // Whoever gave the feed up meanwhile has said what comes next.
    guard poll.state.withLock({ $0.epoch }) == request.epoch else { return 0 }
    let pause: Double
    switch result {
    case .success(let answer) where answer.status == 200:
      do throws(AnswerRejection) {
        pause = await take(try FeedAnswer(answer.body), to: request, of: poll)
        poll.state.withLock { $0.hasConnection = $0.isLive && !answer.endsConnection }
      } catch {
        tally.countRejectedAnswer()
        pause = failed(poll, FetchFailure(reason: error.reason, isRejection: true))
      }
    case .success(let answer):
      pause = refused(poll, answer)
    case .failure(let failure):
      if failure == .tooLarge || failure == .redirected { tally.countRejectedAnswer() }
      pause = failed(
        poll, FetchFailure(reason: failure.reason),
        silentSince: failure == .timeout ? request.sentSeconds : nil)
    }
    let end = environment.time.monotonicSeconds + pause
    poll.state.withLock { $0.closedUntilSeconds = pause > 0 ? end : -.infinity }
    return pause
  }

  /// What the next poll asks; nil when there is nobody to ask about.
  private func request(of poll: FeedPoll) -> FeedRequest? {
    let (scope, isKnown) = poll.state.withLock { ($0.scope, $0.storedFeed != nil) }
    if scope == .tenants([]) { return nil }
    if !isKnown {
      do {
        let cursor = try environment.snapshots.cursor(feed: scope.feed)
        let members = followed().keys.filter { scope.covers($0) }
        poll.state.withLock { state in
          state.cursor = cursor
          state.storedFeed = scope.feed
          // All of them are about to be fetched, and the cursor is older than that.
          if cursor != nil { state.members = Set(members) }
        }
      } catch {
        complaints.warn("reading the cursor", "\(error)")
      }
    }
    let (epoch, cursor, isHeld) = poll.state.withLock { state in
      // After a failure the answer itself is the news, and so is not to be held.
      (state.epoch, state.cursor, state.failures == 0 && state.hasConnection)
    }
    return FeedRequest(
      scope: scope, epoch: epoch, cursor: cursor, waitSeconds: isHeld ? waitSeconds : 0,
      sentSeconds: environment.time.monotonicSeconds)
  }

  /// How long the Wrapper may hold a poll: an answer without news is news of its own, and must not
  /// come so late that what is held would have to be asked for before it is used, or that most of
  /// the offline time is over.
  private var waitSeconds: Double {
    let staleness = environment.configuration.permissionMaxStalenessSeconds
    return min(
      environment.configuration.feedWaitSeconds, max(1, (staleness / 2).rounded(.down)),
      environment.silenceSeconds)
  }

  /// The Wrapper answered with another status than 200.
  private func refused(_ poll: FeedPoll, _ answer: WrapperAnswer) -> Double {
    let isWildcard = poll.state.withLock { $0.scope } == .everything
    switch (isWildcard, answer.status) {
    case (true, 400), (true, 403): return nameTenants(poll)
    case (_, 404), (_, 501), (false, 400), (false, 403):
      return giveUp(poll, status: answer.status)
    default:
      var failure = FetchFailure(answer)
      // Forbidden is the tenants' matter, which was dealt with; only 401 is the key's.
      failure.isKeyRefused = answer.status == 401
      return failed(poll, failure)
    }
  }

  /// The feed of all tenants at once is refused: asks about each by name.
  private func nameTenants(_ first: FeedPoll) -> Double {
    let scopes = FeedPoll.Scope.polls(of: followed().keys.sorted())
    environment.log(.info, "the change feed is asked about each tenant by name")
    first.ask(about: scopes[0])
    for scope in scopes.dropFirst() { launch(FeedPoll(scope)) }
    return 0
  }

  /// There is no feed: looks at snapshots until it is tried again.
  private func giveUp(_ poll: FeedPoll, status: Int) -> Double {
    let (first, others, isNews) = state.withLock { state -> (FeedPoll?, [FeedPoll], Bool) in
      let others = Array(state.polls.dropFirst())
      let isNews = !state.isAbsent
      state.polls = Array(state.polls.prefix(1))
      state.isAbsent = true
      return (state.polls.first, others, isNews)
    }
    if isNews {
      environment.log(
        .info, "the Wrapper has no change feed (status \(status)); its snapshots are polled")
    }
    for other in others { other.alarm.ring() }
    spread(Array(followed().values)) { $0.feedEnded(delaySeconds: $1) }
    // The next attempt asks about all tenants at once again.
    first?.ask(about: .everything)
    let end = environment.time.monotonicSeconds + Limits.feedRetrySeconds
    first?.state.withLock { state in
      state.isLive = false
      state.members = []
      state.closedUntilSeconds = end
    }
    first?.alarm.ring()
    return first === poll ? Limits.feedRetrySeconds : 0
  }

  /// A poll brought nothing usable: what is held stays, and snapshots are looked at meanwhile.
  func failed(
    _ poll: FeedPoll, _ failure: FetchFailure, silentSince: Double? = nil
  ) -> Double {
    let (failures, scope) = poll.state.withLock { state in
      state.failures += 1
      state.isLive = false
      state.hasConnection = false
      return (state.failures, state.scope)
    }
    complaints.warn("polling", failure.isKeyRefused ? "the key is refused" : failure.reason)
    spread(followed().values.filter { scope.covers($0.tenantID) }) {
      $0.feedEnded(delaySeconds: $1, silentSince: silentSince)
    }
    if failure.isKeyRefused { return environment.backoff.maxSeconds }
    let pause = environment.backoff.seconds(failures: failures, random: environment.random)
    if let seconds = failure.retryAfterSeconds { return max(seconds, pause) }
    // One poll tells that the Wrapper is back, for all tenants.
    return min(pause, environment.probePause)
  }

  /// The feed works again after it was given up.
  func works() {
    state.withLock { $0.isAbsent = false }
  }

  /// Few tenants begin at once; many are spread over one poll.
  private func spread(_ syncs: [TenantSync], _ body: (TenantSync, Double) -> Void) {
    let span = environment.configuration.pollSeconds * min(1, Double(syncs.count) / 100)
    for (index, sync) in syncs.enumerated() {
      body(sync, span * Double(index) / Double(syncs.count))
    }
  }
}

/// What one poll asks.
struct FeedRequest: Sendable {
  let scope: FeedPoll.Scope
  let epoch: Int
  let cursor: String?
  let waitSeconds: Double
  let sentSeconds: Double

  /// The call, which names a tenant in its header only where it asks about no other.
  var call: WrapperCall {
    let wait = JSONNumber(unchecked: "\(waitSeconds)").text
    let after = cursor.map { "&after=\(PercentEncoding.encode($0))" } ?? ""
    var call = WrapperCall(
      path: "/api/events?channels=\(scope.channels)\(after)&wait=\(wait)",
      tenantID: scope.onlyTenantID)
    call.seconds = waitSeconds + Limits.feedGraceSeconds
    call.isHeld = true
    return call
  }
}
