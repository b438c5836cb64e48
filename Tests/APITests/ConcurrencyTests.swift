import JSON
import TestSupport
import Testing
import WrapperClient

/// Many clients and one record.
@Suite struct ConcurrencyTests {
  @Test("8 clients that each count 50 up under If-Match end at 400")
  func increments() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let path = "/api/contacts/\(try await server.contact(["firstName": "Counter"]).id)"
      try await withThrowingTaskGroup { group in
        for _ in 0..<8 {
          group.addTask {
            var done = 0
            while done < 50 {
              let now = try await server.send("GET", path)
              let count = now.data["customFields"]?["n"]?.integer ?? 0
              let answer = try await server.send(
                "PATCH", path, ["customFields": ["n": .integer(count + 1)]],
                headers: [("If-Match", now.header("ETag") ?? "")])
              if answer.status == 200 {
                done += 1
              } else {
                #expect(answer.status == 412)
              }
            }
          }
        }
        try await group.waitForAll()
      }
      let end = try await server.send("GET", path)
      #expect(end.data["customFields"]?["n"] == 400)
      #expect(end.data["version"] == 401)
      #expect(
        try server.rows(
          "SELECT count(*) FROM crm_activities WHERE operation = 'crm.contacts.update'")
          == [["400"]])
    }
  }

  @Test("patches of different members that race both survive")
  func differentMembers() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let path = "/api/leads/\(try await server.lead(["title": "x"]).id)"
      let members = ["firstName", "lastName", "phone", "company", "source"]
      for round in 0..<10 {
        try await withThrowingTaskGroup { group in
          for member in members {
            group.addTask {
              let body = JSONValue.object(
                JSONObject([
                  (member, .string("\(member) \(round)")),
                  ("customFields", .object(JSONObject([(member, .integer(round))]))),
                ]))
              let answer = try await server.send("PATCH", path, body)
              #expect(answer.status == 200)
            }
          }
          try await group.waitForAll()
        }
        let data = try await server.send("GET", path).data
        for member in members {
          #expect(data[member] == .string("\(member) \(round)"))
          #expect(data["customFields"]?[member] == .integer(round))
        }
      }
      #expect(try await server.send("GET", path).data["version"] == 51)
    }
  }

  @Test("of creates that race for one e-mail address one wins, the others are 409")
  func oneAddress() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let statuses = try await withThrowingTaskGroup { group in
        for number in 0..<12 {
          group.addTask {
            try await server.send(
              "POST", "/api/contacts",
              ["firstName": .string("\(number)"), "email": "One@Example.org"]
            ).status
          }
        }
        return try await group.reduce(into: [Int]()) { $0.append($1) }
      }
      #expect(statuses.sorted() == [201] + Array(repeating: 409, count: 11))
    }
  }

  @Test("of deletes that race one finds the record")
  func oneDelete() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let path = "/api/contacts/\(try await server.contact(["firstName": "Ann"]).id)"
      let statuses = try await withThrowingTaskGroup { group in
        for _ in 0..<6 { group.addTask { try await server.send("DELETE", path).status } }
        return try await group.reduce(into: [Int]()) { $0.append($1) }
      }
      #expect(statuses.sorted() == [200, 404, 404, 404, 404, 404])
    }
  }
}
