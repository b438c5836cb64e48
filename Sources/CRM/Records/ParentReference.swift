internal import HTTP
internal import SQLite

/// The record that others hang from, as a path names it: `/api/deals/{id}/notes`.
public struct ParentReference: Sendable {
  let resource: Resource
  /// Its id.
  public let id: String

  /// The record of that id.
  public init(_ resource: Resource, id: String) {
    self.resource = resource
    self.id = id
  }

  /// The condition that a row `t` hangs from it.
  var condition: SQLFragment {
    SQLFragment(
      " AND t.entity_type = ? AND t.entity_id = ?",
      [.text(resource.description.entityType), .text(id)])
  }

  /// - Throws: 404 unless `record` hangs from it and the caller may read it.
  func check(
    _ record: Record, _ caller: Caller, catalog: Catalog, in connection: borrowing Connection
  ) throws {
    guard record["entityType"].text == resource.description.entityType,
      record["entityId"].text == id,
      try isReadable(caller, catalog: catalog, in: connection)
    else { throw Problem.notFound(record.resource.description.entityType) }
  }

  /// - Throws: 404 unless the caller may read a live record of that id.
  func requireReadable(
    _ caller: Caller, catalog: Catalog, in connection: borrowing Connection
  ) throws {
    guard try isReadable(caller, catalog: catalog, in: connection) else {
      throw Problem.notFound(resource.description.entityType)
    }
  }

  private func isReadable(
    _ caller: Caller, catalog: Catalog, in connection: borrowing Connection
  ) throws -> Bool {
    try References.exists(
      resource.description.entityType, id, caller: caller, catalog: catalog, in: connection)
  }
}
