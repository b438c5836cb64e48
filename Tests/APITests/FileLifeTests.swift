import CRM
import Database
import JSON
import SQLite
import TestSupport
import Testing
import Values
import WrapperClient

/// What becomes of files: changed, trashed, restored, purged, shared and counted.
@Suite struct FileLifeTests {
  private static let bytes = FileBytes.make(600_000)

  @Test("a file is renamed and tagged like any record; what it holds is not the client's to set")
  func changes() async throws {
    try await TestServer.run { server in
      let file = try await server.file(Self.bytes, at: try await server.contactPath())
      let path = "/api/files/\(file.id)"
      let changed = try await server.send(
        "PATCH", path, ["name": "Contract.pdf", "tags": ["signed"]],
        headers: [("If-Match", "\"1\"")])
      #expect(changed.status == 200)
      #expect(changed.data["name"] == "Contract.pdf")
      #expect(changed.header("ETag") == "\"2\"")
      let faulty = try await server.send(
        "PATCH", path,
        ["name": "a/b", "size": 1, "sha256": "0", "contentType": "text/html"])
      #expect(faulty.status == 422)
      #expect(
        Set(faulty.issues) == [
          "/name invalid_file_name", "/size read_only", "/sha256 read_only",
          "/contentType read_only",
        ])
      let found = try await server.send("GET", "/api/files?q=contract&tags=signed&size[gt]=5")
      #expect(found.all("id") == [.string(file.id)])
      let content = try await server.send("GET", "\(path)/content")
      #expect(
        content.header("Content-Disposition") == "attachment; filename=\"Contract.pdf\"")
    }
  }

  @Test("in the trash it has no content; it comes back whole, and a purge takes the bytes along")
  func trash() async throws {
    try await TestServer.run { server in
      let record = try await server.contactPath()
      let file = try await server.file(Self.bytes, at: record)
      let path = "/api/files/\(file.id)"
      #expect(try await server.send("DELETE", path).status == 200)
      #expect(try await server.send("GET", path).status == 404)
      #expect(try await server.send("GET", "\(path)/content").status == 404)
      #expect(try await server.send("GET", "\(record)/files").data.array == [])
      #expect(try server.storedContents() == [1, 3, 0])
      #expect(try await server.send("POST", "\(path)/restore").status == 200)
      #expect(try await server.send("GET", "\(path)/content").body == Self.bytes)
      let purged = try await server.send("DELETE", "\(path)?purge=true")
      #expect(purged.status == 200)
      #expect(purged.data == ["id": .string(file.id)])
      #expect(try await server.send("GET", "\(path)/content").status == 404)
      #expect(try server.storedContents() == [0, 0, 0])
    }
  }

  @Test("files go into the trash, come back and are purged with the record they hang from")
  func parent() async throws {
    try await TestServer.run { server in
      let record = try await server.contactPath()
      let file = try await server.file(Self.bytes, at: record)
      let own = try await server.file([1, 2, 3], named: "own.txt", at: record)
      let content = "/api/files/\(file.id)/content"
      _ = try await server.send("DELETE", "/api/files/\(own.id)")
      #expect(try await server.send("DELETE", record).status == 200)
      #expect(try await server.send("GET", content).status == 404)
      #expect(try await server.send("GET", "\(record)/files").status == 404)
      #expect(try await server.send("POST", "\(record)/restore").status == 200)
      #expect(try await server.send("GET", content).body == Self.bytes)
      // What was in the trash by itself stays there.
      let list = try await server.send("GET", "\(record)/files")
      #expect(list.all("id") == [.string(file.id)])
      #expect(try await server.send("DELETE", "\(record)?purge=true").status == 200)
      #expect(try server.rows("SELECT count(*) FROM files") == [["0"]])
      #expect(try server.storedContents() == [0, 0, 0])
    }
  }

  @Test("the same bytes are kept once within a tenant and never shared with another")
  func deduplication() async throws {
    try await TestServer.run { server in
      let record = try await server.contactPath()
      let first = try await server.file(Self.bytes, named: "one.txt", at: record)
      let second = try await server.file(Self.bytes, named: "two.txt", at: record)
      #expect(first["sha256"] == second["sha256"])
      #expect(try server.storedContents() == [1, 3, 0])
      let theirs = try await server.file(
        Self.bytes, at: try await server.contactPath(as: "greta"), as: "greta")
      #expect(try server.storedContents() == [2, 6, 0])
      // The last of the tenant's files takes the bytes along, not the first, not the other's.
      _ = try await server.send("DELETE", "/api/files/\(first.id)?purge=true")
      #expect(try await server.send("GET", "/api/files/\(second.id)/content").body == Self.bytes)
      _ = try await server.send("DELETE", "/api/files/\(second.id)?purge=true")
      #expect(try server.storedContents() == [1, 3, 0])
      let content = "/api/files/\(theirs.id)/content"
      #expect(try await server.send("GET", content, as: "greta").body == Self.bytes)
      #expect(try await server.send("GET", content).status == 404)
      // And brought again after that, they are whole.
      let again = try await server.file(Self.bytes, at: record)
      #expect(try await server.send("GET", "/api/files/\(again.id)/content").body == Self.bytes)
    }
  }

  @Test("the same bytes uploaded by many at once are kept once, in as many files")
  func racingUploads() async throws {
    try await TestServer.run { server in
      let record = try await server.contactPath()
      let ids = try await withThrowingTaskGroup(of: String.self) { group in
        for number in 0..<8 {
          group.addTask { try await server.file(Self.bytes, named: "\(number)", at: record).id }
        }
        return try await group.reduce(into: [String]()) { $0.append($1) }
      }
      #expect(Set(ids).count == 8)
      #expect(try server.storedContents() == [1, 3, 0])
      for id in ids {
        #expect(try await server.send("GET", "/api/files/\(id)/content").body == Self.bytes)
      }
    }
  }

  @Test("uploads racing purges of the same bytes never lose content")
  func racingPurges() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let record = try await server.contactPath()
      try await withThrowingTaskGroup { group in
        for number in 0..<4 {
          group.addTask {
            for round in 0..<6 {
              let file = try await server.file(Self.bytes, named: "\(number)-\(round)", at: record)
              let path = "/api/files/\(file.id)"
              #expect(try await server.send("GET", "\(path)/content").body == Self.bytes)
              #expect(try await server.send("DELETE", "\(path)?purge=true").status == 200)
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(try server.storedContents() == [0, 0, 0])
    }
  }

  @Test("a parent that is purged while a file comes leaves neither file nor bytes")
  func purgedParent() async throws {
    try await TestServer.run { server in
      let record = try await server.contactPath()
      let token = TestServer.token("ada", at: server.time.now())
      let connection = try await onOwnThread {
        let connection = try TestConnection(port: server.client.port)
        try connection.write(
          "POST \(record)/files HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n"
            + "Content-Length: \(Self.bytes.count)\r\n\r\n")
        try connection.write(Array(Self.bytes.prefix(599_999)))
        return connection
      }
      #expect(await server.stores([1, 1, 1]))
      #expect(try await server.send("DELETE", "\(record)?purge=true").status == 200)
      let answer = try await onOwnThread {
        try connection.write([Self.bytes[599_999]])
        return try connection.readResponse()
      }
      #expect(answer.status == 404)
      #expect(await server.stores([0, 0, 0]))
    }
  }

  @Test("what a crash left of uploads is gone after the first housekeeping of the next start")
  func leftovers() async throws {
    let folder = try TemporaryFolder()
    try await TestServer.run(folder: folder) { server in
      _ = try await server.contactPath()
      try await server.database.write { connection in
        for part in 0..<40 {
          try connection.run(
            """
            /* test */ INSERT OR IGNORE INTO file_contents (tenant_id, id, sha256, size)
            VALUES ('acme', 'left', NULL, 0)
            """)
          try connection.run(
            """
            /* test */ INSERT INTO file_chunks (tenant_id, content_id, part, bytes)
            VALUES ('acme', 'left', ?, x'00')
            """, [.integer(part)])
        }
      }
      #expect(try server.storedContents() == [1, 40, 1])
    }
    try await TestServer.run(folder: folder) { server in
      let kept = try await server.file(Self.bytes, at: try await server.contactPath())
      try await server.store.forgetExpired(trashDays: 30)
      #expect(try server.storedContents() == [1, 3, 0])
      #expect(try await server.send("GET", "/api/files/\(kept.id)/content").body == Self.bytes)
    }
  }

  @Test("the trash that is emptied takes the bytes along")
  func expiry() async throws {
    let clock = TestClock()
    try await TestServer.run(time: clock.source) { server in
      let file = try await server.file(Self.bytes, at: try await server.contactPath())
      _ = try await server.send("DELETE", "/api/files/\(file.id)")
      try await server.store.forgetExpired(trashDays: 30)
      #expect(try server.storedContents() == [1, 3, 0])
      clock.advance(seconds: 31 * 86_400)
      try await server.store.forgetExpired(trashDays: 30)
      #expect(try server.storedContents() == [0, 0, 0])
      #expect(try server.rows("SELECT count(*) FROM files") == [["0"]])
    }
  }
}
