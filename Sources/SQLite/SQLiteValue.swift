/// A value that is bound to a statement's question mark (sqlite.org/datatype3.html).
public enum SQLiteValue: Sendable, Hashable {
  /// NULL.
  case null
  /// A 64-bit signed integer.
  case integer(Int64)
  /// A 64-bit floating-point number.
  case real(Double)
  /// UTF-8 text.
  case text(String)
  /// Bytes.
  case blob([UInt8])

  /// Text, or NULL for nil.
  public init(_ text: String?) { self = text.map(Self.text) ?? .null }

  /// An integer, or NULL for nil.
  public init(_ integer: Int64?) { self = integer.map(Self.integer) ?? .null }

  /// Bytes, or NULL for nil.
  public init(_ blob: [UInt8]?) { self = blob.map(Self.blob) ?? .null }

  /// 1 for true and 0 for false.
  public init(_ flag: Bool) { self = .integer(flag ? 1 : 0) }

  /// An integer of any width that fits 64 bits.
  public static func integer(_ value: Int) -> SQLiteValue { .integer(Int64(value)) }
}

extension SQLiteValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
  /// Text.
  public init(stringLiteral value: String) { self = .text(value) }
  /// An integer.
  public init(integerLiteral value: Int64) { self = .integer(value) }
  /// A floating-point number.
  public init(floatLiteral value: Double) { self = .real(value) }
  /// 1 for true and 0 for false.
  public init(booleanLiteral value: Bool) { self = .integer(value ? 1 : 0) }
  /// NULL.
  public init(nilLiteral: ()) { self = .null }
}
