internal import JSON
internal import Synchronization
internal import Values

extension FeedReader {
  /// What passed the filter for one tenant.
  private struct Share {
    let sync: TenantSync
    var events: [FeedEvent]
  }

  /// Takes a good answer: filters its events, stores what they do together with the cursor, and
  /// only then changes what is held, so that a restart knows all that was ever worked with.
  ///
  /// When storing fails the cursor stays, and the same events come again; until then what takes
  /// rights away holds all the same.
  ///
  /// - Returns: the time until the next poll.
  func take(_ answer: FeedAnswer, to request: FeedRequest, of poll: FeedPoll) async -> Double {
    let received = environment.time.monotonicSeconds
    works()
    let isFirst = request.cursor == nil
    let isStart = isFirst || answer.isReset
    // What lies before the cursor of a start is in the snapshots that follow it.
    let events = isStart ? [] : filter(answer.events, poll)
    let syncs = followed().filter { request.scope.covers($0.key) }
    let shares = share(events, syncs)
    guard await store(shares, answer.cursor, request, poll) else {
      return failed(poll, FetchFailure(reason: "what it brought could not be stored"))
    }
    tally.countApplied(events.count { $0.problem == nil })
    let isCaughtUp = isStart || answer.events.isEmpty
    let (news, resets) = poll.state.withLock { state -> (Set<String>, Int) in
      state.cursor = answer.cursor
      state.resets = answer.isReset ? state.resets + 1 : 0
      state.failures = 0
      state.isLive = true
      if isStart { state.members = [] }
      FeedPoll.see(events.map(\.id), in: &state)
      if isCaughtUp { state.caughtUpSeconds = request.sentSeconds }
      defer { state.members = Set(syncs.keys) }
      return (Set(syncs.keys).subtracting(state.members), state.resets)
    }
    for (tenantID, sync) in syncs {
      sync.feedBegan(isNew: news.contains(tenantID))
      if isCaughtUp, !news.contains(tenantID) { sync.feedConfirmed() }
    }
    let pollSeconds = environment.configuration.pollSeconds
    // A Wrapper that resets again and again costs no more than one whose snapshots are polled.
    if resets > 1 { return pollSeconds }
    guard events.isEmpty, !isStart else { return min(Limits.feedSpacingSeconds, pollSeconds) }
    // A Wrapper that does not hold the poll must not be asked without a pause.
    let spacing = min(Limits.feedEmptySpacingSeconds, pollSeconds)
    return max(0, request.sentSeconds + spacing - received)
  }

  /// The events that may be applied; the others are counted.
  private func filter(_ values: [JSONValue], _ poll: FeedPoll) -> [FeedEvent] {
    var known = Set(poll.state.withLock { $0.seen })
    var events: [FeedEvent] = []
    for value in values {
      do throws(EventRejection) {
        let event = try FeedEvent(value, serves: serves)
        guard known.insert(event.id).inserted else { continue }
        if let problem = event.problem {
          tally.count(.data)
          complaints.warn(
            "event", "tenant \(event.channel.tenantID), \(event.channel.topic.rawValue): \(problem)"
          )
        }
        events.append(event)
      } catch {
        tally.count(error.reason)
        complaints.warn("event", "dropped: \(error.reason.rawValue)")
      }
    }
    return events
  }

  private func share(_ events: [FeedEvent], _ syncs: [String: TenantSync]) -> [Share] {
    var shares: [String: Share] = [:]
    for event in events {
      // Of a tenant that nobody has used yet nothing is held that could change.
      let known = shares[event.channel.tenantID]?.sync ?? syncs[event.channel.tenantID]
      guard let sync = known ?? recall(event.channel.tenantID) else { continue }
      shares[event.channel.tenantID, default: Share(sync: sync, events: [])].events.append(event)
    }
    return shares.values.sorted { $0.sync.tenantID < $1.sync.tenantID }
  }

  /// Stores and applies what the events do.
  ///
  /// - Returns: whether it could be stored.
  private func store(
    _ shares: [Share], _ cursor: String, _ request: FeedRequest, _ poll: FeedPoll
  ) async -> Bool {
    let (former, caughtUp) = poll.state.withLock { ($0, $0.caughtUpSeconds) }
    let feed = request.scope.feed
    if shares.isEmpty, cursor == request.cursor, former.storedFeed == feed { return true }
    var entered: [TenantSync] = []
    defer { for sync in entered { sync.adoption.leave() } }
    for share in shares {
      guard await share.sync.adoption.enter() else { return false }
      entered.append(share.sync)
    }
    let effects = shares.map { share in
      (share.sync, share.sync.effect(of: share.events, caughtUpSeconds: caughtUp))
    }
    do {
      let foreign = try shares.flatMap(foreignActivities)
      try await environment.snapshots.commit(
        FeedCommit(
          feed: feed, formerFeed: former.storedFeed, cursor: cursor,
          moment: environment.time.now(),
          tenants: effects.map { sync, effect in
            FeedCommit.Tenant(
              tenantID: sync.tenantID, overlays: effect.overlays,
              changed: Set(effect.subjects.map(\.collection)), invalidated: effect.wanted)
          }))
      for (sync, effect) in effects { sync.apply(effect) }
      for (tenantID, id, activity) in foreign {
        activities.add(tenantID: tenantID, id: id, activity)
      }
      poll.state.withLock { $0.storedFeed = feed }
      return true
    } catch {
      complaints.warn("storing", "\(error)")
      for share in shares {
        share.sync.apply(share.sync.effect(of: share.events, caughtUpSeconds: -.infinity))
      }
      return false
    }
  }

  /// The activities among the events that were not written here.
  private func foreignActivities(
    in share: Share
  ) throws -> [(tenantID: String, id: String, JSONObject)] {
    let logged = share.events.compactMap { event -> (String, JSONObject)? in
      guard case .activity(let id, let activity) = event.change else { return nil }
      return (id, activity)
    }
    guard !logged.isEmpty else { return [] }
    let tenantID = share.sync.tenantID
    let own = try environment.snapshots.ownActivities(
      tenantID: tenantID, ids: logged.map(\.0))
    return logged.filter { !own.contains($0.0) }.map { (tenantID, $0.0, $0.1) }
  }
}
