internal import Synchronization
internal import Values

extension TenantSync {
  /// What the events of one answer do to this tenant.
  ///
  /// - Parameters:
  ///   - events: The events about the tenant, in order.
  ///   - caughtUpSeconds: When the feed was last known to hold nothing older, on the monotonic
  ///     clock; what was fetched since may be newer than an event that comes now.
  func effect(of events: [FeedEvent], caughtUpSeconds: Double) -> FeedEffect {
    // An event may name a part of something whose rest must be known.
    reload()
    return state.withLock { state in
      let held = WrapperCollection.allCases.filter {
        state.collections[$0]?.lastSuccess != nil && !state.dropped.contains($0)
      }
      let doubtful = held.filter {
        (state.collections[$0]?.endedSeconds ?? .infinity) >= caughtUpSeconds
      }
      var effect = FeedEffect(
        on: state.truth, held: Set(held), doubtful: Set(doubtful))
      for event in events { effect.take(event) }
      return effect
    }
  }

  /// Takes what events do, as one new snapshot; to be called after it was stored.
  func apply(_ effect: FeedEffect) {
    guard !effect.touched.isEmpty else { return }
    state.withLock { state in
      state.appliedEffects += 1
      for collection in effect.touched {
        // A look that began before the event may bring what was true before it.
        state.collections[collection, default: .init()].changes += 1
      }
      for subject in effect.subjects {
        // Nothing changed since the answer with this tag but for the event: it would confirm the
        // answer, not what is held.
        state.collections[subject.collection, default: .init()].etag = nil
      }
      for collection in effect.wanted {
        state.collections[collection, default: .init()].isInvalid = true
      }
      Self.markDue(effect.wanted, in: &state)
      apply(effect.events, to: &state)
    }
    guard !effect.wanted.isEmpty else { return }
    environment.onDemand.forget(tenantID: tenantID)
    alarm.ring()
  }

  /// Takes what was stored of events.
  func restore(_ overlays: [Overlay]) {
    var events: [WrapperEvent] = []
    for overlay in overlays {
      do {
        events.append(try overlay.event(tenantID: tenantID))
      } catch {
        complaints.warn("stored changes", error.reason)
      }
    }
    guard !events.isEmpty else { return }
    state.withLock { apply(events, to: &$0) }
  }

  /// The feed tells of this tenant from now on.
  ///
  /// - Parameter isNew: Whether it may have missed something before, so that all is fetched again.
  func feedBegan(isNew: Bool) {
    let isDue = state.withLock { state in
      // The Wrapper answers again, so that waiting for the end of a pause would only lose time.
      let isAnswering = !state.isFed && state.isFailing
      state.isFed = true
      guard isNew || isAnswering else { return false }
      Self.markDue(WrapperCollection.allCases.filter { isNew || $0.isCritical }, in: &state)
      return true
    }
    if isDue { alarm.ring() }
  }

  /// The feed says no more: looks are taken again, the first after `delaySeconds`.
  ///
  /// - Parameter silentSince: When the poll was sent that was never answered, if it was not: until
  ///   a look brings something, the Wrapper has not been heard of since.
  func feedEnded(delaySeconds: Double, silentSince: Double? = nil) {
    let now = environment.time.monotonicSeconds
    let wasFed = state.withLock { state in
      defer { state.isFed = false }
      guard state.isFed else { return false }
      for collection in WrapperCollection.allCases where collection.isCritical {
        let due = state.collections[collection]?.dueSeconds ?? now
        state.collections[collection]?.dueSeconds = min(due, now + delaySeconds)
        if let silentSince {
          state.collections[collection]?.fall(
            silent: silence(since: silentSince, now: now))
        }
      }
      if silentSince != nil { noteStaleness(in: &state) }
      return true
    }
    if wasFed { alarm.ring() }
  }

  /// The feed brought everything up to now, so what is held is right as of now.
  func feedConfirmed() {
    let now = environment.time.now()
    state.withLock { state in
      guard state.isFed else { return }
      for collection in WrapperCollection.allCases where collection.isCritical {
        guard let held = state.collections[collection], let last = held.lastSuccess,
          !held.isInvalid, held.dueSeconds > -.infinity, last < now
        else { continue }
        state.collections[collection]?.lastSuccess = now
      }
      noteStaleness(in: &state)
    }
  }
}
