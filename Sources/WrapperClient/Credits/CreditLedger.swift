internal import Values

/// The arithmetic of a tenant's credits: what may still be spent here.
///
/// Available = the balance read − costs the Wrapper had not acknowledged when that read was sent
/// − reservations. A cost acknowledged while the read was under way may be in the balance already
/// and is subtracted all the same: the error is on the safe side and ends with the next read.
struct CreditLedger: Sendable, Equatable {
  /// A balance as the Wrapper said it.
  struct Reading: Sendable, Equatable {
    var available: Int64
    var dailyUsage: Int64
    var monthlyUsage: Int64
    var readAt: Timestamp
    /// What had been acknowledged in all when the read was sent.
    var acknowledgedWhenSent: Int64
  }

  /// The newest reading.
  private(set) var reading: Reading?
  /// Costs that went to the outbox, in all, since the process started.
  private(set) var queued: Int64 = 0
  /// Costs the Wrapper acknowledged, in all; may run ahead of `queued` while an operation is
  /// between its commit and its word of it, which the reservation makes up for.
  private(set) var acknowledged: Int64 = 0
  /// Costs of operations that are being carried out.
  private(set) var reserved: Int64 = 0

  /// A ledger whose outbox holds `queued` from before.
  init(queued: Int64) {
    self.queued = queued
  }

  /// What may be spent now; nil when no balance was ever read.
  var available: Int64? {
    reading.map { $0.available - unacknowledged($0) - reserved }
  }

  /// The balance less what was spent here, whether or not operations are under way.
  var balance: CreditBalance? {
    reading.map { reading in
      CreditBalance(
        availableUnits: reading.available - unacknowledged(reading),
        dailyUsageUnits: reading.dailyUsage + unacknowledged(reading),
        monthlyUsageUnits: reading.monthlyUsage + unacknowledged(reading),
        readAt: reading.readAt)
    }
  }

  /// Takes a newer reading.
  ///
  /// One that was sent before the present one says nothing new.
  mutating func take(_ new: Reading) {
    if let reading, new.acknowledgedWhenSent < reading.acknowledgedWhenSent { return }
    reading = new
  }

  /// Sets `units` aside if balance and limits allow.
  mutating func reserve(
    _ units: Int64, limits configuration: CreditConfiguration
  ) throws(CreditRefusal) {
    guard !configuration.overageAllowed else {
      reserved += units
      return
    }
    guard let reading, let available else { throw .unavailable }
    guard available >= units else {
      throw .insufficient(availableUnits: available, requiredUnits: units)
    }
    let pending = unacknowledged(reading) + reserved
    try Self.check(
      .daily, used: reading.dailyUsage + pending, adding: units,
      limit: configuration.dailyLimitUnits)
    try Self.check(
      .monthly, used: reading.monthlyUsage + pending, adding: units,
      limit: configuration.monthlyLimitUnits)
    reserved += units
  }

  /// Sets `units` aside without asking: for costs that are only recorded.
  mutating func reserveUnchecked(_ units: Int64) {
    reserved += units
  }

  /// The operation failed, or its cost is nobody's to ship.
  mutating func release(_ units: Int64) {
    reserved -= units
  }

  /// The operation's entry is in the outbox.
  mutating func commit(_ units: Int64) {
    reserved -= units
    queued += units
  }

  /// The Wrapper counted `units` from the outbox.
  mutating func acknowledge(_ units: Int64) {
    acknowledged += units
  }

  /// The Wrapper will never count `units` from the outbox, because it refused their entry for good.
  mutating func discard(_ units: Int64) {
    queued -= units
  }

  private func unacknowledged(_ reading: Reading) -> Int64 {
    queued - reading.acknowledgedWhenSent
  }

  private static func check(
    _ which: CreditRefusal.Limit, used: Int64, adding units: Int64, limit: Int64?
  ) throws(CreditRefusal) {
    guard let limit, used + units > limit else { return }
    throw .limitExceeded(which: which, limitUnits: limit, usedUnits: used)
  }
}
