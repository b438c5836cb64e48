internal import Synchronization
internal import Values

/// The tenants that are in memory, and the budget they share.
///
/// A tenant that nobody uses is left to the file: its loops end, and its next use loads it again.
/// What is left first when memory is short says ``sweep()``.
final class FollowedTenants: Sendable {
  private struct State {
    var syncs: [String: TenantSync] = [:]
    /// Tenants that are being left: the next sync of one begins when its last one has ended, so
    /// that no two of them ship the same rows.
    var leaving: [String: Task<Void, Never>] = [:]
    /// What was asked of the tenants that were left.
    var past: [String: CacheUse.Totals] = [:]
    /// Who is told of each tenant that is followed from now on.
    var newcomer: (@Sendable (TenantSync) -> Void)?
    var isStopped = false
  }

  private let environment: SyncEnvironment
  private let state = Mutex(State())
  private let alarm = Alarm()
  private let sweeper = Mutex<Task<Void, Never>?>(nil)

  init(environment: SyncEnvironment) {
    self.environment = environment
  }

  /// Who is told of each tenant that is followed from now on.
  func tellOfNew(_ newcomer: @escaping @Sendable (TenantSync) -> Void) {
    state.withLock { $0.newcomer = newcomer }
  }

  /// The tenants in memory.
  var byID: [String: TenantSync] { state.withLock { $0.syncs } }

  /// The tenant, if it is in memory.
  subscript(tenantID: String) -> TenantSync? { state.withLock { $0.syncs[tenantID] } }

  /// Whether enough of the tenant is known to decide, in memory or in the file.
  func knows(_ tenantID: String) -> Bool {
    let (sync, wasLeft) = state.withLock { ($0.syncs[tenantID], $0.past[tenantID] != nil) }
    return sync?.isKnown ?? wasLeft
  }

  /// Whether enough is known of any tenant.
  var knowsAny: Bool {
    state.withLock { state in
      !state.past.isEmpty || state.syncs.values.contains { $0.isKnown }
    }
  }

  /// Takes note of tenants that stand in the file and are not loaded yet.
  func remember(_ tenantIDs: some Sequence<String>) {
    state.withLock { state in
      for tenantID in tenantIDs where state.past.count < Limits.tenantsMax {
        state.past[tenantID] = CacheUse.Totals()
      }
    }
  }

  /// The tenant, loaded if it is one that was left to the file: there is news of it, which must be
  /// kept beside what is stored.
  func recall(_ tenantID: String) -> TenantSync? {
    let (sync, wasLeft) = state.withLock { ($0.syncs[tenantID], $0.past[tenantID] != nil) }
    if let sync { return sync }
    guard wasLeft, let loaded = follow(tenantID) else { return nil }
    // Nobody asked for it, so it need not stay for long.
    let idle = Int64((Limits.idleTenantSeconds - Limits.recalledTenantSeconds) * 1000)
    loaded.use.touch(at: environment.time.now().advanced(byMilliseconds: -idle))
    return loaded
  }

  /// Begins to keep the budget.
  func start() {
    sweeper.withLock { sweeper in
      if sweeper == nil { sweeper = Task { await self.keepBudget() } }
    }
  }

  /// Ends everything that runs for the tenants; the caller bounds the time by cancelling.
  func stop() async {
    let (syncs, leaving) = state.withLock { state in
      state.isStopped = true
      return (Array(state.syncs.values), Array(state.leaving.values))
    }
    let sweeper = sweeper.withLock { $0 }
    sweeper?.cancel()
    await withTaskGroup { group in
      for sync in syncs { group.addTask { await sync.stop() } }
      for task in leaving {
        group.addTask {
          await withTaskCancellationHandler {
            await task.value
          } onCancel: {
            task.cancel()
          }
        }
      }
    }
    await sweeper?.value
  }

  /// The tenant's sync, loaded from the file if this is its first use since it was left.
  ///
  /// - Returns: nil when it may not be followed or no more fit.
  func follow(_ tenantID: String) -> TenantSync? {
    if let sync = self[tenantID] { return sync }
    guard !tenantID.isEmpty else { return nil }
    let backlog: OutboxStore.Backlog?
    do {
      backlog = try environment.outbox.backlog(tenantID: tenantID)
    } catch {
      // Without its backlog the tenant's credits would be spent twice.
      environment.log(.error, "tenant \(tenantID): the outbox could not be read: \(error)")
      return nil
    }
    return add(tenantID, backlog: backlog, delaySeconds: 0)
  }

  /// Loads the tenant and starts it, unless somebody was faster.
  ///
  /// - Returns: the sync that runs.
  @discardableResult
  func add(
    _ tenantID: String, backlog: OutboxStore.Backlog?, delaySeconds: Double
  ) -> TenantSync? {
    let sync = TenantSync(
      tenantID: tenantID, queuedUnits: backlog?.units ?? 0, queuedRows: backlog?.rows ?? 0,
      environment: environment)
    restore(sync)
    let (present, previous, isNew) = state.withLock { state in
      add(sync, to: &state)
    }
    if isNew {
      state.withLock { $0.newcomer }?(sync)
      sync.start(delaySeconds: delaySeconds, after: previous)
      alarm.ring()
    }
    return present
  }

  private func add(
    _ sync: TenantSync, to state: inout State
  ) -> (present: TenantSync?, previous: Task<Void, Never>?, isNew: Bool) {
    if let present = state.syncs[sync.tenantID] { return (present, nil, false) }
    guard !state.isStopped, state.syncs.count < Limits.tenantsMax else { return (nil, nil, false) }
    if let past = state.past.removeValue(forKey: sync.tenantID) { sync.use.add(past) }
    state.syncs[sync.tenantID] = sync
    return (sync, state.leaving[sync.tenantID], true)
  }

  private func restore(_ sync: TenantSync) {
    do {
      sync.restore(try environment.snapshots.load(tenantID: sync.tenantID))
    } catch {
      environment.log(
        .error, "tenant \(sync.tenantID): the stored snapshot could not be read: \(error)")
    }
  }
}

extension FollowedTenants {
  /// How the caches of one tenant, or of all, are used.
  func metrics(tenantID: String?) -> CacheMetrics {
    let (syncs, past) = state.withLock { state in
      guard let tenantID else { return (Array(state.syncs.values), Array(state.past.values)) }
      return (
        state.syncs[tenantID].map { [$0] } ?? [], state.past[tenantID].map { [$0] } ?? []
      )
    }
    var metrics = CacheMetrics()
    metrics.memoryBudgetBytes = environment.configuration.memoryBytesMax
    for totals in past + syncs.map(\.use.totals) { metrics.add(totals) }
    for sync in syncs {
      metrics.sizes += sync.sizes
      metrics.memoryBytes += sync.heldBytes
    }
    if tenantID == nil { metrics.memoryBytes += environment.onDemand.heldBytes }
    return metrics
  }

  /// Leaves to the file what nobody uses and what the budget has no room for.
  ///
  /// Tenants that nobody asked about for ten minutes go whole. Over the budget the least recently
  /// used tenants first give up what is operational (profiles, units, settings, and what was worked
  /// out from them), which costs a read of the file at their next use; only when that is not enough
  /// whole tenants go, whose next use may have to wait for the Wrapper.
  func sweep() { sweep(budget: environment.configuration.memoryBytesMax) }

  func sweep(budget: Int) {
    let now = environment.time.now().milliseconds
    let byUse = byID.values.map { (sync: $0, lastUsed: $0.use.lastUsedMilliseconds) }
      .sorted { $0.lastUsed < $1.lastUsed }
    var held = byUse.map { ($0.sync, bytes: $0.sync.heldBytes) }
    var total = held.reduce(environment.onDemand.heldBytes) { $0 + $1.bytes }
    let idle = byUse.prefix { now - $0.lastUsed >= Int64(Limits.idleTenantSeconds * 1000) }.count
    guard idle > 0 || total > budget else { return }
    // A little less than the budget, so that not every new text begins another sweep.
    let goal = total > budget ? budget / 10 * 9 : budget
    if total > budget {
      total -= environment.onDemand.heldBytes
      environment.onDemand.forgetAll()
      for index in held.indices where total > goal {
        guard held[index].0.dropOperational() else { continue }
        let bytes = held[index].0.heldBytes
        total -= held[index].bytes - bytes
        held[index].bytes = bytes
      }
    }
    guard idle > 0 || total > goal else { return }
    for index in held.indices where index < idle || total > goal {
      if leave(held[index].0) { total -= held[index].bytes }
    }
  }

  /// Leaves one tenant to the file.
  ///
  /// - Returns: whether it is in memory no more.
  func leave(_ tenantID: String) -> Bool { self[tenantID].map { leave($0) } ?? true }

  private func keepBudget() async {
    let probe = RecoveryProbe(environment: environment)
    while !Task.isCancelled {
      sweep()
      probe.check(byID.values)
      // Many that are loaded one after the other are one reason to look, not many; only stopping
      // ends the pause early.
      try? await Task.sleep(for: .seconds(Limits.sweepSpacingSeconds))
      await alarm.wait(seconds: Limits.sweepSeconds)
    }
  }

  /// Ends the tenant's sync; what is known of it stays in the file.
  ///
  /// - Returns: false when something of it is under way that only memory knows.
  private func leave(_ sync: TenantSync) -> Bool {
    let tenantID = sync.tenantID
    guard !hasBacklog(tenantID) else { return false }
    return state.withLock { state in
      guard !state.isStopped, state.syncs[tenantID] === sync, state.leaving[tenantID] == nil,
        sync.account.retire()
      else { return false }
      state.syncs[tenantID] = nil
      if state.past.count < Limits.tenantsMax, sync.isKnown {
        state.past[tenantID] = sync.use.totals
      }
      state.leaving[tenantID] = Task {
        await sync.storeAge()
        await sync.stop()
        self.left(tenantID)
      }
      return true
    }
  }

  /// Whether something waits to be shipped; a file that cannot be read leaves it open, so yes.
  private func hasBacklog(_ tenantID: String) -> Bool {
    guard environment.configuration.shipsActivities else { return false }
    do {
      return try environment.outbox.backlog(tenantID: tenantID) != nil
    } catch {
      return true
    }
  }

  /// The tenant's last loop has ended: what was queued in that moment needs somebody to ship it.
  private func left(_ tenantID: String) {
    state.withLock { $0.leaving[tenantID] = nil }
    if hasBacklog(tenantID) { _ = follow(tenantID) }
  }
}
