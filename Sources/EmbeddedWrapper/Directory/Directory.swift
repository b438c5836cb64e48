public import Database
internal import JSON
internal import SQLite
internal import Synchronization
public import Values

/// Administration of the embedded Wrapper: tenants, units, roles, users and credits.
///
/// Every change is one transaction, with what it says on the feed. Readers of the endpoints
/// see it at once.
public final class Directory: Sendable {
  let database: Database
  let time: TimeSource
  let random: RandomSource
  /// Who waits for the next event.
  let feed: FeedSignal
  /// Runs every change together with what somebody else writes; nil for changes by themselves.
  private let frame: Frame?

  /// Runs a change, and what belongs to it, as one transaction.
  typealias Frame =
    @Sendable (
      _ change: @escaping @Sendable (borrowing Connection) throws -> Void
    ) async throws -> Void

  /// The directory that lies in `database`.
  public init(database: Database, time: TimeSource, random: RandomSource) {
    self.database = database
    self.time = time
    self.random = random
    feed = FeedSignal()
    frame = nil
  }

  private init(_ directory: Directory, _ frame: @escaping Frame) {
    database = directory.database
    time = directory.time
    random = directory.random
    feed = directory.feed
    self.frame = frame
  }

  /// The same directory, with every change inside `frame`.
  func framed(_ frame: @escaping Frame) -> Directory { Directory(self, frame) }
}

extension Directory {
  /// The longest name or title, in characters.
  static let textCharactersMax = 255
  /// How deep units may stand below one another: an answer nests twice as deep.
  static let unitLevelsMax = 12

  /// Runs `body`, which announces what it changes, as one transaction, and wakes the feed.
  @discardableResult
  func change<Value: Sendable>(
    _ body: @escaping @Sendable (borrowing Connection) throws -> Value
  ) async throws(DirectoryError) -> Value {
    let value = try await write(body)
    feed.ring()
    return value
  }

  /// Runs `body`, of which the feed says nothing, as one transaction.
  @discardableResult
  func write<Value: Sendable>(
    _ body: @escaping @Sendable (borrowing Connection) throws -> Value
  ) async throws(DirectoryError) -> Value {
    do {
      guard let frame else { return try await database.write(body) }
      let result = Mutex<Value?>(nil)
      try await frame { connection in
        let value = try body(connection)
        result.withLock { $0 = value }
      }
      guard let value = result.withLock({ $0 }) else { throw DirectoryError.notMade }
      return value
    } catch {
      throw DirectoryError(error)
    }
  }

  /// Runs `body` on one snapshot.
  func look<Value>(
    _ body: (borrowing Connection) throws -> Value
  ) throws(DirectoryError) -> Value {
    do {
      return try database.read(body)
    } catch {
      throw DirectoryError(error)
    }
  }

  func newID() -> String {
    UUIDv7.make(at: time.now(), random: random)
  }

  /// An id that may stand in paths, in headers and between slashes.
  static func checkedID(
    _ id: String, _ field: String = "id"
  ) throws(DirectoryError) -> String {
    let isPlain = id.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
        UInt8(ascii: "."), UInt8(ascii: ":"):
        true
      default: false
      }
    }
    guard isPlain, (1...64).contains(id.utf8.count) else {
      throw .invalid(field, "an id is 1 to 64 letters, digits and - _ . :")
    }
    return id
  }

  static func checked(_ text: String, _ field: String) throws(DirectoryError) -> String {
    guard !text.isEmpty, text.count <= textCharactersMax,
      !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f })
    else {
      throw .invalid(
        field, "a text of 1 to \(textCharactersMax) characters without control characters")
    }
    return text
  }

  /// Throws unless `sql`, which counts or selects by `values`, finds a row.
  static func require(
    _ what: String, _ connection: borrowing Connection, _ sql: String, _ values: [SQLiteValue]
  ) throws {
    guard try connection.first(sql, values, { _ in true }) != nil else {
      throw DirectoryError.notFound(what)
    }
  }

  static func object(_ text: String?) -> JSONObject {
    // What stands in the column was written from an object.
    text.flatMap { try? JSONParser.parse($0) }?.object ?? JSONObject()
  }
}
