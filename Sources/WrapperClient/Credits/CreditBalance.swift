public import Values

/// A tenant's balance as far as it is known here; amounts are 1/10,000 credit.
public struct CreditBalance: Sendable, Hashable {
  /// What the Wrapper said, less what was spent here and is not yet counted there.
  public let availableUnits: Int64
  /// Spent today, in the same way.
  public let dailyUsageUnits: Int64
  /// Spent this month, in the same way.
  public let monthlyUsageUnits: Int64
  /// When the Wrapper said so.
  public let readAt: Timestamp
}

/// Why an operation may not be paid for.
public enum CreditRefusal: Error, Sendable, Hashable {
  /// The two limits that a plan sets on spending.
  public enum Limit: String, Sendable {
    /// Per day.
    case daily
    /// Per calendar month.
    case monthly
  }

  /// The balance does not reach.
  case insufficient(availableUnits: Int64, requiredUnits: Int64)
  /// A limit of the plan would be passed.
  case limitExceeded(which: Limit, limitUnits: Int64, usedUnits: Int64)
  /// No balance was ever read, so that nothing can be decided.
  case unavailable
  /// The Wrapper has been away for too long.
  case readOnly
}
