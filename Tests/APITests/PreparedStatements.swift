import SQLite
internal import Synchronization
import Testing

/// Every statement that a test server has prepared since the first of them started.
enum PreparedStatements {
  private static let texts = Mutex<Set<String>>([])
  /// The same by database file, in the order in which they were first prepared there.
  private static let log = Mutex<[String: [String]]>([:])
  /// The database files of the test servers.
  private static let paths = Mutex<Set<String>>([])
  /// Those that were looked at already: each is reported once.
  private static let checked = Mutex<Set<String>>([])

  /// How statements of the tests themselves begin; the rules do not bind them.
  static let testMark = "/* test */ "

  /// Sees to it that the statements of the database at `path` are noted.
  ///
  /// Another suite may have taken the observer away again.
  static func observe(_ path: String) throws {
    paths.withLock { _ = $0.insert(path) }
    let probe = "\(testMark)SELECT \(UInt64.random(in: 0 ... .max))"
    try Connection(path: ":memory:", mode: .readWrite).execute(probe)
    guard !texts.withLock({ $0.contains(probe) }) else { return }
    Connection.prepareObserver.withLock { observer in
      let previous = observer
      observer = PrepareObserver { sql, path in
        previous?.tell(sql, path)
        guard path.isEmpty || paths.withLock({ $0.contains(path) }) else { return }
        guard !path.isEmpty || sql.hasPrefix(testMark) else { return }
        texts.withLock { _ = $0.insert(sql) }
        log.withLock { $0[path, default: []].append(sql) }
      }
    }
  }

  /// What was prepared for the database at `path`, oldest first; the tests' own aside.
  static func prepared(_ path: String) -> [String] {
    log.withLock { $0[path] ?? [] }.filter { !$0.contains("/* test */") }
  }

  /// The server's own statements.
  static var all: [String] {
    texts.withLock { $0.filter { !$0.contains("/* test */") } }.sorted()
  }

  /// Tables whose rows belong to tenants.
  private static let tenantTables = [
    "companies", "contacts", "leads", "crm_activities", "activity_chains", "activity_rollups",
    "activity_facets", "activity_blocks", "activity_block_ends",
    "activity_checkpoints",
    "activity_outbox", "activity_batches", "activity_dead_letters", "idempotency_answers",
    "change_log", "search_documents", "wrapper_cache", "plan_usage", "active_sessions",
    "ended_sessions", "files", "file_contents", "file_chunks", "pipelines", "deals",
    "deal_stage_moves", "tasks", "reminders", "notes", "interactions",
    "custom_field_definitions", "custom_field_states", "segments", "preferences", "record_tags",
    "record_counters",
  ]

  /// Statements that rightly reach over all tenants, by what they begin with.
  private static let exceptions = [
    // A restarted server counts activity ids on from all entries, whoever they belong to.
    "SELECT coalesce(max(rowid), 0) FROM crm_activities",
    // Housekeeping forgets by age alone.
    "DELETE FROM change_log WHERE changed_at <= ?1 AND seq IN (",
    // Full text in an old form is made anew for everybody.
    "DELETE FROM search_documents",
    // The probe of the disk writes a row that is nobody's.
    "CREATE TABLE", "-- Cardfile's tables",
  ]

  /// Expects that every statement on a tenant's table names `tenant_id`.
  static func expectTenants() {
    let prepared = texts.withLock { $0 }
    let new = checked.withLock { checked in
      let new = prepared.subtracting(checked)
      checked.formUnion(new)
      return new
    }
    for sql in new.sorted()
    where !sql.contains(testMark) && !exceptions.contains(where: { sql.hasPrefix($0) }) {
      let touched = tenantTables.filter { table in
        sql.contains(" \(table) ") || sql.contains(" \(table)\n") || sql.hasSuffix(" \(table)")
      }
      guard !touched.isEmpty, !sql.contains("tenant_id") else { continue }
      Issue.record("no tenant_id beside \(touched): \(sql)")
    }
  }
}
