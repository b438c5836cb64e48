internal import CBenchmark
internal import CRM
internal import Database
internal import Foundation

/// A company with as many records as a small team gathers in years, beside what the Wrapper knows
/// of its users.
struct LargeCompany {
  /// Who looks, and how far their grants go.
  enum Viewer: Int, CaseIterable {
    case all, ownMany, ownFew, teamOfAll, teamOfTwo

    /// A heading of the table.
    var name: String {
      switch self {
      case .all: "whole tenant"
      case .ownMany: "own, 3 in 10"
      case .ownFew: "own, few"
      case .teamOfAll: "team of 20"
      case .teamOfTwo: "team of 2"
      }
    }

    /// The end of each permission; nil for who may do everything.
    fileprivate var scope: String? {
      switch self {
      case .all: nil
      case .ownMany, .ownFew: "own"
      case .teamOfAll, .teamOfTwo: "team"
      }
    }

    /// The unit that makes the team.
    fileprivate var unit: String { self == .teamOfAll ? "organization" : "department-\(rawValue)" }

    var userID: String { TenantCompanies.userID(1, rawValue) }
  }

  let contacts: Int

  /// Writes the company into the file of a server that is not running.
  ///
  /// What follows from records is made by the server's own code.
  ///
  /// - Throws: ``BenchmarkError``, what opening the file throws.
  func fill(_ path: String) async throws {
    try TenantCompanies.fill(path, count: 1)
    for sql in [viewers, begin, people, deals, work, end] {
      let code = benchmark_execute(path, sql)
      guard code == 0 else {
        throw BenchmarkError("SQLite: \(String(cString: benchmark_sqlite_text(code)))")
      }
    }
    let database = try Database(DatabaseConfiguration(path: path))
    defer { database.close() }
    let store = try RecordStore(database, catalog: .standard) { _ in }
    try await store.rebuildCounters(tenantID: tenantID)
    _ = try await store.updateSearchFormat()
  }

  private var tenantID: String { TenantCompanies.tenantID(1) }

  private var viewers: String {
    let scoped = Viewer.allCases.filter { $0.scope != nil }
    let ids = scoped.map { "'\($0.userID)'" }.joined(separator: ", ")
    let resources = [
      "contacts", "companies", "leads", "pipelines", "deals", "tasks", "notes", "interactions",
      "stats",
    ]
    let grants = scoped.flatMap { viewer in
      resources.map {
        "('\(tenantID)', '\(viewer.userID)', 'crm.\($0).read:\(viewer.scope ?? "")')"
      }
    }
    let units = scoped.map { viewer in
      """
      UPDATE directory_users SET unit_id = '\(viewer.unit)'
      WHERE tenant_id = '\(tenantID)' AND user_id = '\(viewer.userID)';
      """
    }
    return """
      DELETE FROM directory_user_roles
      WHERE tenant_id = '\(tenantID)' AND user_id IN (\(ids));
      INSERT INTO directory_user_permissions (tenant_id, user_id, permission)
      VALUES \(grants.joined(separator: ", "));
      \(units.joined(separator: "\n"))
      """
  }
}
