/// The names and values of a query, `status=open&tag=a+b`, decoded and in order.
public struct QueryItems: Sendable {
  /// One name with its value.
  public struct Item: Sendable, Equatable {
    /// The decoded name.
    public var name: String
    /// The decoded value; empty when there was no equals sign.
    public var value: String
    /// Where the name begins in the query string, in characters.
    public internal(set) var nameOffset: Int
    /// Where the value begins in the query string, in characters.
    public internal(set) var valueOffset: Int

    /// An item of a decoded name and value; the offsets are where they were sent, if they were.
    public init(name: String, value: String, nameOffset: Int = 0, valueOffset: Int = 0) {
      self.name = name
      self.value = value
      self.nameOffset = nameOffset
      self.valueOffset = valueOffset
    }
  }

  /// How many items a query may have.
  public static let countMax = 100

  /// The items in order.
  public let items: [Item]
  /// The query string as it was sent, where the items were read from one.
  private let query: String?

  /// Items that have been decoded already.
  public init(_ items: [Item]) {
    self.items = items
    query = nil
  }

  /// The items of `query`, which does not hold the question mark.
  ///
  /// Items are separated by `&`; empty ones are skipped.
  ///
  /// - Throws: 400 `invalid_parameter` for broken percent-encoding, `%00`, bytes that are no
  ///   UTF-8, and more than ``countMax`` items.
  public init(parsing query: String) throws(Problem) {
    var items: [Item] = []
    self.query = query
    let start = query.utf8.startIndex
    for piece in query.utf8.split(separator: UInt8(ascii: "&")) {
      guard items.count < Self.countMax else {
        throw Problem(
          .invalidParameter, "The query has more than \(Self.countMax) parameters.")
      }
      let equals = piece.firstIndex(of: UInt8(ascii: "="))
      let rest = equals.map { piece[piece.index(after: $0)...] }
      let nameOffset = query.utf8.distance(from: start, to: piece.startIndex)
      let valueOffset = query.utf8.distance(from: start, to: rest?.startIndex ?? piece.endIndex)
      guard let name = PercentEncoding.decodeForm(piece[..<(equals ?? piece.endIndex)]) else {
        throw Self.undecodable("name", piece[..<(equals ?? piece.endIndex)], at: nameOffset)
      }
      guard let value = rest.map(PercentEncoding.decodeForm) ?? "" else {
        throw Self.undecodable("value", rest ?? piece, of: name, at: valueOffset)
      }
      items.append(
        Item(name: name, value: value, nameOffset: nameOffset, valueOffset: valueOffset))
    }
    self.items = items
  }

  private static func undecodable(
    _ part: String, _ bytes: Substring.UTF8View, of name: String? = nil, at position: Int
  ) -> Problem {
    let token = String(decoding: bytes, as: UTF8.self)
    return Problem(
      .invalidParameter, "The \(part) of a query parameter is not valid UTF-8, percent-encoded.",
      issues: [
        .init(
          pointer: "", code: "invalid_parameter", detail: "the \(part) is not well encoded",
          place: QueryPlace(parameter: name ?? token, token: token, position: position))
      ])
  }

  /// The offset in the query string, in characters, of what stands `count` decoded bytes behind
  /// the offset `start`; nil where the query string is not known.
  func offset(after count: Int, from start: Int) -> Int? {
    guard let bytes = query?.utf8 else { return nil }
    var index = bytes.index(bytes.startIndex, offsetBy: min(start, bytes.count))
    for _ in 0..<count where index < bytes.endIndex {
      let width = bytes[index] == UInt8(ascii: "%") ? 3 : 1
      index = bytes.index(index, offsetBy: width, limitedBy: bytes.endIndex) ?? bytes.endIndex
    }
    return bytes.distance(from: bytes.startIndex, to: index)
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
