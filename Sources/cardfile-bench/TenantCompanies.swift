internal import CBenchmark
internal import Cryptography
internal import Foundation
internal import JSON

/// Made-up companies of 20 users: what the Wrapper under the benchmark knows of its tenants.
enum TenantCompanies {
  static let users = 20
  static let secret = "a secret of the benchmark, long enough"

  static func tenantID(_ number: Int) -> String { "tenant-\(number)" }
  static func userID(_ tenant: Int, _ number: Int) -> String { "user-\(tenant)-\(number)" }

  /// Writes `count` companies into the file of a Wrapper that is not running.
  ///
  /// Each has eleven units, four roles of 7 to 28 permissions and 28 operations that cost credits.
  static func fill(_ path: String, count: Int) throws(BenchmarkError) {
    let code = benchmark_execute(path, sql(count: count))
    guard code == 0 else {
      throw BenchmarkError("SQLite: \(String(cString: benchmark_sqlite_text(code)))")
    }
  }

  /// A token of the user that the server takes (HS256).
  static func token(tenant: Int, user: Int) -> String {
    token(userID: userID(tenant, user), tenantID: tenantID(tenant))
  }

  /// The same for a user of any tenant.
  static func token(userID: String, tenantID: String) -> String {
    let payload = JSONObject([
      ("sub", .string(userID)), ("tenantId", .string(tenantID)),
      ("exp", .integer(Int(Date().timeIntervalSince1970) + 3600)),
    ])
    let header = JSONObject([("alg", "HS256"), ("typ", "JWT")])
    let text = [header, payload].map { Base64.encodeURL(JSONValue.object($0).bytes) }
      .joined(separator: ".")
    let code = HMACSHA256.code(for: Array(text.utf8), key: Array(secret.utf8))
    return "\(text).\(Base64.encodeURL(code))"
  }

  static let permissions = [
    "leads", "contacts", "companies", "deals", "tasks", "notes", "interactions",
  ].flatMap { resource in
    ["create", "read", "update", "delete"].map { "crm.\(resource).\($0)" }
  }

  private static func sql(count: Int) -> String {
    let operations = permissions.map { "('\($0)')" }.joined(separator: ", ")
    let roles = (0..<4).map { number in
      let held = permissions.prefix(7 * (number + 1)).map { "\"\($0)\"" }.joined(separator: ",")
      return "('role-\(number)', 'Role number \(number)', '[\(held)]')"
    }.joined(separator: ", ")
    let now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
    return """
      BEGIN;
      CREATE TEMP TABLE tenant AS
        WITH RECURSIVE counter(n) AS (
          SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < \(count))
        SELECT n, 'tenant-' || n AS id FROM counter;
      CREATE TEMP TABLE person AS
        WITH RECURSIVE counter(n) AS (
          SELECT 0 UNION ALL SELECT n + 1 FROM counter WHERE n < \(users - 1))
        SELECT n FROM counter;
      CREATE TEMP TABLE department AS SELECT n FROM person WHERE n < 10;
      CREATE TEMP TABLE operation(code TEXT);
      INSERT INTO operation VALUES \(operations);
      CREATE TEMP TABLE role(id TEXT, name TEXT, permissions TEXT);
      INSERT INTO role VALUES \(roles);
      INSERT INTO directory_tenants (tenant_id, name, settings, created_at)
        SELECT id, 'Company ' || n, '{"timezone":"UTC","currency":"EUR"}', \(now) FROM tenant;
      INSERT INTO directory_units (tenant_id, unit_id, parent_id, type, name)
        SELECT id, 'organization', NULL, 'organization', 'Company ' || n FROM tenant;
      INSERT INTO directory_units (tenant_id, unit_id, parent_id, type, name)
        SELECT t.id, 'department-' || d.n, 'organization', 'department',
          'Sales Department ' || d.n
        FROM tenant AS t, department AS d;
      INSERT INTO directory_roles (tenant_id, role_id, name, permissions)
        SELECT t.id, r.id, r.name, r.permissions FROM tenant AS t, role AS r;
      INSERT INTO directory_users (tenant_id, user_id, email, email_folded, name, title, location,
        unit_id, created_at)
        SELECT t.id, 'user-' || t.n || '-' || p.n,
          'given.surname' || p.n || '@tenant-' || t.n || '.example.com',
          'given.surname' || p.n || '@tenant-' || t.n || '.example.com', 'Given Surname ' || p.n,
          'Sales Representative', 'Frankfurt am Main', 'department-' || (p.n % 10), \(now)
        FROM tenant AS t, person AS p;
      INSERT INTO directory_user_roles (tenant_id, user_id, role_id)
        SELECT t.id, 'user-' || t.n || '-' || p.n, 'role-' || (p.n % 4)
        FROM tenant AS t, person AS p;
      INSERT INTO directory_user_permissions (tenant_id, user_id, permission)
        SELECT id, 'user-' || n || '-0', '*' FROM tenant;
      INSERT INTO directory_credit_configs (tenant_id, plan_type)
        SELECT id, 'business' FROM tenant;
      INSERT INTO directory_operation_costs (tenant_id, operation, credit_units)
        SELECT t.id, o.code, 10000 FROM tenant AS t, operation AS o;
      INSERT INTO directory_credit_accounts (tenant_id, available, day, month)
        SELECT id, 10000000000000, strftime('%Y-%m-%d', 'now'), strftime('%Y-%m', 'now')
        FROM tenant;
      COMMIT;
      """
  }
}
