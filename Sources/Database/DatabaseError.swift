internal import Glibc
public import SQLite

/// Why the database did not do what was asked.
public enum DatabaseError: Error, Sendable, Equatable {
  /// Another process, or another ``Database`` in this one, holds the file.
  case locked(pid: Int32?)
  /// The file was made by a newer program: its schema has the number `file`, this one knows up to
  /// `binary`.
  case newerSchema(file: Int, binary: Int)
  /// The file was made by an older program and may only be read here: its schema has the number
  /// `file`, this program wants `binary`.
  case olderSchema(file: Int, binary: Int)
  /// A migration that the file has had is another one in this program, or came out of order.
  case changedMigration(number: Int)
  /// More work waits than may wait; try again later.
  case overloaded
  /// The database is closed or closing.
  case closed
  /// The disk, or the quota, is full.
  case storageFull
  /// A lock was not to be had within the busy timeout.
  case busy
  /// The file is damaged or is no database.
  case corrupt
  /// The work ran past its deadline.
  case deadlineExceeded
  /// Anything else that SQLite reported.
  case sqlite(SQLiteError)

  /// The case that tells a caller what to do, or nil when the error says it best itself (such as
  /// a violated constraint, or an error that is not SQLite's).
  public static func mapping(_ error: any Error) -> DatabaseError? {
    if let error = error as? DatabaseError { return error }
    guard let error = error as? SQLiteError else { return nil }
    if error.isFull { return .storageFull }
    if error.isCorrupt { return .corrupt }
    if error.isInterrupted { return .deadlineExceeded }
    if error.isBusy { return .busy }
    return nil
  }

  /// Any error of SQLite as one of the cases.
  static func wrapping(_ error: SQLiteError) -> DatabaseError {
    mapping(error) ?? .sqlite(error)
  }
}

extension DatabaseError {
  /// A mutation that ended the transaction it was given.
  static let transactionEnded = DatabaseError.sqlite(
    SQLiteError(
      code: SQLiteError.misuseCode, message: "the mutation ended the transaction it ran in"))

  /// A file beside the database that cannot be opened, with the errno that said so.
  static func cannotOpen(_ path: String, _ errorNumber: Int32) -> DatabaseError {
    let reason = String(cString: strerror(errorNumber))
    return .sqlite(
      SQLiteError(
        code: SQLiteError.cannotOpenCode, message: "\(path): \(reason)",
        systemErrorNumber: errorNumber))
  }
}
