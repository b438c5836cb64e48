import API
import HTTP
import JSON
import TestSupport
import Testing
import WrapperClient

/// Nonsense for every route: the answer is never a server's error, and always one of ours.
@Suite struct FuzzTests {
  private struct Source {
    var generator: SeededGenerator

    mutating func pick<Element>(_ elements: [Element], _ other: Element) -> Element {
      elements.randomElement(using: &generator) ?? other
    }

    mutating func text() -> String {
      pick(
        [
          "", "a", "\u{0}", "é", "💥", "'", "\"", "\\", "%", "_", "*", "(", "NEAR", "a\"b", "-1",
          "1e999", "0x10", "NaN", "true", "null", "[]", "{}", "-30d", "+99999y", "2026-02-31",
          "9999-12-31", "0001-01-01", "9999-12-31T23:59:60Z", "\u{202e}", "\u{10ffff}", "\\,",
          ",,,", "18446744073709551616", "-9223372036854775808", "9223372036854775807",
          "0190a0b0-0000-7000-8000-000000000000", String(repeating: "x", count: 300), "\r\n",
          "sam", "x:y", "a@b.co", "USD", "new", "high", "customer", "; DROP TABLE leads",
        ], "")
    }

    mutating func name() -> String {
      pick(
        [
          "id", "title", "value", "status", "tags", "customFields", "metadata", "email", "phone",
          "ownerId", "createdAt", "updatedAt", "version", "contactId", "companyId", "address",
          "externalId", "firstName", "lifecycle", "currency", "tenantId", "leadData", "userId",
          "limit", "cursor", "page", "pageSize", "sort", "fields", "count", "q", "purge", "a.b",
          "customFields.a", "customFields.a.b", "customFields.\u{0}", "customFields.'", "x", "",
        ], "x")
    }

    mutating func json(_ depth: Int = 0) -> JSONValue {
      switch Int.random(in: 0..<(depth > 3 ? 5 : 8), using: &generator) {
      case 0: .null
      case 1: .bool(Bool.random(using: &generator))
      case 2: .integer(Int64.random(in: .min ... .max, using: &generator))
      case 3:
        .number(
          JSONNumber(unchecked: pick(["1e400", "-0", "1e-400", "0.1", "1E+2", "12.345"], "0")))
      case 4: .string(text())
      case 5: .array((0..<Int.random(in: 0...4, using: &generator)).map { _ in json(depth + 1) })
      default: object(depth)
      }
    }

    mutating func object(_ depth: Int) -> JSONValue {
      var members: [(String, JSONValue)] = []
      for _ in 0..<Int.random(in: 0...5, using: &generator) {
        members.append((name(), json(depth + 1)))
      }
      return .object(JSONObject(members))
    }

    mutating func query() -> String {
      let operators = HTTPOperators.all
      return (0..<Int.random(in: 0...3, using: &generator)).map { _ in
        let suffix = Bool.random(using: &generator) ? "[\(pick(operators, "eq"))]" : ""
        return "\(encoded(name() + suffix))=\(encoded(text()))"
      }.joined(separator: "&")
    }
  }

  private enum HTTPOperators {
    static let all = [
      "eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "contains", "startsWith", "isNull",
      "all", "none", "", "x", "[",
    ]
  }

  @Test("1,500 random requests to all routes never give a 5xx", arguments: [7, 8])
  func nonsense(seed: UInt64) async throws {
    try await TestServer.run(
      creditCheck: .off, configure: { $0.authenticationsPerMinute = 0 }
    ) { server in
      var source = Source(generator: SeededGenerator(seed: seed))
      let lead = try await server.lead(["title": "t"])
      let contact = try await server.contact(["firstName": "t"])
      let document = try await server.client.send("GET", "/openapi.json")
      let paths = (document.json["paths"]?.object?.names ?? []).filter { !$0.hasPrefix("/auth") }
      #expect(paths.count >= 8)
      for number in 0..<750 {
        let id = source.pick([lead.id, contact.id, encoded(source.text()), "x"], "x")
        let path = source.pick(paths, "/api/leads").replacing("{id}", with: id)
        let method = source.pick(["GET", "GET", "GET", "POST", "PUT", "PATCH", "DELETE"], "GET")
        let query = source.query()
        var headers: [(String, String)] = []
        for name in ["If-Match", "If-None-Match", "Idempotency-Key", "X-Reason"]
        where Int.random(in: 0..<8, using: &source.generator) == 0 {
          let text = source.text().unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7f }
          headers.append((name, String(String.UnicodeScalarView(text))))
        }
        let body: JSONValue? = ["GET", "DELETE"].contains(method) ? nil : source.json()
        let answer = try await server.send(
          method, query.isEmpty ? path : "\(path)?\(query)",
          as: source.pick(["ada", "sam", "mara", "greta"], "ada"), body, headers: headers)
        #expect(
          answer.status < 500,
          "seed \(seed), \(number): \(method) \(path)?\(query) \(body?.text ?? ""): \(answer.text)")
        if answer.status >= 400 { #expect(answer.code != nil || method == "HEAD") }
      }
      // Whatever came in can be read again.
      for path in ["/api/leads", "/api/contacts"] {
        let list = try await server.send("GET", "\(path)?limit=200&count=true")
        #expect(list.status == 200)
        #expect(list.data.array != nil)
      }
    }
  }
}
