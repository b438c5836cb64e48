import EmbeddedWrapper
import JSON
import TestSupport
import Testing
import WrapperClient

/// Saved filters.
@Suite struct SegmentTests {
  private func segment(
    _ server: TestServer, _ filter: String, of entityType: String = "lead", as user: String = "ada"
  ) async throws -> TestResponse {
    try await server.send(
      "POST", "/api/segments", as: user,
      ["name": "S", "entityType": .string(entityType), "filter": .string(filter)])
  }

  @Test("a segment lists what its filter finds, in parts and in the order that are asked for")
  func records() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for number in 1...5 {
        _ = try await server.lead([
          "title": .string("L\(number)"), "priority": number == 3 ? "low" : "high",
          "value": .integer(number), "tags": ["a,b"],
        ])
      }
      let created = try await segment(server, "priority=high&sort=-value&tags=a%5C,b")
      #expect(created.status == 201, "\(created.text)")
      let path = "/api/segments/\(created.data.id)/records"
      func titles(_ query: String) async throws -> [String] {
        try await server.send("GET", path + query).texts("title")
      }
      #expect(try await titles("") == ["L5", "L4", "L2", "L1"])
      #expect(try await titles("?sort=title") == ["L1", "L2", "L4", "L5"])
      #expect(try await titles("?page=2&pageSize=3") == ["L1"])
      let first = try await server.send("GET", "\(path)?limit=3&count=true&fields=title")
      #expect(first.json["total"] == 4)
      #expect(first.data.array?.first?.object?.names == ["id", "title"])
      let cursor = try #require(first.json["nextCursor"]?.string)
      #expect(try await titles("?limit=3&cursor=\(cursor)") == ["L1"])
      for query in ["?priority=low", "?q=L1", "?limit=0", "?sort=wheels", "?cursor=AAAA"] {
        #expect(try await server.send("GET", path + query).status == 400, "\(query)")
      }
      // The new filter counts at once.
      let changed = try await server.send(
        "PATCH", "/api/segments/\(created.data.id)", ["filter": "priority=low"])
      #expect(changed.status == 200)
      #expect(try await titles("") == ["L3"])
      #expect(try await server.send("DELETE", "/api/segments/\(created.data.id)").status == 200)
      #expect(try await server.send("GET", path).status == 404)
    }
  }

  @Test(
    "what no list takes is not saved",
    arguments: [
      "wheels=4", "value[gt]=much", "limit=5", "cursor=abc", "page=2", "fields=title", "count=true",
      "sort=wheels", "priority=high&priority=low", "title[like]=x", "%zz=1", "customFields.n=nine",
    ])
  func refused(_ filter: String) async throws {
    try await TestServer.run(creditCheck: .off) { server in
      _ = try await server.send(
        "POST", "/api/custom-fields",
        ["entityType": "lead", "key": "n", "label": "N", "type": "number"])
      let answer = try await segment(server, filter)
      #expect(answer.status == 422 && answer.issues == ["/filter invalid_filter"])
      let fine = try await segment(server, "priority=high")
      let patch = try await server.send(
        "PATCH", "/api/segments/\(fine.data.id)", ["filter": .string(filter)])
      #expect(patch.status == 422 && patch.issues == ["/filter invalid_filter"])
    }
  }

  @Test("a segment is run as whoever asks: their permission, scope and tenant")
  func viewers() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for (title, owner) in [("sams", "sam"), ("adas", "ada"), ("sues", "sue")] {
        _ = try await server.lead(["title": .string(title), "ownerId": .string(owner)])
      }
      let created = try await segment(server, "source[isNull]=true&sort=title", as: "mara")
      let path = "/api/segments/\(created.data.id)/records"
      #expect(try await server.send("GET", path).texts("title") == ["adas", "sams", "sues"])
      #expect(try await server.send("GET", path, as: "mara").texts("title") == ["sams"])
      #expect(try await server.send("GET", path, as: "vic").texts("title").count == 3)
      #expect(try await server.send("GET", path, as: "greta").status == 404)
      let denied = try await server.send("GET", path, as: "sam")
      #expect(denied.status == 403)
      #expect(denied.json["requiredPermission"] == "crm.segments.read")
    }
  }

  @Test("who may read segments but not the records is told which permission is missing")
  func permissionForRecords() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let created = try await segment(server, "value[gt]=1", of: "deal")
      try await server.directory.createRole(
        tenantID: "acme", id: "segments", name: "Segments",
        permissions: ["crm.segments.read", "crm.leads.read"])
      var changes = UserChanges()
      changes.roleIDs = ["segments"]
      try await server.directory.updateUser(tenantID: "acme", userID: "sue", changes)
      let path = "/api/segments/\(created.data.id)/records"
      var answer = try await server.send("GET", path, as: "sue")
      for _ in 0..<500 where answer.json["requiredPermission"] != "crm.deals.read" {
        answer = try await server.send("GET", path, as: "sue")
      }
      #expect(answer.status == 403)
      #expect(answer.json["requiredPermission"] == "crm.deals.read")
    }
  }

  @Test("a filter that has become invalid is 409, and the segment can still be mended")
  func invalidated() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let created = try await segment(server, "customFields.n=nine")
      #expect(created.status == 201)
      let path = "/api/segments/\(created.data.id)"
      #expect(try await server.send("GET", "\(path)/records").status == 200)
      _ = try await server.send(
        "POST", "/api/custom-fields",
        ["entityType": "lead", "key": "n", "label": "N", "type": "number"])
      let broken = try await server.send("GET", "\(path)/records")
      #expect(broken.status == 409 && broken.code == "conflict")
      #expect(broken.json["detail"]?.string?.contains("customFields.n") == true)
      #expect(try await server.send("PATCH", path, ["name": "Other"]).status == 200)
      #expect(try await server.send("PATCH", path, ["filter": "customFields.n=9"]).status == 200)
      #expect(try await server.send("GET", "\(path)/records").status == 200)
    }
  }
}
