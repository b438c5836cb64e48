import CRM
import Database
import JSON
import TestSupport
import Testing

/// A resource that the product does not have.
///
/// A description and a migration must be all it takes.
@Suite struct MadeUpResourceTests {
  static let boats: ResourceDescription = {
    var boats = ResourceDescription(
      name: "boats", entityType: "boat", paths: ["/api/boats"], summary: "What floats.",
      fields: [
        Field("name", .text(charactersMax: 40), "What is painted on it.")
          .required().folded().title(),
        Field("hullNumber", .text(charactersMax: 20), "Unique on the seas.").unique(),
        Field("rig", .choice(["sloop", "ketch"]), "Masts and sails.").required()
          .initially("sloop"),
        Field("price", .money, "What it costs."),
        Field("berths", .integer, "Who can sleep on it."),
        Field("launchedAt", .timestamp, "When it first got wet."),
        Field("skipperId", .reference(entityType: "contact"), "Who sails it."),
      ])
    boats.rules = [.atLeastOne(of: ["hullNumber", "name"], "a boat must be told from others")]
    return boats
  }()

  static let migration = Migration(
    number: (Migration.embedded.last?.number ?? 0) + 1, name: "boats",
    sql: """
      CREATE TABLE boats (
        n INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, id TEXT NOT NULL, external_id TEXT,
        owner_id TEXT, created_by TEXT NOT NULL, created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL, deleted_at TEXT, version INTEGER NOT NULL,
        tags TEXT NOT NULL, custom_fields TEXT NOT NULL, metadata TEXT NOT NULL,
        name TEXT NOT NULL, name_folded TEXT NOT NULL, hull_number TEXT, rig TEXT NOT NULL,
        price INTEGER, berths INTEGER, launched_at TEXT, skipper_id TEXT,
        UNIQUE (tenant_id, id),
        FOREIGN KEY (tenant_id, skipper_id) REFERENCES contacts (tenant_id, id)
      ) STRICT;
      CREATE UNIQUE INDEX boats_hull ON boats (tenant_id, hull_number)
        WHERE hull_number IS NOT NULL AND deleted_at IS NULL;
      """)

  private func run(_ body: (TestServer) async throws -> Void) async throws {
    try await TestServer.run(
      catalog: Catalog([.contacts, .leads, Self.boats]),
      migrations: Migration.embedded + [Self.migration], body)
  }

  @Test("a described resource is created, validated, read, listed, changed, trashed and restored")
  func lifeOfABoat() async throws {
    try await run { server in
      let skipper = try await server.contact(["firstName": "Joshua"])
      let created = try await server.send(
        "POST", "/api/boats",
        [
          "name": "Spray", "hullNumber": "N1", "price": 553.62, "berths": 1,
          "launchedAt": "1895-04-24T12:00:00+01:00", "skipperId": skipper["id"] ?? .null,
        ])
      #expect(created.status == 201)
      #expect(created.json["data"]?["price"]?.text == "553.62")
      #expect(created.json["data"]?["launchedAt"] == "1895-04-24T11:00:00.000Z")
      #expect(created.json["data"]?["rig"] == "sloop")
      let path = try #require(created.header("Location"))

      let faulty = try await server.send(
        "POST", "/api/boats",
        ["rig": "dhow", "price": 1.234, "berths": 1.5, "skipperId": "me", "wheels": 4])
      #expect(faulty.status == 422)
      let codes = (faulty.json["errors"]?.array ?? []).compactMap { $0["code"]?.string }
      #expect(
        Set(codes) == [
          "invalid_choice", "too_many_decimals", "invalid_type", "invalid_id", "unknown_member",
          "required",
        ])

      let duplicate = try await server.send(
        "POST", "/api/boats", ["name": "Other", "hullNumber": "N1"])
      #expect(duplicate.status == 409)
      #expect(duplicate.json["existingId"] == created.json["data"]?["id"])

      let changed = try await server.send(
        "PATCH", path, ["rig": "ketch"], headers: [("If-Match", "\"1\"")])
      #expect(changed.status == 200)
      #expect(changed.header("ETag") == "\"2\"")
      #expect(try await server.send("GET", path).json["data"]?["rig"] == "ketch")
      for query in [
        "rig=ketch", "name[startsWith]=sPR", "q=spr", "price[lt]=600", "berths=1",
        "launchedAt[lt]=-100y", "sort=-price,name&count=true",
      ] {
        let list = try await server.send("GET", "/api/boats?\(query)")
        #expect(list.json["data"]?.array?.count == 1, "\(query)")
      }
      #expect(try await server.send("DELETE", path).status == 200)
      #expect(try await server.send("GET", path).status == 404)
      #expect(try await server.send("POST", "\(path)/restore").status == 200)
      #expect(try await server.send("GET", "/api/boats?q=spray").json["data"]?.array?.count == 1)
    }
  }

  @Test("its permissions, scopes, activities and description follow from the description too")
  func whatFollows() async throws {
    try await run { server in
      let boat = try await server.send("POST", "/api/boats", ["name": "Suhaili"])
      let path = try #require(boat.header("Location"))
      // vic may read everything, mara what her team owns, sam no boats at all.
      #expect(try await server.send("GET", path, as: "vic").status == 200)
      #expect(try await server.send("GET", path, as: "mara").status == 404)
      let refused = try await server.send("GET", path, as: "sam")
      #expect(refused.status == 403)
      #expect(refused.json["requiredPermission"] == "crm.boats.read")
      #expect(try await server.send("GET", path, as: "greta").status == 404)

      _ = try await server.send("PATCH", path, ["berths": 2])
      let entries = try server.rows(
        """
        SELECT operation, entity_type, json_extract(metadata, '$.changes.berths.to')
        FROM crm_activities ORDER BY seq
        """)
      #expect(
        entries == [["crm.boats.create", "boat", nil], ["crm.boats.update", "boat", "2"]])

      let document = try await server.client.send("GET", "/openapi.json").json
      let operation = document["paths"]?["/api/boats/{id}"]?["patch"]
      #expect(operation?["x-permission"] == "crm.boats.update")
      #expect(
        document["components"]?["schemas"]?["Boat"]?["properties"]?["rig"]?["enum"]
          == ["sloop", "ketch"])
    }
  }

  @Test("purging what it refers to clears the reference")
  func purgedReference() async throws {
    try await run { server in
      let skipper = try await server.contact(["firstName": "Joshua"])
      let id = try #require(skipper["id"]?.string)
      let boat = try await server.send(
        "POST", "/api/boats", ["name": "Spray", "skipperId": .string(id)])
      let path = try #require(boat.header("Location"))
      #expect(try await server.send("DELETE", "/api/contacts/\(id)?purge=true").status == 200)
      #expect(try await server.send("GET", path).json["data"]?["skipperId"] == .null)
    }
  }
}
