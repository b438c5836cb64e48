internal import JSON

/// What a tenant may spend, as far as it is known at one moment.
public struct CreditStanding: Sendable {
  /// The balance less what was spent here; nil when none was ever read.
  public let balance: CreditBalance?
  /// The same less what operations under way have set aside, in 1/10,000 credit.
  public let availableUnits: Int64?
  /// Whether the Wrapper was asked for it just now.
  public let isFresh: Bool
}

extension Wrapper {
  /// What the tenant may spend, read now if the Wrapper answers in the time of a request.
  ///
  /// All who ask at the same time share one read.
  public func creditStanding(tenantID: String) async -> CreditStanding {
    guard let sync = follow(tenantID) else {
      return CreditStanding(balance: nil, availableUnits: nil, isFresh: false)
    }
    let account = sync.account
    let isFresh =
      await account.nextReading()?.value(withinSeconds: environment.configuration.requestSeconds)
      ?? false
    if !isFresh { sync.doubt() }
    let ledger = account.ledger
    return CreditStanding(
      balance: ledger.balance, availableUnits: ledger.available, isFresh: isFresh)
  }

  /// How the truth about one tenant stands; nil when it cannot be followed.
  public func status(tenantID: String) -> TenantSyncStatus? {
    // Without the file the depth is unknown, which the status says.
    let outbox = try? outboxMetrics(tenantID: tenantID)
    return follow(tenantID)?.status(
      cursor: feed.cursor(of: tenantID), outboxDepth: outbox?.depth, outboxOldest: outbox?.oldest)
  }

  /// Looks at the tenant anew and ships what waits, now.
  ///
  /// Waits for what is seen as long as a request may.
  public func refresh(tenantID: String) async {
    guard let sync = follow(tenantID) else { return }
    feed.refresh()
    sync.refresh()
    await sync.settle()
  }

  /// Tells the Wrapper that a session was ended here; one that has no such call need not know.
  public func tellEnd(of session: ActiveSession) async {
    var call = WrapperCall.post(
      "/auth/sessions/end", (["sessionId": .string(session.id)] as JSONValue).bytes)
    call.tenantID = session.tenantID
    call.seconds = environment.configuration.requestSeconds
    if case .failure(let failure) = await environment.transport.send(call) {
      environment.log(.warning, "the Wrapper was not told that a session ended: \(failure.reason)")
    }
  }

  /// Whether `text` has the form of a permission that can be asked for.
  ///
  /// `crm.leads.read` and `crm.admin` have; a wildcard or a scope belongs to grants.
  public static func isPermission(_ text: String) -> Bool {
    PermissionGrant(text) != nil && !text.utf8.contains { $0 == UInt8(ascii: "*") }
      && !text.utf8.contains { $0 == UInt8(ascii: ":") }
  }
}
