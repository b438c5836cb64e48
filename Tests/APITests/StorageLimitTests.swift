import CRM
import JSON
import TestSupport
import Testing
import Values

/// The plan's limit on bytes of files.
@Suite struct StorageLimitTests {
  private static func used(_ server: TestServer) throws -> Int64 {
    try server.store.planUsage(tenantID: "acme")[.storage] ?? 0
  }

  private static func expectRefusal(
    _ answer: TestResponse, limit: Int, used: Int, _ location: SourceLocation = #_sourceLocation
  ) {
    #expect(answer.status == 402, sourceLocation: location)
    #expect(answer.code == "plan_limit_exceeded", sourceLocation: location)
    #expect(answer.json["feature"] == "storage", sourceLocation: location)
    #expect(answer.json["limit"] == .integer(limit), sourceLocation: location)
    #expect(answer.json["used"] == .integer(used), sourceLocation: location)
  }

  @Test("bytes count as long as their file lives, each file's own even when they are kept once")
  func counts() async throws {
    try await TestServer.run { server in
      try await PlanLimitTests.limit("storage", 1000, server)
      let record = try await server.contactPath()
      let bytes = FileBytes.make(400)
      let first = try await server.file(bytes, at: record)
      let second = try await server.file(bytes, at: record)
      #expect(try Self.used(server) == 800)
      Self.expectRefusal(
        try await server.send("POST", "\(record)/files", bytes: FileBytes.make(201)),
        limit: 1000, used: 800)
      _ = try await server.file(FileBytes.make(200), at: record)
      // Nothing at all always fits.
      _ = try await server.file([], at: record)
      _ = try await server.send("DELETE", "/api/files/\(first.id)")
      #expect(try Self.used(server) == 600)
      let third = try await server.file(FileBytes.make(300), at: record)
      Self.expectRefusal(
        try await server.send("POST", "/api/files/\(first.id)/restore"), limit: 1000, used: 900)
      for id in [first.id, second.id, third.id] {
        #expect(try await server.send("DELETE", "/api/files/\(id)?purge=true").status == 200)
      }
      #expect(try Self.used(server) == 200)
    }
  }

  @Test("a record in the trash frees its files' bytes and does not come back past the limit")
  func parents() async throws {
    try await TestServer.run { server in
      try await PlanLimitTests.limit("storage", 1000, server)
      let record = try await server.contactPath()
      _ = try await server.file(FileBytes.make(400), at: record)
      _ = try await server.file(FileBytes.make(300), at: record)
      #expect(try await server.send("DELETE", record).status == 200)
      #expect(try Self.used(server) == 0)
      let other = try await server.contactPath("Other")
      let large = try await server.file(FileBytes.make(500), at: other)
      let refused = try await server.send("POST", "\(record)/restore")
      #expect(refused.status == 402)
      #expect(try Self.used(server) == 500)
      _ = try await server.send("DELETE", "/api/files/\(large.id)")
      #expect(try await server.send("POST", "\(record)/restore").status == 200)
      #expect(try Self.used(server) == 700)
      #expect(try await server.send("DELETE", "\(record)?purge=true").status == 200)
      #expect(try Self.used(server) == 0)
    }
  }

  @Test("who would pass the limit hears of it before the bytes, or as soon as they pass it")
  func early() async throws {
    try await TestServer.run { server in
      try await PlanLimitTests.limit("storage", 300_000, server)
      let record = try await server.contactPath()
      let token = TestServer.token("ada", at: server.time.now())
      let announced = try await server.client.withConnection { connection in
        try connection.write(
          "POST \(record)/files HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n"
            + "Content-Length: 20000000\r\n\r\n")
        return try connection.readResponse()
      }
      Self.expectRefusal(announced, limit: 300_000, used: 0)
      for (bytes, headers) in [
        (
          TestRequest.chunked([FileBytes.make(800_000)]), [("Transfer-Encoding", "chunked")]
        ),
        (FileBytes.form(FileBytes.make(300_001)), [FileBytes.formType]),
      ] {
        Self.expectRefusal(
          try await server.send("POST", "\(record)/files", bytes: bytes, headers: headers),
          limit: 300_000, used: 0)
      }
      #expect(try server.storedContents() == [0, 0, 0])
      _ = try await server.file(FileBytes.make(300_000), at: record)
    }
  }

  @Test("of uploads that race for the last bytes only as many succeed as fit")
  func races() async throws {
    try await TestServer.run { server in
      try await PlanLimitTests.limit("storage", 1_000_000, server)
      let record = try await server.contactPath()
      let statuses = await withTaskGroup(of: Int.self) { group in
        for number in 0..<8 {
          group.addTask {
            let bytes = FileBytes.make(300_000, seed: UInt64(number + 1))
            // A request that could not be sent at all counts as neither.
            let answer = try? await server.send("POST", "\(record)/files", bytes: bytes)
            return answer?.status ?? 0
          }
        }
        return await group.reduce(into: [Int]()) { $0.append($1) }
      }
      #expect(statuses.count { $0 == 201 } == 3)
      #expect(statuses.count { $0 == 402 } == 5)
      #expect(try Self.used(server) == 900_000)
      #expect(try server.storedContents() == [3, 6, 0])
      let failures = try server.rows(
        "SELECT count(*) FROM crm_activities WHERE operation = 'crm.files.create.failed'")
      #expect(failures == [["5"]])
    }
  }
}
