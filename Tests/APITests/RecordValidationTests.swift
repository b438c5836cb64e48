import CRM
import JSON
import TestSupport
import Testing
import WrapperClient

/// What a body may hold, limit by limit.
@Suite struct RecordValidationTests {
  @Test("every text has its limit: as long is taken, longer is 422 by name")
  func textLimits() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let limits: [(String, Int)] = [
        ("title", 255), ("source", 50), ("firstName", 255), ("lastName", 255), ("phone", 64),
        ("company", 255),
      ]
      for (member, limit) in limits {
        for letter in ["x", "é", "😀"] {
          let base: JSONValue = ["title": "t"]
          let text = String(repeating: letter, count: limit)
          let fits = try await server.send("POST", "/api/leads", base.with(member, .string(text)))
          #expect(fits.status == 201, "\(member)")
          #expect(fits.data[member]?.string == text)
          let long = try await server.send(
            "POST", "/api/leads", base.with(member, .string(text + letter)))
          #expect(long.status == 422, "\(member)")
          #expect(long.issues == ["/\(member) too_long"])
        }
      }
      for blank: JSONValue in ["", "  ", "\t\n", "\u{3000}", nil] {
        let answer = try await server.send("POST", "/api/leads", ["title": blank])
        #expect(answer.issues == ["/title required"])
      }
      // Marks piled on one letter are characters too: nothing grows without bound behind one.
      let pile = "a" + String(repeating: "\u{301}", count: 255)
      let piled = try await server.send("POST", "/api/leads", ["title": .string(pile)])
      #expect(piled.issues == ["/title too_long"])
    }
  }

  @Test("a text that is neither a name nor a title has room for 64 KiB")
  func longTexts() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let places: [(path: String, member: String, others: JSONValue)] = [
        ("/api/deals", "lostReason", ["title": "t", "stage": "lost"]),
        ("/api/tasks", "description", ["title": "t"]),
      ]
      for (path, member, others) in places {
        let text = String(repeating: "x", count: 65_536)
        let fits = try await server.send("POST", path, others.with(member, .string(text)))
        #expect(fits.status == 201, "\(fits.text.prefix(300))")
        #expect(fits.data[member]?.string == text)
        let long = try await server.send("POST", path, others.with(member, .string(text + "x")))
        #expect(long.issues == ["/\(member) too_long"])
      }
    }
  }

  @Test("an e-mail address is checked by form and by its 254 characters")
  func email() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let domain = (0..<3).map { _ in String(repeating: "d", count: 61) }.joined(separator: ".")
      let longest = String(repeating: "l", count: 64) + "@" + domain + ".de"
      #expect(longest.count == 253)
      for good in [
        longest, longest + "e", "a@b.co", "first.last+tag@sub.example.org", "jürgen@bücher.example",
        "o'neill@example.org", "a@xn--bcher-kva.example",
      ] {
        let answer = try await server.send(
          "POST", "/api/contacts", ["email": .string(good)])
        #expect(answer.status == 201, "\(good)")
        #expect(answer.data["email"]?.string == good)
      }
      for bad in [
        longest + "ee", "a", "a@", "@b.co", "a@b", "a b@c.de", "a@b..de", "a@.de", "a@b.de.",
        "a@@b.de", "<a@b.de>", "a@b.de, c@d.de", ".a@b.de", "a.@b.de", "a@-b.de",
      ] {
        let answer = try await server.send("POST", "/api/contacts", ["email": .string(bad)])
        #expect(answer.status == 422, "\(bad)")
        #expect(answer.issues.first?.hasPrefix("/email ") == true, "\(bad)")
      }
    }
  }

  @Test("money keeps two decimals exactly; more, or 10^13 and beyond, is 422")
  func money() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      func create(_ value: String) async throws -> TestResponse {
        try await server.client.send(
          "POST", "/api/leads",
          headers: [
            ("Authorization", "Bearer \(TestServer.token("ada"))"),
            ("Content-Type", "application/json"),
          ], body: Array("{\"title\": \"t\", \"value\": \(value)}".utf8))
      }
      for (sent, shown) in [
        ("0", "0"), ("0.1", "0.1"), ("-12.34", "-12.34"), ("9999999999999.99", "9999999999999.99"),
        ("-9999999999999.99", "-9999999999999.99"), ("1.50", "1.5"), ("1e3", "1000"),
        ("1.0000", "1"), ("125e-2", "1.25"), ("-0", "0"), ("null", "null"),
      ] {
        let answer = try await create(sent)
        #expect(answer.status == 201, "\(sent)")
        #expect(answer.data["value"]?.text == shown)
      }
      for (sent, code) in [
        ("1.234", "too_many_decimals"), ("0.001", "too_many_decimals"),
        ("10000000000000", "out_of_range"), ("-10000000000000", "out_of_range"),
        ("1e400", "out_of_range"), ("1e13", "out_of_range"), ("\"12\"", "invalid_type"),
        ("true", "invalid_type"), ("[1]", "invalid_type"),
      ] {
        let answer = try await create(sent)
        #expect(answer.status == 422, "\(sent)")
        #expect(answer.issues == ["/value \(code)"])
      }
      // A value without a currency is in the tenant's; a currency without a value stays.
      #expect(try await create("5").data["currency"] == "USD")
      #expect(try await server.lead(["title": "t"])["currency"] == .null)
      let unknown = try await server.send(
        "POST", "/api/leads", ["title": "t", "value": 1, "currency": "XYZ"])
      #expect(unknown.issues == ["/currency invalid_currency"])
    }
  }

  @Test("tags: 50 of 64 characters, each once; custom fields: 64 KiB of any JSON")
  func structures() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      func refused(_ body: JSONValue) async throws -> [String] {
        let answer = try await server.send("POST", "/api/leads", body.with("title", "t"))
        #expect(answer.status == 422)
        return answer.issues
      }
      let tags = (0..<50).map { number in
        JSONValue.string(String(repeating: "é", count: 62) + "\(10 + number)")
      }
      let lead = try await server.lead(["title": "t", "tags": .array(tags + [tags[7], tags[0]])])
      #expect(lead["tags"] == .array(tags))
      #expect(try await refused(["tags": .array(tags + ["more"])]) == ["/tags too_many"])
      let long = JSONValue.string(String(repeating: "x", count: 65))
      #expect(try await refused(["tags": [long]]) == ["/tags too_long"])
      for wrong: JSONValue in ["vip", [1], [""], [["a"]], ["a": 1], [nil]] {
        #expect(try await refused(["tags": wrong]) == ["/tags invalid_type"])
      }
      #expect(try await refused(["tags": ["a\u{7}"]]) == ["/tags control_character"])

      let room = CRM.Limits.textBytesMax - "{\"a\":\"\"}".utf8.count
      let full: JSONValue = ["a": .string(String(repeating: "x", count: room))]
      let over: JSONValue = ["a": .string(String(repeating: "x", count: room + 1))]
      for member in ["customFields", "metadata"] {
        let body: JSONValue = ["title": "t"]
        #expect(try await server.lead(body.with(member, full))[member] == full)
        #expect(
          try await refused(JSONValue.object(JSONObject([(member, over)])))
            == ["/\(member) too_long"])
        for wrong: JSONValue in ["x", 1, [1], true] {
          #expect(
            try await refused(JSONValue.object(JSONObject([(member, wrong)])))
              == ["/\(member) invalid_type"])
        }
      }
      let control: JSONValue = ["customFields": ["a": ["b": ["\u{0}"]]]]
      #expect(try await refused(control) == ["/customFields control_character"])
    }
  }

  @Test(
    "control characters other than newline and tab are 422; every other text comes back as sent")
  func characters() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for scalar in ["\u{0}", "\u{1}", "\u{8}", "\r", "\u{1b}", "\u{7f}", "\u{85}", "\u{9f}"] {
        let answer = try await server.send(
          "POST", "/api/leads", ["title": .string("a\(scalar)b")])
        #expect(answer.issues == ["/title control_character"])
      }
      for text in [
        "line\nand\ttab", "👩‍👩‍👧‍👦 🏳️‍🌈 🇫🇷", "مرحبا بالعالم", "שלום \u{202e}abc\u{202c}", "日本語 한국어",
        "e\u{301} é", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "\u{feff}bom", "'; DROP TABLE leads; --", "<b>&amp;</b>",
        "\\ \" /",
        "%00%20", "a\u{2028}b", "ﬀ İ ß ẞ ς",
      ] {
        let lead = try await server.lead(["title": .string(text), "tags": [.string(text)]])
        let read = try await server.send("GET", "/api/leads/\(lead.id)").data
        #expect(read["title"]?.string.map { Array($0.utf8) } == Array(text.utf8))
        #expect(read["tags"] == [.string(text)])
        let found = try await server.send("GET", "/api/leads?title=\(encoded(text))&limit=1")
        #expect(found.texts("id") == [lead.id], "\(text)")
      }
    }
  }

  @Test("a contact whose only e-mail address is refused is told of that alone")
  func refusedAddress() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let answer = try await server.send("POST", "/api/contacts", ["email": "nope"])
      #expect(answer.status == 422)
      #expect(answer.issues == ["/email invalid_email"])
    }
  }

  @Test("a contact needs a name, an e-mail address or a company, also after a change")
  func contactRule() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for body: JSONValue in [
        [:], ["phone": "1"], ["firstName": ""], ["firstName": "  ", "lastName": "\t"],
        ["email": nil],
      ] {
        let answer = try await server.send("POST", "/api/contacts", body)
        #expect(answer.status == 422)
        #expect(
          answer.issues == [
            "/firstName required", "/lastName required", "/email required", "/company required",
          ])
      }
      for member in ["firstName", "lastName", "company"] {
        let body = JSONValue.object(JSONObject([(member, "x")]))
        let contact = try await server.contact(body)
        let path = "/api/contacts/\(contact.id)"
        let none = JSONValue.object(JSONObject([(member, .null)]))
        #expect(try await server.send("PATCH", path, none).status == 422)
        #expect(try await server.send("PUT", path, ["phone": "1"]).status == 422)
        let moved = try await server.send(
          "PATCH", path, none.with("email", .string("\(member)@example.org")))
        #expect(moved.status == 200)
      }
    }
  }

  @Test("everything that is wrong is said at once, with the pointer of each member")
  func allAtOnce() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let answer = try await server.send(
        "POST", "/api/leads",
        [
          "value": "much", "priority": "urgent", "status": 1, "email": "no", "ownerId": "nobody",
          "contactId": "x", "externalId": "none", "a/b~c": 1,
        ])
      #expect(answer.status == 422)
      #expect(answer.code == "validation_failed")
      #expect(
        Set(answer.issues) == [
          "/value invalid_type", "/priority invalid_choice", "/status invalid_type",
          "/email invalid_email", "/ownerId unknown_reference", "/contactId invalid_id",
          "/externalId invalid_external_id", "/a~1b~0c unknown_member", "/title required",
        ])
      #expect(answer.json["error"] == answer.json["detail"])
      #expect(answer.header("Content-Type") == "application/problem+json")
      for body in ["[]", "null", "\"x\"", "1"] {
        let other = try await server.client.send(
          "POST", "/api/leads", headers: [("Authorization", "Bearer \(TestServer.token("ada"))")],
          body: Array(body.utf8))
        #expect(other.status == 422, "\(body)")
      }
      for body in ["", "{", "{\"title\":\"a\",\"title\":\"b\"}", "{\"title\":\"\\ud800\"}", "{}x"] {
        let other = try await server.client.send(
          "POST", "/api/leads", headers: [("Authorization", "Bearer \(TestServer.token("ada"))")],
          body: Array(body.utf8))
        #expect(other.status == 400, "\(body)")
        #expect(other.code == "malformed_json")
      }
    }
  }

  @Test("the envelope userId and leadData carries changes as it carries new leads")
  func envelope() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let lead = try await server.lead(["title": "t"])
      let path = "/api/leads/\(lead.id)"
      for method in ["PATCH", "PUT"] {
        let answer = try await server.send(
          method, path, ["userId": "ada", "leadData": ["title": .string(method)]])
        #expect(answer.status == 200)
        #expect(answer.data["title"] == .string(method))
      }
      let other = try await server.send(
        "PATCH", path, as: "mara", ["userId": "sam", "title": "x"])
      #expect(other.status == 403)
      let beside = try await server.send(
        "POST", "/api/leads", ["leadData": ["title": "t"], "source": "web"])
      #expect(beside.issues == ["/source unknown_member"])
      let wrong = try await server.send("POST", "/api/leads", ["leadData": [1]])
      #expect(wrong.issues == ["/leadData invalid_type"])
    }
  }
}
