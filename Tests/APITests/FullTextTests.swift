import Database
import JSON
import SQLite
import TestSupport
import Testing
import WrapperClient

/// `q=`: what a record's words find.
@Suite struct FullTextTests {
  private func found(
    _ server: TestServer, _ text: String, _ more: String = "", as user: String = "ada"
  ) async throws -> Set<String> {
    let answer = try await server.send(
      "GET", "/api/contacts?count=true&q=\(encoded(text))\(more)", as: user)
    #expect(answer.status == 200, "\(text)")
    #expect(answer.json["total"] == .integer(answer.data.array?.count ?? 0))
    return Set(answer.texts("id"))
  }

  @Test("words are found by their beginnings, without case and accents, all of them together")
  func words() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let zoe = try await server.contact([
        "firstName": "Zoë", "lastName": "Müller-Lüdenscheidt", "email": "zoe.m@example.org",
        "phone": "+49 (170) 12-34", "company": "Straße & Söhne", "tags": ["VIP gast"],
      ]).id
      let jose = try await server.contact([
        "firstName": "José", "jobTitle": "Müllerin", "company": "日本 Ltd",
      ]).id
      for (text, ids) in [
        ("zoe", [zoe]), ("ZO", [zoe]), ("müll", [zoe, jose]), ("MULLER", [zoe, jose]),
        ("muller zo", [zoe]), ("muller jose zoe", []), ("ludensch", [zoe]),
        ("example", [zoe]), ("zoe.m@example.org", [zoe]), ("491701234", [zoe]), ("170", [zoe]),
        ("strasse", [zoe]), ("vip", [zoe]), ("gast", [zoe]), ("日本", [jose]), ("oe", []),
        ("jose's", []), ("\"zoe\" OR jose", []), ("zoe*", [zoe]), ("zoe NOT muller", []),
        ("title:zoe", []), ("(((zoe", [zoe]), ("-zoe", [zoe]), ("zoë\u{0301}", [zoe]),
      ] as [(String, Set<String>)] {
        #expect(try await found(server, text) == ids, "\(text)")
      }
      #expect(try await found(server, "muller", "&jobTitle[isNull]=true") == [zoe])
      // An empty question asks nothing; one without a word is found nowhere.
      #expect(try await found(server, " ") == [zoe, jose])
      #expect(try await found(server, "*!? 💥") == [])
      #expect(try await found(server, "") == [zoe, jose])
      let long = String(repeating: "zoe ", count: 500)
      #expect(try await found(server, long) == [zoe])
      #expect(try await found(server, "zoe", as: "greta") == [])
    }
  }

  @Test("the index follows updates, the trash, restores and purges")
  func follows() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let id = try await server.contact(["firstName": "Alpha", "tags": ["one"]]).id
      let path = "/api/contacts/\(id)"
      _ = try await server.send("PATCH", path, ["firstName": "Beta"])
      #expect(try await found(server, "alpha") == [])
      #expect(try await found(server, "beta") == [id])
      _ = try await server.send("PATCH", path, ["tags": ["two"]])
      #expect(try await found(server, "one") == [])
      #expect(try await found(server, "two beta") == [id])
      _ = try await server.send("PUT", path, ["lastName": "Gamma"])
      #expect(try await found(server, "beta") == [])
      #expect(try await found(server, "gamma") == [id])
      _ = try await server.send("DELETE", path)
      #expect(try await found(server, "gamma") == [])
      _ = try await server.send("POST", "\(path)/restore")
      #expect(try await found(server, "gamma") == [id])
      _ = try await server.send("DELETE", "\(path)?purge=true")
      #expect(try await found(server, "gamma") == [])
      #expect(try server.rows("SELECT count(*) FROM search_documents") == [["0"]])
      try await server.checkFullText()
      // A write that failed left no word behind.
      _ = try await server.contact(["email": "delta@example.org"])
      let refused = try await server.send(
        "POST", "/api/contacts", ["firstName": "Epsilon", "email": "delta@example.org"])
      #expect(refused.status == 409)
      #expect(try await found(server, "epsilon") == [])
      try await server.checkFullText()
    }
  }
}
