internal import HTTP
internal import SQLite

/// Checks that what a record refers to exists, lives, and may be read by the caller.
enum References {
  /// - Throws: 422 `validation_failed` naming each member that refers to nothing the caller may
  ///   see; it never tells whether such a record exists.
  static func check(
    _ record: Record, before: Record?, at pointer: String, caller: Caller, catalog: Catalog,
    in connection: borrowing Connection
  ) throws {
    var issues: [Problem.Issue] = []
    for (place, field) in record.resource.fields.enumerated() {
      guard let entityType = record.entityType(referredToBy: field),
        let id = record.values[place].text,
        before?.values[place] != record.values[place]
          || before?.entityType(referredToBy: field) != entityType
      else { continue }
      if try !exists(entityType, id, caller: caller, catalog: catalog, in: connection) {
        issues.append(
          .init(
            pointer: "\(pointer)/\(field.name)", code: "unknown_reference",
            detail: "there is no such \(entityType)"))
      }
    }
    guard issues.isEmpty else { throw RecordBody.validation(issues) }
  }

  /// Whether `caller` may read a live record of that id.
  static func exists(
    _ entityType: String, _ id: String, caller: Caller, catalog: Catalog,
    in connection: borrowing Connection
  ) throws -> Bool {
    guard let target = catalog.resource(entityType: entityType),
      let scope = target.description.isCommon
        ? .server : caller.scope(target.description.operation("read"))
    else { return false }
    let predicate = scope.predicate(target)
    return try connection.first(
      """
      SELECT 1 FROM \(target.description.table) AS t
      WHERE t.tenant_id = ? AND t.id = ? AND t.deleted_at IS NULL\(predicate.sql)
      """,
      [.text(caller.tenantID), .text(id)] + predicate.values
    ) { _ in true } ?? false
  }
}

extension Record {
  /// The entity type of what the value of `field` names; nil when it names no record.
  func entityType(referredToBy field: Field) -> String? {
    switch field.type {
    case .reference(let entityType): entityType
    case .entity: self["entityType"].text
    default: nil
    }
  }
}
