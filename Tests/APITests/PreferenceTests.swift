import JSON
import TestSupport
import Testing

/// The caller's own settings.
@Suite struct PreferenceTests {
  @Test("any JSON is kept by key, replaced and forgotten")
  func life() async throws {
    try await TestServer.run { server in
      let path = "/api/preferences/list.columns"
      #expect(try await server.send("GET", "/api/preferences").data == [:])
      #expect(try await server.send("GET", path).code == "not_found")
      let value: JSONValue = ["order": ["b", "a"], "width": 1.25, "none": nil]
      let created = try await server.send("PUT", path, value)
      #expect(created.status == 201 && created.data == value)
      #expect(created.header("Location") == path)
      #expect(created.json["success"] == true && created.json["creditsDeducted"] == 0)
      #expect(try await server.send("GET", path).data == value)
      for value in [nil, true, 12, "text", [1, [2]], [:]] as [JSONValue] {
        let replaced = try await server.send("PUT", path, value)
        #expect(replaced.status == 200 && replaced.json["data"] == value)
        #expect(try await server.send("GET", path).json["data"] == value)
      }
      _ = try await server.send("PUT", "/api/preferences/Theme_2-x", "dark")
      let all = try await server.send("GET", "/api/preferences").data
      #expect(all == ["Theme_2-x": "dark", "list.columns": [:]])
      let removed = try await server.send("DELETE", path)
      #expect(removed.status == 200 && removed.data == [:])
      #expect(try await server.send("GET", path).status == 404)
      #expect(try await server.send("DELETE", path).status == 404)
    }
  }

  @Test("everybody has their own, and needs no permission for them")
  func owners() async throws {
    try await TestServer.run { server in
      let path = "/api/preferences/theme"
      for user in ["ada", "sam", "vic", "greta"] {
        #expect(try await server.send("PUT", path, as: user, .string(user)).status == 201)
      }
      for user in ["ada", "sam", "vic", "greta"] {
        #expect(try await server.send("GET", path, as: user).data == .string(user))
      }
      #expect(try await server.send("GET", path, as: "mara").status == 404)
      #expect(try await server.client.send("GET", path).status == 401)
      #expect(try await server.send("PUT", path, as: "ida", 1).status == 403)
      // The log tells that something was set, but not to what: others read it.
      let entries = try server.rows(
        """
        SELECT operation, entity_type, entity_id, credit_cost, metadata FROM crm_activities
        WHERE user_id = 'sam'
        """)
      #expect(entries == [["crm.preferences.update", "preference", "theme", "0", "{}"]])
    }
  }

  @Test("keys, values and their number are bounded")
  func bounds() async throws {
    try await TestServer.run { server in
      let long = String(repeating: "k", count: 64)
      #expect(try await server.send("PUT", "/api/preferences/\(long)", 1).status == 201)
      for key in ["\(long)k", "a%20b", "a%2Fb", "%C3%A9", "a:b"] {
        let answer = try await server.send("PUT", "/api/preferences/\(key)", 1)
        #expect(answer.status == 422 && answer.issues == [" invalid_key"], "\(key)")
        #expect(try await server.send("GET", "/api/preferences/\(key)").status == 404)
      }
      let fits = JSONValue.string(String(repeating: "x", count: 64 * 1024 - 2))
      let tooLong = JSONValue.string(String(repeating: "x", count: 64 * 1024 - 1))
      #expect(try await server.send("PUT", "/api/preferences/\(long)", fits).status == 200)
      let refused = try await server.send("PUT", "/api/preferences/\(long)", tooLong)
      #expect(refused.issues == [" too_long"])
      let broken = try await server.client.send(
        "PUT", "/api/preferences/a",
        headers: [
          ("Authorization", "Bearer \(TestServer.token("ada"))"),
          ("Content-Type", "application/json"),
        ], body: Array("{".utf8))
      #expect(broken.code == "malformed_json")
      for number in 2...200 {
        #expect(try await server.send("PUT", "/api/preferences/k\(number)", 1).status == 201)
      }
      let more = try await server.send("PUT", "/api/preferences/more", 1)
      #expect(more.status == 422 && more.issues == [" too_many"])
      #expect(try await server.send("PUT", "/api/preferences/k2", 2).status == 200)
      #expect(try await server.send("DELETE", "/api/preferences/k2").status == 200)
      #expect(try await server.send("PUT", "/api/preferences/more", 1).status == 201)
    }
  }
}
