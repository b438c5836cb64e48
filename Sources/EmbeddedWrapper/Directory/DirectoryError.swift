public import Database
internal import SQLite

/// Why a change of the directory was not made.
public enum DirectoryError: Error, Sendable, Equatable {
  /// What was named does not exist: `tenant`, `unit`, `role` or `user`.
  case notFound(String)
  /// Another one holds the same `id`, `email` or `name` already.
  case duplicate(String)
  /// The value of a field cannot be taken; the second says why, in words for the operator.
  case invalid(String, String)
  /// The tenant has a unit at the top already, and there is one only.
  case secondOrganization
  /// Something still hangs from what was to be removed.
  case inUse
  /// Nobody would be left who may administer the tenant.
  case lastAdministrator
  /// Somebody exists, so that the first run is over.
  case alreadySetUp
  /// The token of the first run is another one, or has expired.
  case wrongSetupToken
  /// It has changed since it was read.
  case changed
  /// Who was to run the change together with something else did not run it.
  case notMade
  /// The database refused.
  case database(DatabaseError)

  /// The directory's word for whatever a transaction threw.
  init(_ error: any Error) {
    if let error = error as? DirectoryError {
      self = error
    } else if let error = error as? SQLiteError, error.isUniqueViolation {
      self = .duplicate(error.message.contains("email") ? "email" : "id")
    } else if let error = error as? SQLiteError, error.isConstraint {
      // ON DELETE RESTRICT is reported as SQLITE_CONSTRAINT_TRIGGER, not as a foreign key; what a
      // new row refers to was looked for before, so that only something hanging from it remains.
      self = .inUse
    } else if let error = error as? SQLiteError {
      self = .database(DatabaseError.mapping(error) ?? .sqlite(error))
    } else {
      self = .database(DatabaseError.mapping(error) ?? .sqlite(Self.unknown("\(error)")))
    }
  }

  private static func unknown(_ message: String) -> SQLiteError {
    SQLiteError(code: SQLiteError.misuseCode, message: message)
  }
}
