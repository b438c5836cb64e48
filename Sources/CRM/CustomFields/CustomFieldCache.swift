internal import Database
public import HTTP
internal import SQLite
internal import Synchronization

/// Copies of the tenants' definitions, so that a write looks at one row instead of all of them.
///
/// Nothing is written by a copy that does not belong to the state that the database names.
final class CustomFieldCache: Sendable {
  private struct Copy {
    let definitions: CustomFieldSet
    let byteCount: Int
    var lastUse: UInt64
  }

  private struct Copies {
    var byTenant: [String: Copy] = [:]
    var byteCount = 0
    var useCount: UInt64 = 0
  }

  private let copies = Mutex(Copies())

  /// The tenant's definitions as `connection` sees them.
  func definitions(of tenantID: String, in connection: borrowing Connection)
    throws(SQLiteError) -> CustomFieldSet
  {
    let state = try CustomFieldSet.state(of: tenantID, in: connection)
    if let copy = remembered(tenantID), copy.state == state { return copy }
    let definitions =
      try state.map { state throws(SQLiteError) in
        try CustomFieldSet.load(tenantID, state: state, in: connection)
      } ?? .none
    keep(definitions, of: tenantID)
    return definitions
  }

  /// The tenant's definitions as they were when somebody last looked; nil when they are not in
  /// memory.
  func remembered(_ tenantID: String) -> CustomFieldSet? {
    copies.withLock { copies in
      guard let copy = copies.byTenant[tenantID] else { return nil }
      copies.useCount += 1
      copies.byTenant[tenantID]?.lastUse = copies.useCount
      return copy.definitions
    }
  }

  /// Keeps a copy; those that were not used for longest make room.
  private func keep(_ definitions: CustomFieldSet, of tenantID: String) {
    let byteCount = definitions.byteCount
    copies.withLock { copies in
      if let old = copies.byTenant.removeValue(forKey: tenantID) {
        copies.byteCount -= old.byteCount
      }
      guard byteCount <= Limits.customFieldBytesMax else { return }
      copies.useCount += 1
      copies.byTenant[tenantID] = Copy(
        definitions: definitions, byteCount: byteCount, lastUse: copies.useCount)
      copies.byteCount += byteCount
      while copies.byteCount > Limits.customFieldBytesMax,
        let oldest = copies.byTenant.min(by: { $0.value.lastUse < $1.value.lastUse })
      {
        copies.byTenant[oldest.key] = nil
        copies.byteCount -= oldest.value.byteCount
      }
    }
  }
}

extension RecordStore {
  /// The custom fields that a tenant has defined.
  ///
  /// - Throws: what the database throws.
  public func customFields(of tenantID: String) throws -> CustomFieldSet {
    try database.read { connection in
      try definitions.definitions(of: tenantID, in: connection)
    }
  }

  /// The custom fields that a list's query string may name; nothing is read when it names none.
  ///
  /// - Throws: what the database throws.
  public func customFields(for query: QueryItems, tenantID: String) throws -> CustomFieldSet {
    guard query.items.contains(where: { $0.name.hasPrefix(CustomFieldFilter.prefix) }) else {
      return .none
    }
    return try customFields(of: tenantID)
  }
}
