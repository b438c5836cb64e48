import Database
import SQLite
import Testing

@Suite struct ReadOnlyTests {
  @Test("a file is read beside the process that holds it, and not written")
  func beside() async throws {
    let folder = try TemporaryFolder()
    let configuration = DatabaseConfiguration(path: folder.path("cardfile.db"))
    let holder = try Database(configuration)
    defer { holder.close() }
    let reader = try Database(readOnly: configuration)
    defer { reader.close() }
    for number in 1...3 {
      _ = try await holder.write { connection in
        try connection.run("UPDATE readiness_probe SET writes = writes WHERE id = 0")
        try connection.run(
          "INSERT INTO activity_chains (tenant_id, seq, head) VALUES (?, 1, x'00')",
          [.text("\(number)")])
      }
    }
    let count = try reader.read { connection in
      try connection.first("SELECT count(tenant_id) FROM activity_chains") { $0.integer(0) }
    }
    #expect(count == 3)
    await #expect(throws: DatabaseError.closed) {
      _ = try await reader.write { try $0.run("DELETE FROM activity_chains") }
    }
  }

  @Test("a file of an older program is refused, and left as it is")
  func older() throws {
    let folder = try TemporaryFolder()
    var configuration = DatabaseConfiguration(path: folder.path("cardfile.db"))
    let all = configuration.migrations
    configuration.migrations = Array(all.dropLast(2))
    try Database(configuration).close()
    configuration.migrations = all
    #expect(throws: DatabaseError.olderSchema(file: all.count - 2, binary: all.count)) {
      try Database(readOnly: configuration)
    }
    configuration.migrations = Array(all.dropLast(3))
    #expect(throws: DatabaseError.newerSchema(file: all.count - 2, binary: all.count - 3)) {
      try Database(readOnly: configuration)
    }
  }
}
