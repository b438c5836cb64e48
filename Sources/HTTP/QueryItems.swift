/// The names and values of a query, `status=open&tag=a+b`, decoded and in order.
public struct QueryItems: Sendable {
  /// One name with its value.
  public struct Item: Sendable, Equatable {
    /// The decoded name.
    public var name: String
    /// The decoded value; empty when there was no equals sign.
    public var value: String
  }

  /// How many items a query may have.
  public static let countMax = 100

  /// The items in order.
  public let items: [Item]

  /// The items of `query`, which does not hold the question mark.
  ///
  /// Items are separated by `&`; empty ones are skipped.
  ///
  /// - Throws: 400 `invalid_parameter` for broken percent-encoding, `%00`, bytes that are no
  ///   UTF-8, and more than ``countMax`` items.
  public init(parsing query: String) throws(Problem) {
    var items: [Item] = []
    for piece in query.utf8.split(separator: UInt8(ascii: "&")) {
      guard items.count < Self.countMax else {
        throw Problem(
          .invalidParameter, "The query has more than \(Self.countMax) parameters.")
      }
      let equals = piece.firstIndex(of: UInt8(ascii: "="))
      let rest = equals.map { piece[piece.index(after: $0)...] }
      guard let name = PercentEncoding.decodeForm(piece[..<(equals ?? piece.endIndex)]) else {
        throw Problem(
          .invalidParameter, "The name of query parameter \(items.count + 1) is not valid.")
      }
      guard let value = rest.map(PercentEncoding.decodeForm) ?? "" else {
        throw Problem(
          .invalidParameter, "The value of query parameter \(items.count + 1) is not valid.")
      }
      items.append(Item(name: name, value: value))
    }
    self.items = items
  }

  /// The first value of `name`.
  public subscript(name: String) -> String? {
    items.first { $0.name == name }?.value
  }

  /// All values of `name` in order.
  public func all(_ name: String) -> [String] {
    items.filter { $0.name == name }.map(\.value)
  }
}
