/// A JSON value (RFC 8259) whose numbers keep their digits.
public enum JSONValue: Sendable, Hashable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number as it was written, so that no decimal drifts.
  case number(JSONNumber)
  /// A string.
  case string(String)
  /// An array.
  case array([JSONValue])
  /// An object with its members in order.
  case object(JSONObject)

  /// The string, or nil when the value is of another kind.
  public var string: String? {
    guard case .string(let value) = self else { return nil }
    return value
  }

  /// The whole number, or nil when the value is another kind or has a fraction.
  public var integer: Int64? {
    guard case .number(let value) = self else { return nil }
    return value.units(scale: 0)
  }

  /// The truth value, or nil when the value is of another kind.
  public var bool: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }

  /// The elements, or nil when the value is of another kind.
  public var array: [JSONValue]? {
    guard case .array(let value) = self else { return nil }
    return value
  }

  /// The object, or nil when the value is of another kind.
  public var object: JSONObject? {
    guard case .object(let value) = self else { return nil }
    return value
  }

  /// The member `name` of an object; nil when there is none or this is no object.
  public subscript(name: String) -> JSONValue? { object?[name] }

  /// Whether the value is `null`.
  public var isNull: Bool { self == .null }

  /// An integer as a JSON number.
  public static func integer(_ value: some BinaryInteger) -> JSONValue {
    .number(JSONNumber(unchecked: String(value)))
  }

  /// `units` × 10^-scale as a JSON number.
  public static func decimal(units: Int64, scale: Int) -> JSONValue {
    .number(JSONNumber(units: units, scale: scale))
  }

  /// The compact text as bytes.
  public var bytes: [UInt8] {
    var writer = JSONWriter()
    writer.value(self)
    return writer.bytes
  }

  /// The compact text.
  public var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral,
  ExpressibleByNilLiteral
{
  /// A string.
  public init(stringLiteral value: String) { self = .string(value) }

  /// True or false.
  public init(booleanLiteral value: Bool) { self = .bool(value) }

  /// A whole number.
  public init(integerLiteral value: Int) { self = .integer(value) }
  /// A number, in the shortest text that gives the same floating-point value.
  public init(floatLiteral value: Double) { self = .number(JSONNumber(unchecked: "\(value)")) }

  /// An array of the elements in order.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

  /// Null.
  public init(nilLiteral: ()) { self = .null }

  /// An object of the members in order.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(JSONObject(elements.map { ($0.0, $0.1) }))
  }
}
