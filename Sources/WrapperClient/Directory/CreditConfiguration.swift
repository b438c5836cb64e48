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

/// Sizes as plans write them: `5GB` is 5·10^9 bytes, `5GiB` is 5·2^30.
enum StorageSize {
  private static let factors: [(suffix: String, bytes: Int64)] = [
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1),
  ]

  /// The bytes that `text` names, with up to three decimals; nil when it names none.
  static func bytes(_ text: String) -> Int64? {
    for (suffix, factor) in factors where text.hasSuffix(suffix) {
      let digits = text.dropLast(suffix.count).filter { $0 != " " }
      guard let thousandths = JSONNumber(unchecked: String(digits)).units(scale: 3),
        thousandths >= 0
      else { return nil }
      let (product, overflow) = thousandths.multipliedReportingOverflow(by: factor)
      return overflow ? nil : product / 1000
    }
    return nil
  }
}
