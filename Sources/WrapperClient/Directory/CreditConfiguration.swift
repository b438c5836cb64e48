public import JSON

/// What operations cost and how much a tenant may spend; amounts are 1/10,000 credit.
public struct CreditConfiguration: Sendable, Hashable {
  /// The plan's name, whatever it is.
  public let planType: String
  /// The most that may be spent in a calendar month; nil when there is no limit.
  public let monthlyLimitUnits: Int64?
  /// The most that may be spent in a day; nil when there is no limit.
  public let dailyLimitUnits: Int64?
  /// Whether the balance and the two limits above may be exceeded.
  public let overageAllowed: Bool
  /// How much may be stored.
  public let featureLimits: FeatureLimits
  /// The price list, for showing only.
  public let pricing: JSONValue
  /// The cost of each operation that has one.
  public let operations: [String: Int64]

  /// A tenant of which nothing is known yet: no costs and no limits.
  static let empty = CreditConfiguration(
    planType: "unknown", monthlyLimitUnits: nil, dailyLimitUnits: nil, overageAllowed: false,
    featureLimits: FeatureLimits(contacts: nil, deals: nil, emails: nil, storageBytes: nil),
    pricing: .object(JSONObject()), operations: [:])

  /// The same plan with other costs.
  func with(operations: [String: Int64]) -> CreditConfiguration {
    CreditConfiguration(
      planType: planType, monthlyLimitUnits: monthlyLimitUnits, dailyLimitUnits: dailyLimitUnits,
      overageAllowed: overageAllowed, featureLimits: featureLimits, pricing: pricing,
      operations: operations)
  }
}

/// The plan's limits on what is kept; nil is no limit.
///
/// `overageAllowed` never lifts them.
public struct FeatureLimits: Sendable, Hashable {
  /// Contacts outside the trash.
  public let contacts: Int64?
  /// Deals outside the trash.
  public let deals: Int64?
  /// Outbound e-mail interactions in a calendar month.
  public let emails: Int64?
  /// Bytes of files.
  public let storageBytes: Int64?
}
