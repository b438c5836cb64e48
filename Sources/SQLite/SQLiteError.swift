internal import CSQLite
internal import Glibc

/// What SQLite reported (sqlite.org/rescode.html).
///
/// Bound values never stand in it.
public struct SQLiteError: Error, Sendable, Equatable {
  /// The extended result code.
  public let code: Int32
  /// SQLite's own words.
  public let message: String
  /// The statement at fault with its question marks, or nil when there was none.
  public let sql: String?
  /// errno of the failing system call for an I/O error, else 0.
  public let systemErrorNumber: Int32

  /// An error with the given extended result code.
  public init(code: Int32, message: String, sql: String? = nil, systemErrorNumber: Int32 = 0) {
    self.code = code
    self.message = message
    self.sql = sql
    self.systemErrorNumber = systemErrorNumber
  }

  /// The result code without its extension.
  public var primaryCode: Int32 { code & 0xff }

  /// Whether another connection held a lock for longer than the busy timeout.
  public var isBusy: Bool { primaryCode == SQLITE_BUSY || primaryCode == SQLITE_LOCKED }
  /// Whether there is no room left: on the disk, in the quota, or up to `max_page_count`.
  public var isFull: Bool {
    primaryCode == SQLITE_FULL
      || primaryCode == SQLITE_IOERR && [ENOSPC, EDQUOT].contains(systemErrorNumber)
  }
  /// Whether the deadline of the connection passed while the statement ran.
  public var isInterrupted: Bool { primaryCode == SQLITE_INTERRUPT }
  /// Whether any constraint of the schema was violated.
  public var isConstraint: Bool { primaryCode == SQLITE_CONSTRAINT }
  /// Whether a row of the same key exists already.
  public var isUniqueViolation: Bool {
    code == Self.constraintUnique || code == Self.constraintPrimaryKey
  }
  /// Whether a row refers to another that does not exist, or is referred to.
  public var isForeignKeyViolation: Bool { code == Self.constraintForeignKey }
  /// Whether the file is damaged or is no database.
  public var isCorrupt: Bool {
    primaryCode == SQLITE_CORRUPT || primaryCode == SQLITE_NOTADB
  }
  /// Whether the connection or the file does not allow writing.
  public var isReadOnly: Bool { primaryCode == SQLITE_READONLY }

  /// SQLITE_CANTOPEN, for a file that this program opens beside SQLite.
  public static let cannotOpenCode = SQLITE_CANTOPEN

  /// SQLITE_MISUSE, for code that breaks the rules of this program.
  public static let misuseCode = SQLITE_MISUSE

  // The extended codes are macros with a shift, which Swift does not import.
  static let constraintForeignKey = SQLITE_CONSTRAINT | 3 << 8
  static let constraintPrimaryKey = SQLITE_CONSTRAINT | 6 << 8
  static let constraintUnique = SQLITE_CONSTRAINT | 8 << 8
}
