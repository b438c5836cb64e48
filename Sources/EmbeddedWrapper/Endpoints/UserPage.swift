internal import Cryptography
internal import HTTP

/// A page of a tenant's people, as `limit`, `cursor`, `offset`, `count`, `active` and `q` ask for
/// it.
struct UserPage: Sendable {
  private var query = UserQuery()
  private let limit: Int
  private let wantsCount: Bool

  /// Reads the parameters.
  ///
  /// - Parameter limit: The users of a page when nothing is said.
  /// - Throws: 400 `invalid_parameter`, 400 `invalid_cursor`.
  init(_ items: QueryItems, limit: Int) throws(Problem) {
    let wanted = items["limit"].map { Int($0) } ?? limit
    guard let wanted, (1...Limits.usersPerPageMax).contains(wanted) else {
      throw Problem(
        .invalidParameter, "limit is a number from 1 to \(Limits.usersPerPageMax).")
    }
    self.limit = wanted
    wantsCount = items["count"] == "true"
    if let offset = items["offset"] {
      guard let offset = Int(offset), offset >= 0 else {
        throw Problem(.invalidParameter, "offset is a number from 0.")
      }
      query.offset = offset
    }
    if let cursor = items["cursor"], !cursor.isEmpty {
      guard let bytes = Base64.decodeURL(cursor), let id = String(validating: bytes, as: UTF8.self)
      else { throw Problem(.invalidCursor, "The cursor is none of this list.") }
      query.after = id
    }
    switch items["active"] {
    case nil: break
    case "true": query.isActive = true
    case "false": query.isActive = false
    default: throw Problem(.invalidParameter, "active is true or false.")
    }
    if let text = items["q"], !text.isEmpty { query.text = text }
  }

  /// How many there are on all pages; nil when nobody asks.
  func total(of directory: Directory, tenantID: String) throws(DirectoryError) -> Int? {
    wantsCount ? try directory.userCount(tenantID: tenantID, query) : nil
  }

  /// The users, and where the next page begins; nil when there is none.
  func users(
    of directory: Directory, tenantID: String
  ) throws(DirectoryError) -> ([UserRecord], nextCursor: String?) {
    var query = query
    query.limit = limit + 1
    let users = try directory.users(tenantID: tenantID, query)
    guard users.count > limit else { return (users, nil) }
    let page = Array(users.prefix(limit))
    return (page, page.last.map { Base64.encodeURL(Array($0.id.utf8)) })
  }
}
