/// Header fields in the order they came; names compare without case (RFC 9110 section 5.1).
public struct HTTPHeaders: Sendable, ExpressibleByDictionaryLiteral {
  /// One field line.
  public struct Field: Sendable {
    /// The name as it was written.
    public var name: String
    /// The value without surrounding space.
    public var value: String
  }

  /// The field lines in order.
  public private(set) var fields: [Field] = []

  /// No fields, with room for `capacity` of them.
  public init(capacity: Int = 0) {
    fields.reserveCapacity(capacity)
  }

  /// The field lines in order.
  public init(dictionaryLiteral elements: (String, String)...) {
    for (name, value) in elements { add(name, value) }
  }

  /// Appends a field line.
  public mutating func add(_ name: String, _ value: String) {
    fields.append(Field(name: name, value: value))
  }

  /// The first value of `name`; setting replaces all lines of that name, nil removes them.
  public subscript(name: String) -> String? {
    get { fields.first { Self.areEqual($0.name, name) }?.value }
    set {
      fields.removeAll { Self.areEqual($0.name, name) }
      if let newValue { add(name, newValue) }
    }
  }

  /// All values of `name` in order.
  public func values(_ name: String) -> [String] {
    fields.filter { Self.areEqual($0.name, name) }.map(\.value)
  }

  /// Whether two field names are the same, ASCII case aside.
  public static func areEqual(_ left: String, _ right: String) -> Bool {
    let (left, right) = (left.utf8.span, right.utf8.span)
    guard left.count == right.count else { return false }
    for place in left.indices where lowerCase(left[place]) != lowerCase(right[place]) {
      return false
    }
    return true
  }

  private static func lowerCase(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
  }
}
