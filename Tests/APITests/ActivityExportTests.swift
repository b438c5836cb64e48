import CRM
import Database
import JSON
import TestSupport
import Testing
import Values
import WrapperClient

/// `GET /api/activities/export`.
@Suite struct ActivityExportTests {
  @Test("an export holds the entries of the list, complete and in order, in both forms")
  func equalsList() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      try await server.workForArchives()
      for filter in [
        "operation=crm.leads.*", "userId=sam", "entityType=error", "since=1d&userId=ada",
        "departmentId=sales", "sessionId=none",
      ] {
        let listed = try await server.allActivities("&\(filter)")
        let archive = try await ActivityArchiveText.get(server, "?\(filter)")
        let entries = try archive.entries
        #expect(entries.map { $0["id"] } == listed.map { $0["id"] }, "\(filter)")
        for (entry, shown) in zip(entries, listed) {
          for member in shown.object?.members ?? [] {
            #expect(entry[member.name] == member.value, "\(member.name)")
          }
        }
        #expect(archive.manifest["rows"] == .integer(Int64(listed.count)))
        #expect(archive.manifest["whole"] == false)
        let csv = try await server.send("GET", "/api/activities/export?format=csv&\(filter)")
        #expect(csv.header("Content-Type") == "text/csv; charset=utf-8")
        let read = ActivityArchiveText.entries(try ActivityArchiveText.read(csv.body, .csv))
        let same = ActivityArchiveText.entries(
          try ActivityArchiveText.read(Array(archive.lines.joined(separator: [0x0a]))))
        // The first export is one of the user's deeds by now.
        #expect(Array(read.prefix(same.count)) == same, "\(filter)")
      }
    }
  }

  @Test("the whole log is one chain from the first entry to the last, which the manifest names")
  func whole() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      try await server.workForArchives()
      let stored = try server.rows(
        "SELECT seq, lower(hex(hash)) FROM crm_activities WHERE tenant_id = 'acme' ORDER BY seq")
      let answer = try await server.send("GET", "/api/activities/export")
      #expect(
        answer.header("Content-Disposition") == "attachment; filename=\"activities-acme.ndjson\"")
      #expect(answer.header("Content-Type") == "application/x-ndjson")
      let lines = try ActivityArchiveText.read(answer.body, pieces: 77)
      var check = ArchiveCheck()
      for entry in ActivityArchiveText.entries(lines) { try check.take(entry) }
      #expect(check.place.seq == Int64(stored.count))
      guard case .manifest(let manifest)? = lines.last?.content else {
        Issue.record("no manifest")
        return
      }
      #expect(manifest.isWhole)
      #expect(manifest.tenantID == "acme")
      #expect(manifest.rows == Int64(stored.count))
      #expect(manifest.firstSeq == 1)
      #expect(manifest.firstHash == stored.first?[1])
      #expect(manifest.lastHash == stored.last?[1])
    }
  }

  @Test("the bound is fixed at the beginning: what happens meanwhile is in the next export")
  func bound() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for _ in 0..<4 { try await server.workForArchives() }
      let before = try server.rows("SELECT count(*) FROM crm_activities WHERE tenant_id = 'acme'")
      let token = TestServer.token("ada", at: server.time.now())
      let connection = try await onOwnThread {
        let connection = try TestConnection(port: server.client.port)
        try connection.write(
          "GET /api/activities/export HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
            + "Authorization: Bearer \(token)\r\n\r\n")
        _ = connection.readSome()
        return connection
      }
      _ = try await server.lead(["title": "Meanwhile"])
      let rest = try await onOwnThread { String(decoding: connection.readToEnd(), as: UTF8.self) }
      #expect(!rest.contains("Meanwhile"))
      #expect(rest.contains("\"rows\":\(before.first?.first.flatMap { $0 } ?? "")"))
    }
  }

  @Test("one's own may always leave; others' only with the permission, as far as it reaches")
  func scopes() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      try await server.workForArchives()
      _ = try await server.lead(["title": "Mara's"], as: "mara")
      func users(_ query: String, _ user: String) async throws -> Set<String> {
        Set(
          try await ActivityArchiveText.get(server, query, as: user).entries.compactMap {
            $0["userId"]?.string
          })
      }
      #expect(try await users("", "sam") == ["sam"])
      #expect(try await users("?userId=ada", "sam") == [])
      // Who reads others' entries and may not export them hears so, instead of getting a part.
      let refused = try await server.send("GET", "/api/activities/export", as: "vic")
      #expect(refused.status == 403)
      #expect(refused.json["requiredPermission"] == "crm.activities.export")
      #expect(try await users("?userId=vic", "vic") == ["vic"])
      let team = try await users("", "mara")
      #expect(team.contains("sam") && team.contains("mara") && !team.contains("ada"))
      #expect(try await users("", "greta") == [])
      #expect(try await users("", "ada").isSuperset(of: ["ada", "sam", "mara", "vic"]))
      #expect(try await server.client.send("GET", "/api/activities/export").status == 401)
    }
  }

  @Test("an export is logged before its first byte and at its end, and a refused one as well")
  func logged() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      _ = try await server.lead(["title": "t"])
      let answer = try await server.send(
        "GET", "/api/activities/export?operation=crm.leads.*&format=csv",
        headers: [("X-Reason", "for the auditor")])
      #expect(answer.status == 200)
      _ = try await server.send("GET", "/api/activities/export?format=xml")
      _ = try await server.send("HEAD", "/api/activities/export")
      let entries = try await server.allActivities("&operation=crm.activities.export*")
      #expect(
        entries.map { $0["operation"]?.string } == [
          "crm.activities.export", "crm.activities.export.completed",
          "crm.activities.export.failed",
        ])
      let begun = try #require(entries.first)
      #expect(begun["metadata"]?["filters"] == ["operation"])
      #expect(begun["metadata"]?["format"] == "csv")
      #expect(begun["metadata"]?["reason"] == "for the auditor")
      #expect(begun["id"]?.string == answer.header("X-Activity-Id"))
      #expect(begun["metadata"]?.text.contains("leads") == false)
      let ended = entries[1]
      #expect(ended["metadata"]?["rows"] == 1)
      #expect(ended["metadata"]?["export"] == begun["id"])
      #expect(ended["metadata"]?["lastHash"]?.string?.count == 64)
    }
  }

  @Test("an unknown filter, form or time is 400")
  func parameters() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for query in ["format=xml", "user=ada", "since=yesterday", "format=csv&format=csv"] {
        let answer = try await server.send("GET", "/api/activities/export?\(query)")
        #expect(answer.status == 400, "\(query)")
        #expect(answer.json["code"] == "invalid_parameter")
      }
    }
  }

  @Test("what was private to another is withheld, and said to be")
  func privacy() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await server.contact(["firstName": "Nina"])
      let path = "/api/contacts/\(contact.id)/notes"
      let note = try await server.created(path, ["body": "a secret illness"])
      _ = try await server.changed("\(path)/\(note.id)", ["visibility": "private"])
      let own = try await ActivityArchiveText.get(server)
      #expect(own.lines.contains { String(decoding: $0, as: UTF8.self).contains("illness") })
      #expect(own.manifest["whole"] == true)
      let others = try await ActivityArchiveText.get(server, as: "pia")
      #expect(!others.lines.contains { String(decoding: $0, as: UTF8.self).contains("illness") })
      #expect(others.manifest["whole"] == false)
      #expect(others.manifest["withheld"]?.integer ?? 0 >= 1)
      #expect(try others.entries.contains { $0["withheld"] == ["metadata"] })
      var check = ArchiveCheck()
      #expect(throws: ArchiveFault.self) {
        for entry in ActivityArchiveText.entries(
          try ActivityArchiveText.read(Array(others.lines.joined(separator: [0x0a]))))
        {
          try check.take(entry)
        }
      }
    }
  }

  @Test("exports that nobody reads are few for each user, and whoever leaves frees a place")
  func leavers() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      // More than the sockets' buffers take.
      try await server.store.appendActivities(
        (0..<1500).map {
          .made($0, tenant: "acme", metadata: String(repeating: "x", count: 20_000))
        })
      try await server.workForArchives()
      let token = TestServer.token("ada", at: server.time.now())
      let connections = try await onOwnThread {
        try (0..<CRM.Limits.exportsPerUserMax).map { _ in
          let connection = try TestConnection(port: server.client.port)
          try connection.write(
            "GET /api/activities/export HTTP/1.1\r\nHost: a\r\n"
              + "Authorization: Bearer \(token)\r\n\r\n"
          )
          _ = connection.readSome()
          return connection
        }
      }
      let refused = try await server.send("GET", "/api/activities/export")
      #expect(refused.status == 503)
      #expect(refused.json["code"] == "overloaded")
      // Others are served, and writes go on.
      #expect(try await ActivityArchiveText.get(server, as: "sam").lines.count > 10)
      _ = try await server.lead(["title": "Meanwhile"])
      for connection in connections { connection.reset() }
      var status = 503
      for _ in 0..<500 where status != 200 {
        status = try await server.send("GET", "/api/activities/export?userId=sam").status
      }
      #expect(status == 200)
      #expect(server.database.metrics.readersInUse == 0)
    }
  }
}
