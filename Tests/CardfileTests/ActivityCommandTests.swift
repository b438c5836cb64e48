internal import Foundation
internal import JSON
internal import TestSupport
internal import Testing

extension ProgramTests {
  /// What the activity log tells of commands and of reads.
  @Suite struct ActivityCommandTests {
    private func run(_ workplace: Workplace, _ arguments: String...) async throws {
      let child = try workplace.start(arguments + ["--db", workplace.databasePath])
      let end = try await child.waitForEnd()
      #expect(end == .exited(0), "\(arguments): \(child.errors)")
    }

    private func entries(_ workplace: Workplace) throws -> [[String?]] {
      try workplace.rows(
        """
        SELECT tenant_id, operation, entity_type, json_extract(compliance, '$.authenticationMethod')
        FROM crm_activities WHERE operation LIKE 'crm.directory.%' AND entity_type <> 'error'
        ORDER BY seq
        """)
    }

    private static let expected = [
      ["acme", "crm.directory.tenants.create", "tenant", "command"],
      ["acme", "crm.directory.roles.create", "role", "command"],
      ["acme", "crm.directory.users.create", "user", "command"],
      ["acme", "crm.directory.credits.top-up", "credits", "command"],
      ["acme", "crm.directory.tenants.update", "tenant", "command"],
    ]

    @Test("commands are logged with who ran them, without a server and through one")
    func commands() async throws {
      let workplace = try Workplace()
      try await run(workplace, "tenant", "add", "--name", "Acme", "--id", "acme")
      try await run(
        workplace, "role", "add", "--name", "Everything", "--id", "all", "--permission", "*")
      try await run(
        workplace, "user", "add", "--email", "j@example.org", "--name", "J", "--role", "all",
        "--id", "jane")
      try await run(workplace, "credits", "top-up", "10")
      try await run(workplace, "tenant", "set", "acme", "--name", "Acme Corp")
      let own = Self.expected.map { $0.map(Optional.some) }
      #expect(try entries(workplace) == own)
      let twice = try workplace.start([
        "user", "add", "--email", "j@example.org", "--name", "J", "--db", workplace.databasePath,
      ])
      #expect(try await twice.waitForEnd() == .exited(1))
      #expect(
        try workplace.rows(
          """
          SELECT operation, json_extract(metadata, '$.fields') FROM crm_activities
          WHERE entity_type = 'error'
          """) == [["crm.directory.users.create.failed", "[\"/email\"]"]])
      let server = try await workplace.serve(environment: ["CRM_AUDIT_READS": "true"])
      try await run(workplace, "credits", "top-up", "5")
      try await run(workplace, "tenant", "add", "--name", "Globex")
      #expect(try entries(workplace).count == own.count + 2)
      let first = try #require(
        try workplace.rows(
          """
          SELECT user_id, json_extract(user_context, '$.entityPath'),
            json_extract(compliance, '$.userAgent'), json_extract(metadata, '$.changes.name.to')
          FROM crm_activities ORDER BY rowid LIMIT 1
          """
        ).first)
      let name = NSUserName()
      #expect(first == ["command:\(name)", "Command line → \(name)", "cardfile/0.1.0", "Acme"])
      #expect(
        try workplace.rows("SELECT instr(group_concat(metadata), 'password') FROM crm_activities")
          == [["0"]])
      // Reads are written at the latest when the server stops.
      #expect(try await server.send("GET", "/api/leads", as: "jane").status == 200)
      try await server.stop()
      #expect(
        try workplace.rows(
          "SELECT user_id, operation FROM crm_activities WHERE operation LIKE '%.read'")
          == [["jane", "crm.leads.read"]])
    }
  }
}
