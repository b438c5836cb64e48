internal import JSON
internal import Synchronization
internal import Values

extension TenantSync {
  /// Asks about one user, and takes what comes as events like any other.
  func revalidate(_ userID: String) async -> UserRevalidation.Outcome {
    var call = WrapperCall(path: UserAnswer.path(userID: userID), tenantID: tenantID)
    call.seconds = environment.configuration.requestSeconds
    let events = state.withLock { $0.appliedEffects }
    let answer: WrapperAnswer
    switch await environment.transport.send(call) {
    case .success(let received): answer = received
    case .failure(let failure):
      complaints.warn("asking about a user", failure.reason)
      return .failed(retryAfterSeconds: nil)
    }
    switch answer.status {
    case 200:
      do throws(AnswerRejection) {
        return .directory(
          take(
            try UserAnswer(answer.body, userID: userID, tenantID: tenantID), begunAfter: events))
      } catch {
        complaints.warn("asking about a user", error.reason)
        return .failed(retryAfterSeconds: nil)
      }
    case 404:
      // Whoever the Wrapper does not know may nothing.
      return .directory(take(UserAnswer(unknown: userID), begunAfter: events))
    default:
      let failure = FetchFailure(answer)
      complaints.warn("asking about a user", failure.reason)
      return .failed(
        retryAfterSeconds: failure.isKeyRefused
          ? environment.backoff.maxSeconds : failure.retryAfterSeconds)
    }
  }
}

extension TenantSync {
  /// Takes what was said of one user; the collections, which hold more, are looked at soon.
  ///
  /// - Parameter events: How often the feed had changed something when it was asked for; where it
  ///   did since, the answer may be older than that and is passed over.
  /// - Returns: the snapshot with it.
  private func take(_ answer: UserAnswer, begunAfter events: Int) -> TenantDirectory? {
    reload()
    let (directory, hasNews) = state.withLock { state in
      guard state.appliedEffects == events else { return (state.directory, false) }
      let events = answer.events(on: state.truth, tenantID: tenantID)
      guard !events.isEmpty else { return (state.directory, false) }
      let due = environment.time.monotonicSeconds + Limits.revalidationLookSeconds
      for collection in [WrapperCollection.permissions, .employees] {
        var held = state.collections[collection, default: .init()]
        // A look that began before the answer may bring what was true before it.
        held.changes += 1
        // The tag stands for something else than what is held now.
        held.etag = nil
        held.isInvalid = true
        held.dueSeconds = min(held.dueSeconds, due)
        state.collections[collection] = held
      }
      apply(events, to: &state)
      return (state.directory, true)
    }
    if hasNews { alarm.ring() }
    return directory
  }
}

extension Wrapper {
  /// Whether each decision about permissions waits for an answer that is newer than the request.
  public var checksPermissionsStrictly: Bool {
    environment.configuration.permissionCheck == .strict
  }

  /// The tenant's truth for a decision about `userID`.
  ///
  /// Where checks are strict, what it says of the user is newer than this call. When the Wrapper
  /// does not say so within a second, the last truth has to do, as it does while the Wrapper is
  /// away.
  ///
  /// - Throws: ``WrapperError/tenantNotServed``, or ``WrapperError/unavailable`` when the Wrapper
  ///   does not answer and nothing is known of the tenant.
  public func tenant(
    _ tenantID: String, decidingOn userID: String
  ) async throws(WrapperError) -> TenantDirectory {
    let known = try await tenant(tenantID)
    guard checksPermissionsStrictly, let sync = tenants[tenantID] else { return known }
    let reading = sync.revalidation.nextReading(userID: userID) { await sync.revalidate($0) }
    let seconds = environment.configuration.requestSeconds
    let read = await reading?.value(withinSeconds: seconds)
    return (read ?? nil) ?? sync.wholeDirectory() ?? known
  }
}
