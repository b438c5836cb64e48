internal import Synchronization
internal import Values

extension TenantSync {
  /// How the truth about the tenant stands.
  func status(
    cursor: String?, outboxDepth: Int?, outboxOldest: Timestamp?
  ) -> TenantSyncStatus {
    state.withLock { state in
      let critical = WrapperCollection.allCases.filter(\.isCritical)
        .map { state.collections[$0, default: .init()] }
      let due = critical.map(\.dueSeconds).min() ?? 0
      let dueIn = max(0, due - environment.time.monotonicSeconds)
      // What an event made worthless before the process started was never right since.
      let known = critical.compactMap(\.lastSuccess).filter { $0 > SnapshotStore.neverRight }
      let lastSuccess = known.count == critical.count ? known.min() : nil
      let now = environment.time.now()
      return TenantSyncStatus(
        tenantID: tenantID, mode: mode(state), lastSuccess: lastSuccess,
        failuresInRow: critical.map(\.failures).max() ?? 0,
        feed: state.isFed ? .feed : .snapshots, cursor: cursor,
        stalenessSeconds: lastSuccess.map {
          Double(now.milliseconds - $0.milliseconds) / 1000
        },
        nextAttempt: now.advanced(byMilliseconds: Int64(dueIn * 1000)),
        rejectedAnswers: state.rejectedAnswers, foreignOperations: state.foreignOperations,
        outboxDepth: outboxDepth,
        outboxOldest: outboxOldest)
    }
  }

  /// Whether the snapshot must be asked for again before it is used.
  func isStale(_ state: State) -> Bool {
    environment.time.now().milliseconds > state.staleAtMilliseconds
  }

  /// Works out when the snapshot grows stale, after anything that it depends on has changed.
  func noteStaleness(in state: inout State) {
    let critical = WrapperCollection.allCases.filter(\.isCritical)
      .map { state.collections[$0, default: .init()] }
    let limit = Int64(environment.configuration.permissionMaxStalenessSeconds * 1000)
    let fileLimit = min(limit, Int64(environment.configuration.pollSeconds * 2000))
    state.isFailing = critical.contains { $0.failures > 0 }
    // While the Wrapper fails, the last truth stands and the mode says how old it may be.
    state.staleAtMilliseconds =
      critical.map { held -> Int64 in
        guard let lastSuccess = held.lastSuccess else { return .min }
        if held.failures > 0 { return .max }
        // Nobody followed the tenant between that moment and now.
        return lastSuccess.milliseconds + (held.isFromFile ? fileLimit : limit)
      }.min() ?? .min
  }

  func mode(_ state: State) -> SyncMode {
    guard state.isFailing else { return .online }
    let now = environment.time.now()
    let monotonic = environment.time.monotonicSeconds
    return state.collections.lazy.filter(\.key.isCritical).map {
      $0.value.mode(
        now: now, monotonic: monotonic, offlineSeconds: self.environment.offlineSeconds)
    }.max() ?? .online
  }
}
