import API
import CRM
internal import Glibc
import JSON
import SQLite
import TestSupport
import Testing
import Values
import WrapperClient

/// `POST /api/{contacts,companies,leads,deals}/:id/files`.
@Suite struct FileUploadTests {
  private static let bytes = FileBytes.make(600_000)

  @Test("a raw body becomes a file with name, type, size and hash, in one envelope")
  func rawBody() async throws {
    try await TestServer.run { server in
      let contact = try await server.contact(["firstName": "Jane"])
      let answer = try await server.send(
        "POST", "/api/contacts/\(contact.id)/files", bytes: Self.bytes,
        headers: [
          ("Content-Type", "application/pdf"),
          ("Content-Disposition", "attachment; filename=x; filename*=UTF-8''%C3%9Cber%20uns.pdf"),
          ("X-Reason", "asked for"), ("Idempotency-Key", "is not for uploads"),
        ])
      #expect(answer.status == 201)
      #expect(answer.json["success"] == true)
      #expect(answer.header("Location") == "/api/files/\(answer.data.id)")
      #expect(answer.header("ETag") == "\"1\"")
      #expect(answer.data["name"] == "Über uns.pdf")
      #expect(answer.data["contentType"] == "application/pdf")
      #expect(answer.data["size"] == 600_000)
      #expect(answer.data["sha256"] == .string(FileBytes.hash(Self.bytes)))
      #expect(answer.data["entityType"] == "contact")
      #expect(answer.data["entityId"] == .string(contact.id))
      #expect(answer.data["ownerId"] == "ada")
      #expect(answer.json["userContext"]?["user"] == "Ada Admin")

      let read = try await server.send("GET", "/api/files/\(answer.data.id)")
      #expect(read.data == answer.data)
      let content = try await server.send("GET", "/api/files/\(answer.data.id)/content")
      #expect(content.body == Self.bytes)
      let entries = try server.rows(
        """
        SELECT id, entity_type, entity_id, json_extract(metadata, '$.name'),
          json_extract(metadata, '$.size'), json_extract(metadata, '$.contentType'),
          json_extract(metadata, '$.sha256'), json_extract(metadata, '$.reason')
        FROM crm_activities WHERE operation = 'crm.files.create'
        """)
      #expect(
        entries == [
          [
            answer.json["activityId"]?.string, "file", answer.data.id, "Über uns.pdf", "600000",
            "application/pdf", FileBytes.hash(Self.bytes), "asked for",
          ]
        ])
    }
  }

  @Test("a form with two files is refused, and none of them is kept")
  func twoFiles() async throws {
    try await TestServer.run { server in
      let path = try await server.contactPath()
      let one = FileBytes.form([1, 2, 3])
      // The first form without its end, then the second from its first boundary on.
      let both = one.dropLast("--XX--".utf8.count + 2) + FileBytes.form([4])
      let answer = try await server.send(
        "POST", "\(path)/files", bytes: Array(both), headers: [FileBytes.formType])
      #expect(answer.status == 422, "\(answer.text)")
      #expect(answer.issues == [" too_many"])
      #expect(try server.storedContents() == [0, 0, 0])
    }
  }

  @Test("a form brings its file, in pieces of any size")
  func form() async throws {
    try await TestServer.run { server in
      let path = try await server.contactPath()
      let answer = try await server.send(
        "POST", "\(path)/files", bytes: FileBytes.form(Self.bytes),
        headers: [FileBytes.formType])
      #expect(answer.status == 201)
      #expect(answer.data["name"] == "f.png")
      #expect(answer.data["contentType"] == "image/png")
      #expect(answer.data["sha256"] == .string(FileBytes.hash(Self.bytes)))
      let chunked = try await server.send(
        "POST", "\(path)/files",
        bytes: TestRequest.chunked(
          FileBytes.form(Self.bytes, disposition: "form-data; filename=g", type: nil)
            .chunked(by: 9999)),
        headers: [FileBytes.formType, ("Transfer-Encoding", "chunked")])
      #expect(chunked.status == 201)
      #expect(chunked.data["name"] == "g")
      #expect(chunked.data["contentType"] == "application/octet-stream")
      #expect(chunked.data["size"] == 600_000)
      // The same bytes again: kept once.
      #expect(try server.storedContents() == [1, 3, 0])
    }
  }

  @Test("a form without a file is 422, one that is none or is cut off 400; nothing is kept")
  func badForms() async throws {
    try await TestServer.run { server in
      let path = try await server.contactPath()
      let noFile = Array("--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--XX--".utf8)
      let cut = Array(FileBytes.form(Self.bytes).dropLast(30))
      for (body, status) in [(noFile, 422), (cut, 400), (Array("nothing".utf8), 400)] {
        let answer = try await server.send(
          "POST", "\(path)/files", bytes: body, headers: [FileBytes.formType])
        #expect(answer.status == status)
      }
      let noBoundary = try await server.send(
        "POST", "\(path)/files", bytes: cut, headers: [("Content-Type", "multipart/form-data")])
      #expect(noBoundary.status == 400)
      #expect(try server.storedContents() == [0, 0, 0])
      let failures = try server.rows(
        "SELECT count(*) FROM crm_activities WHERE operation = 'crm.files.create.failed'")
      #expect(failures == [["4"]])
    }
  }

  @Test(
    "sizes around a chunk come back byte for byte",
    arguments: [0, 1, 262_143, 262_144, 262_145, 524_288, 524_289])
  func sizes(count: Int) async throws {
    try await TestServer.run { server in
      let path = try await server.contactPath()
      let bytes = FileBytes.make(count, seed: UInt64(count))
      let raw = try await server.file(bytes, at: path)
      #expect(raw["size"] == .integer(count))
      #expect(raw["sha256"] == .string(FileBytes.hash(bytes)))
      #expect(try await server.send("GET", "/api/files/\(raw.id)/content").body == bytes)
      let form = try await server.send(
        "POST", "\(path)/files", bytes: FileBytes.form(bytes), headers: [FileBytes.formType])
      #expect(form.data["sha256"] == raw["sha256"])
      #expect(try server.storedContents() == [1, (count + 262_143) / 262_144, 0])
    }
  }

  @Test(
    "names lose their path and what cannot be shown, and never get too long",
    arguments: [
      ("../../etc/passwd", "passwd"), ("C:\\fakepath\\x.doc", "x.doc"), ("..", "file"),
      ("  spaced .txt ", "spaced .txt"), ("", "file"), ("a/", "a"),
      (String(repeating: "n", count: 300) + ".pdf", String(repeating: "n", count: 251) + ".pdf"),
    ])
  func names(name: String, expected: String) async throws {
    try await TestServer.run { server in
      let file = try await server.file([1], named: name, at: try await server.contactPath())
      #expect(file["name"] == .string(expected))
    }
  }

  @Test("without a name and a type there are plain ones; marks that turn text round are dropped")
  func fallbacks() async throws {
    try await TestServer.run { server in
      let path = try await server.contactPath()
      let plain = try await server.send("POST", "\(path)/files", bytes: [1])
      #expect(plain.data["name"] == "file")
      #expect(plain.data["contentType"] == "application/octet-stream")
      for type in ["nonsense", "a/b\u{e9}", "text/" + String(repeating: "x", count: 300)] {
        let odd = try await server.send(
          "POST", "\(path)/files", bytes: [1], headers: [("Content-Type", type)])
        #expect(odd.data["contentType"] == "application/octet-stream")
      }
      let turned = try await server.send(
        "POST", "\(path)/files", bytes: [1],
        headers: [
          ("Content-Type", "text/plain; charset=utf-8"),
          ("Content-Disposition", "attachment; filename*=UTF-8''a%E2%80%AEtxt.exe%0A"),
        ])
      #expect(turned.data["name"] == "atxt.exe")
      #expect(turned.data["contentType"] == "text/plain; charset=utf-8")
    }
  }

  @Test("files hang from contacts (also as customers), companies, leads and deals")
  func parents() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await server.contact(["firstName": "Jane"])
      let company = try await server.send("POST", "/api/companies", ["name": "Globex"]).data
      let lead = try await server.lead(["title": "Lead"])
      let deal = try await server.send("POST", "/api/deals", ["title": "Deal"]).data
      for (type, path) in [
        ("contact", "/api/contacts/\(contact.id)"), ("contact", "/api/customers/\(contact.id)"),
        ("company", "/api/companies/\(company.id)"), ("lead", "/api/leads/\(lead.id)"),
        ("deal", "/api/deals/\(deal.id)"),
      ] {
        let file = try await server.file(Array(path.utf8), named: "\(type).txt", at: path)
        #expect(file["entityType"] == .string(type))
        let list = try await server.send(
          "GET", "\(path)/files?name=\(type).txt&sort=-size&count=true&limit=1")
        #expect(list.status == 200)
        #expect(list.data.array?.first?.id == file.id)
        let one = try await server.send("GET", "\(path)/files/\(file.id)")
        #expect(one.data == file)
      }
      let list = try await server.send("GET", "/api/customers/\(contact.id)/files")
      #expect(list.texts("name") == ["contact.txt", "contact.txt"])
      // A task has no files, and a file is not made of JSON.
      let task = try await server.send("POST", "/api/tasks", ["title": "T"]).data
      #expect(
        try await server.send("POST", "/api/tasks/\(task.id)/files", bytes: [1]).status == 404)
      #expect(try await server.send("POST", "/api/files", ["name": "x"]).status == 405)
    }
  }

  @Test("who may not know of the record gets 404, who may only read it 403, before the bytes")
  func permissions() async throws {
    try await TestServer.run { server in
      let path = try await server.contactPath(as: "ada")
      // A client that would send twenty megabytes hears of it before it has sent any.
      func refused(_ user: String, _ path: String) async throws -> TestResponse {
        let token = TestServer.token(user, at: server.time.now())
        return try await server.client.withConnection { connection in
          try connection.write(
            "POST \(path)/files HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n"
              + "Content-Length: 20000000\r\n\r\n")
          return try connection.readResponse()
        }
      }
      let readOnly = try await refused("vic", path)
      #expect(readOnly.status == 403)
      #expect(readOnly.json["requiredPermission"] == "crm.files.create")
      #expect(try await refused("mara", path).status == 404)
      // sam may read every contact but has no right to files; mara's team does not own the contact.
      #expect(
        try await server.send("POST", "\(path)/files", as: "sam", bytes: [1]).status == 403)
      #expect(
        try await server.send("POST", "\(path)/files", as: "mara", bytes: [1]).status == 404)
      #expect(
        try await server.send("POST", "\(path)/files", as: "greta", bytes: [1]).status == 404)
      let nobody = "/api/contacts/01890000-0000-7000-8000-000000000000"
      #expect(try await server.send("POST", "\(nobody)/files", bytes: [1]).status == 404)
      #expect(
        try await server.client.send("POST", "\(path)/files", body: [1]).status == 401)
      _ = try await server.send("DELETE", path)
      #expect(try await server.send("POST", "\(path)/files", bytes: [1]).status == 404)
      #expect(try server.storedContents() == [0, 0, 0])
    }
  }

  @Test("a file over the limit is 413, by its announced length at once and by count else")
  func tooLarge() async throws {
    try await TestServer.run(configure: { $0.fileBytesMax = 300_000 }) { server in
      let path = try await server.contactPath()
      #expect(
        try await server.send("POST", "\(path)/files", bytes: FileBytes.make(300_000)).status
          == 201)
      let over = FileBytes.make(300_001)
      for (bytes, headers) in [
        (over, []), (FileBytes.make(400_000), []),
        (TestRequest.chunked([over]), [("Transfer-Encoding", "chunked")]),
        (FileBytes.form(over), [FileBytes.formType]),
        (FileBytes.form(FileBytes.make(500_000)), [FileBytes.formType]),
        (
          TestRequest.chunked([FileBytes.form(over)]),
          [FileBytes.formType, ("Transfer-Encoding", "chunked")]
        ),
      ] as [([UInt8], [(String, String)])] {
        let answer = try await server.send(
          "POST", "\(path)/files", bytes: bytes, headers: headers)
        #expect(answer.status == 413)
        #expect(answer.code == "content_too_large")
      }
      let form = try await server.send(
        "POST", "\(path)/files", bytes: FileBytes.form(FileBytes.make(300_000)),
        headers: [FileBytes.formType])
      #expect(form.status == 201)
      #expect(try server.storedContents() == [1, 2, 0])
    }
  }

  @Test("a body in a content coding is refused, since the file would not be what it is said to be")
  func contentCoding() async throws {
    try await TestServer.run { server in
      let path = try await server.contactPath()
      for (coding, status) in [("gzip", 415), ("identity", 201)] {
        let answer = try await server.send(
          "POST", "\(path)/files", bytes: [1], headers: [("Content-Encoding", coding)])
        #expect(answer.status == status)
      }
    }
  }

  @Test("one user has so many files on the way at a time; others go on, and places come back")
  func transfers() async throws {
    try await TestServer.run { server in
      let path = try await server.contactPath()
      let token = TestServer.token("ada", at: server.time.now())
      let port = server.client.port
      let waiting = try await onOwnThread {
        try (0..<CRM.Limits.transfersPerUserMax).map { _ in
          let connection = try TestConnection(port: port)
          try connection.write(
            "POST \(path)/files HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n"
              + "Content-Length: 1\r\nExpect: 100-continue\r\n\r\n")
          // 100 says that the upload has begun.
          let interim = connection.readSome().map { String(decoding: $0, as: UTF8.self) }
          #expect(interim?.hasPrefix("HTTP/1.1 100") == true)
          return connection
        }
      }
      let refused = try await server.send("POST", "\(path)/files", bytes: [1])
      #expect(refused.status == 503)
      #expect(refused.code == "overloaded")
      #expect(refused.header("Retry-After") == "1")
      let other = try await server.file([2], at: path, as: "pia")
      #expect(try await server.send("GET", "/api/files/\(other.id)/content").status == 503)
      #expect(
        try await server.send("GET", "/api/files/\(other.id)/content", as: "vic").body == [2])
      // One arrives, one breaks off: there is room for two again.
      let answer = try await onOwnThread {
        try waiting[0].write([7])
        return try waiting[0].readResponse()
      }
      #expect(answer.status == 201)
      waiting[1].reset()
      _ = try await server.file([3], at: path)
      #expect(try await server.send("GET", "/api/files/\(other.id)/content").body == [2])
      for connection in waiting.dropFirst(2) { connection.reset() }
    }
  }

  @Test("a client that leaves, or sends less than it announced, leaves nothing behind")
  func brokenOff() async throws {
    try await TestServer.run { server in
      let path = try await server.contactPath()
      let token = TestServer.token("ada", at: server.time.now())
      for ending in [0, 1] {
        let connection = try await onOwnThread {
          let connection = try TestConnection(port: server.client.port)
          try connection.write(
            "POST \(path)/files HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n"
              + "Content-Length: 5000000\r\n\r\n")
          try connection.write(Self.bytes)
          return connection
        }
        // Two whole chunks have come; the first is written when the second is there.
        #expect(await server.stores([1, 1, 1]))
        if ending == 0 { connection.reset() } else { connection.finishWriting() }
        #expect(await server.stores([0, 0, 0]))
      }
      #expect(try await server.send("GET", "\(path)/files").data.array == [])
      // The entry is written when the bytes are gone.
      #expect(
        await eventually {
          // A read that fails has not seen it.
          (try? server.rows(
            """
            SELECT json_extract(metadata, '$.code') FROM crm_activities
            WHERE operation = 'crm.files.create.failed'
            """)) == [["malformed_request"], ["malformed_request"]]
        })
    }
  }

  @Test("a client that sends slowly gets its file stored like any other")
  func slow() async throws {
    try await TestServer.run { server in
      let path = try await server.contactPath()
      let token = TestServer.token("ada", at: server.time.now())
      let bytes = FileBytes.make(270_000)
      let answer = try await server.client.withConnection { connection in
        try connection.write(
          "POST \(path)/files HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n"
            + "Content-Length: \(bytes.count)\r\n\r\n")
        for start in stride(from: 0, to: bytes.count, by: 30_000) {
          try connection.write(Array(bytes[start..<(start + 30_000)]))
          // The client's own pace; nothing is waited for.
          usleep(20_000)
        }
        return try connection.readResponse()
      }
      #expect(answer.status == 201)
      #expect(answer.data["sha256"] == .string(FileBytes.hash(bytes)))
    }
  }
}

extension [UInt8] {
  /// The bytes in pieces of `count`.
  fileprivate func chunked(by count: Int) -> [[UInt8]] {
    stride(from: 0, to: self.count, by: count).map {
      Array(self[$0..<Swift.min($0 + count, self.count)])
    }
  }
}
