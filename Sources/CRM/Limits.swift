/// Every bound of this module, with its unit in the name.
public enum Limits {
  /// Names and titles.
  public static let nameCharactersMax = 255
  /// E-mail addresses (RFC 5321 section 4.5.3.1.3, less the angle brackets).
  public static let emailCharactersMax = 254
  /// Phone numbers.
  public static let phoneCharactersMax = 64
  /// Stages, types, sources and other short labels.
  public static let labelCharactersMax = 50
  /// How deep JSON members may nest: an activity entry carries them some levels further down.
  public static let memberDepthMax = 16
  /// All other text, and each JSON member, in bytes of UTF-8.
  public static let textBytesMax = 64 * 1024
  /// Money: the absolute value is below 10^13, in cents.
  public static let moneyUnitsMax: Int64 = 1_000_000_000_000_000
  /// Tags on one record.
  public static let tagsMax = 50
  /// Characters of one tag.
  public static let tagCharactersMax = 64
  /// Records on one page.
  public static let pageRecordsMax = 200
  /// Records on a page when nothing is said.
  public static let pageRecordsDefault = 50
  /// The last record that `page` and `pageSize` may reach; keyset paging has no such bound.
  public static let offsetRecordsMax = 100_000
  /// Conditions in one query string.
  public static let filtersMax = 40
  /// Values in one `in` or `nin`.
  public static let listedValuesMax = 200
  /// Sort keys in one query string.
  public static let sortKeysMax = 5
  /// An answer that is kept for its Idempotency-Key, in bytes.
  public static let idempotentAnswerBytesMax = 256 * 1024
  /// How long it is kept, in milliseconds.
  public static let idempotentAnswerMilliseconds: Int64 = 24 * 3600 * 1000
  /// How long the change log is kept, in milliseconds.
  public static let changeLogMilliseconds: Int64 = 7 * 24 * 3600 * 1000
  /// Characters of `X-Reason`.
  public static let reasonCharactersMax = 500
}
