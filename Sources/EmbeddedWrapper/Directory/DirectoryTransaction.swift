public import JSON
public import SQLite

/// Runs a change of the directory in a transaction of somebody who writes more in it, such as the
/// entry that tells of the change: both happen, or neither.
///
/// The change gives the thing as it was before and as it is after, nil where there is none. It may
/// be run twice, like every body of the writer.
public typealias DirectoryTransaction =
  @Sendable (
    _ change:
      @escaping @Sendable (borrowing Connection) throws -> (
        before: JSONValue?, after: JSONValue?
      )
  ) async throws -> Void
