import Cryptography
import SQLite
import Values

/// Somebody who may write the file while no server runs: changes entries, and computes hashes anew
/// by the rules that everybody can read, but has no key.
final class ChainForge {
  let connection: Connection

  /// Opens the file and removes what would keep its log from being changed.
  init(_ path: String) throws {
    connection = try Connection(path: path, mode: .readWrite)
    for name in [
      "crm_activities_no_update", "crm_activities_no_delete", "activity_checkpoints_no_update",
      "activity_checkpoints_no_delete",
    ] {
      try connection.execute("DROP TRIGGER IF EXISTS \(name)")
    }
  }

  /// The columns that each hash is taken over.
  private static let core = [
    "id", "tenant_id", "user_id", "operation", "entity_id", "entity_type", "credit_units",
    "timestamp", "unit_id", "unit_path", "source", "received_at",
  ]
  private static let personal = [
    "salt", "session_id", "user_context", "permissions", "metadata", "compliance",
  ]

  func run(_ sql: String, _ values: [SQLiteValue] = []) throws {
    try connection.run(PreparedStatements.testMark + sql, values)
  }

  func number(_ sql: String) throws -> Int64 {
    try connection.first(PreparedStatements.testMark + sql) { $0.integer(0) ?? 0 } ?? 0
  }

  /// The hash over parts, each behind its length in four bytes, the greatest length for what is
  /// missing.
  private static func hash(_ domain: String, _ parts: [[UInt8]?]) -> [UInt8] {
    var bytes: [UInt8] = []
    for part in [Array(domain.utf8)] + parts {
      let length = part.map { UInt32($0.count) } ?? UInt32.max
      bytes += (0..<4).reversed().map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) }
      bytes += part ?? []
    }
    return SHA256.hash(bytes)
  }

  /// Gives every entry of a tenant the hashes that its content and place call for, from `first` on.
  func relink(_ tenantID: String, from first: Int64 = 1) throws {
    let columns = (Self.core + Self.personal).joined(separator: ", ")
    var previous =
      try connection.first(
        "SELECT hash FROM crm_activities WHERE tenant_id = ? AND seq = ?",
        [.text(tenantID), .integer(first - 1)]
      ) { $0.blob(0) ?? [] } ?? []
    let entries = try connection.all(
      """
      SELECT rowid, seq, \(columns) FROM crm_activities WHERE tenant_id = ? AND seq >= ?
      ORDER BY seq
      """,
      [.text(tenantID), .integer(first)]
    ) { row in
      var core = (0..<Self.core.count).map { row.blob($0 + 2) }
      core[6] = Array(FixedPoint.text(units: row.integer(8) ?? 0, scale: 4).utf8)
      if core.last == .some(nil) { core.removeLast() }
      let personal = (0..<Self.personal.count).map { row.blob($0 + 2 + Self.core.count) }
      return (row.integer(0) ?? 0, row.integer(1) ?? 0, core, personal)
    }
    for (rowID, seq, core, personal) in entries {
      let coreHash = Self.hash("cardfile/core/1", core)
      let personalHash = Self.hash("cardfile/personal/1", personal)
      previous = SHA256.hash(previous + coreHash + personalHash)
      try run(
        "UPDATE crm_activities SET core_hash = ?, personal_hash = ?, hash = ? WHERE rowid = ?",
        [.blob(coreHash), .blob(personalHash), .blob(previous), .integer(rowID)])
      try run(
        "UPDATE activity_chains SET seq = ?, head = ? WHERE tenant_id = ?",
        [.integer(seq), .blob(previous), .text(tenantID)])
    }
  }

  /// Appends a copy of the newest entry as another one, linked as it should be.
  func append(_ tenantID: String, id: String, _ changes: [(String, SQLiteValue)] = []) throws {
    let newest = try number("SELECT max(seq) FROM crm_activities WHERE tenant_id = '\(tenantID)'")
    let columns =
      Self.core.dropFirst() + Self.personal
      + ["credit_cost", "created_at", "core_hash", "personal_hash", "hash"]
    let list = columns.joined(separator: ", ")
    try run(
      """
      INSERT INTO crm_activities (id, seq, \(list))
      SELECT ?, seq + 1, \(list) FROM crm_activities WHERE tenant_id = ? AND seq = ?
      """, [.text(id), .text(tenantID), .integer(newest)])
    for (column, value) in changes {
      try run("UPDATE crm_activities SET \(column) = ? WHERE id = ?", [value, .text(id)])
    }
    try relink(tenantID, from: newest + 1)
  }

  /// Turns one bit of a value over; nil for a value without bits.
  static func turned(
    _ value: SQLiteValue, bytes: [UInt8]?, _ random: inout SeededGenerator
  ) -> SQLiteValue? {
    switch value {
    case .null: return nil
    case .integer(let integer):
      return .integer(integer ^ 1 << Int64.random(in: 0..<63, using: &random))
    case .real(let real):
      return .real(
        Double(bitPattern: real.bitPattern ^ 1 << UInt64.random(in: 0..<64, using: &random)))
    case .text, .blob:
      guard var bytes, !bytes.isEmpty else { return nil }
      bytes[Int.random(in: bytes.indices, using: &random)] ^=
        1 << UInt8.random(in: 0..<8, using: &random)
      return .blob(bytes)
    }
  }
}
