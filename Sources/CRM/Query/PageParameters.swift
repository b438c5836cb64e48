public import HTTP

/// Which part of a list is wanted, for lists that no resource describes.
public struct PageParameters: Sendable {
  /// The parameters that are read here.
  public static let names = ["limit", "cursor", "page", "pageSize", "count"]

  /// Elements on a page.
  public private(set) var limit = Limits.pageRecordsDefault
  /// `nextCursor` of the page before.
  public private(set) var cursor: String?
  /// The number of the page, from 1, where it is asked for by number.
  public private(set) var page: Int?
  /// Whether `total` is wanted.
  public private(set) var wantsCount = false

  /// Reads the parameters out of `values`, by name.
  ///
  /// - Throws: 400 `invalid_parameter` naming the parameter at fault.
  public init(_ values: [String: String]) throws(Problem) {
    for name in ["limit", "pageSize"] {
      guard let value = values[name] else { continue }
      limit = try Self.number(value, name, in: 1...Limits.pageRecordsMax)
      if name == "pageSize" { page = 1 }
    }
    if let value = values["page"] {
      page = try Self.number(value, "page", in: 1...Limits.offsetRecordsMax)
    }
    if let value = values["count"] {
      guard ["true", "false"].contains(value) else {
        throw .invalidParameter("count", "must be true or false")
      }
      wantsCount = value == "true"
    }
    cursor = values["cursor"]
    if cursor != nil, page != nil {
      throw .invalidParameter("cursor", "cannot stand beside page or pageSize")
    }
    if let page, page * limit > Limits.offsetRecordsMax {
      throw .invalidParameter("page", "reaches too far; follow nextCursor instead")
    }
  }

  /// How many elements stand before the page that is asked for by number.
  public var offset: Int { ((page ?? 1) - 1) * limit }

  private static func number(_ value: String, _ name: String, in range: ClosedRange<Int>)
    throws(Problem) -> Int
  {
    guard let number = Int(value), range.contains(number) else {
      throw .invalidParameter(
        name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}
