/// Sizes as plans write them: `5GB` is 5·10^9 bytes, `5GiB` is 5·2^30.
public enum StorageSize {
  private static let factors: [(suffix: String, bytes: Int64)] = [
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1),
  ]

  /// The bytes that `text` names, with up to three decimals; nil when it names none.
  public static func bytes(_ text: String) -> Int64? {
    for (suffix, factor) in factors where text.hasSuffix(suffix) {
      let digits = String(text.dropLast(suffix.count).filter { $0 != " " })
      // Why it is no number does not matter here.
      guard let thousandths = try? FixedPoint.units(digits, scale: 3), thousandths >= 0 else {
        return nil
      }
      let (product, overflow) = thousandths.multipliedReportingOverflow(by: factor)
      return overflow ? nil : product / 1000
    }
    return nil
  }
}
