import API
import CRM
import JSON
import TestSupport
import Testing
import WrapperClient

/// Random and hostile requests to every operation of the published document: never a server's
/// error, always an answer that the document describes.
@Suite struct HostileInputTests {
  private struct Run {
    let server: TestServer
    var source: HostileInput
    /// Ids of records and people, some of which are there.
    var ids: [String]
    var number = 0
    var statuses: [Int: Int] = [:]

    /// Values for the parameters of a path.
    private mutating func values(_ operation: DescribedOperation) -> [String: String] {
      let isDirectory = operation.path.hasPrefix("/api/directory")
      var values: [String: String] = [:]
      for name in operation.parameters(in: "path") {
        // Nobody who asks here may lose what they need for it.
        let known = isDirectory ? ["ida", "support", "proxy", "crm.leads.read"] : ids
        let value: String =
          switch name {
          case "entityType": source.pick(["contact", "lead", "file", "x", "\u{0}"], "deal")
          case "value": source.chance(2) ? "a@b.co" : "x:y"
          default: source.chance(4) ? source.text() : source.pick(known, "x")
          }
        values[name] = value
      }
      return values
    }

    /// Sends one request to the operation; says what is wrong with the answer.
    mutating func ask(_ operation: DescribedOperation) async throws -> String? {
      number += 1
      let path = operation.path(values(operation))
      let query = source.query(operation.parameters(in: "query") + ["x"])
      let method = operation.method == "GET" && source.chance(12) ? "HEAD" : operation.method
      var headers = source.headers()
      let user = source.pick(["ada", "ada", "sam", "mara", "vic", "greta"], "ada")
      // A session that is ended here must not be that of the requests that follow.
      let session = operation.words.last == "logout" ? "out\(number)" : "s\(number / 100)"
      let token = TestServer.token(user, claims: [("sid", .string(session))])
      if !source.chance(30) {
        headers.append(("Authorization", "Bearer \(token)"))
      } else if source.chance(2) {
        headers.append(
          ("Authorization", source.pick(["Basic eDp5", "Bearer", "Bearer a.b.c"], "")))
      }
      var body: [UInt8]?
      if method != "GET", method != "HEAD" {
        body = source.body(operation)
        if body != nil, let type = source.contentType() { headers.append(("Content-Type", type)) }
      }
      let answer = try await server.client.send(
        method, query.isEmpty ? path : "\(path)?\(query)", headers: headers, body: body)
      statuses[answer.status, default: 0] += 1
      guard let fault = Self.fault(answer, operation, isHead: method == "HEAD") else { return nil }
      let sent = String(decoding: (body ?? []).prefix(300), as: UTF8.self)
      return "\(number): \(method) \(path)?\(query) \(headers.dropLast()) \(sent): \(fault)"
    }

    /// What is wrong with an answer to `operation`.
    private static func fault(
      _ answer: TestResponse, _ operation: DescribedOperation, isHead: Bool
    ) -> String? {
      let said = "\(answer.status) \(answer.text.prefix(300))"
      guard answer.status < 500 else { return said }
      // What is no request at all never comes as far as an operation.
      if answer.code == "malformed_request" { return nil }
      guard let types = operation.mediaTypes(answer.status) else { return "undocumented: \(said)" }
      let type = answer.header("Content-Type")?.split(separator: ";").first.map(String.init)
      if types.isEmpty { return answer.body.isEmpty ? nil : "a body: \(said)" }
      guard let type, types.contains(type) || types.contains("*/*") else {
        return "\(type ?? "no type"), not \(types): \(said)"
      }
      guard answer.status >= 400, !isHead else { return nil }
      return answer.code == nil || answer.json["requestId"] == nil ? "no code: \(said)" : nil
    }
  }

  @Test("random requests to every operation are answered as the document says", arguments: [7])
  func everyOperation(seed: UInt64) async throws {
    try await TestServer.run(
      creditCheck: .off, configure: { $0.authenticationsPerMinute = 0 }
    ) { server in
      let samples = RecordSamples(
        server: server, resources: try await DescribedResource.all(server))
      var run = Run(
        server: server, source: HostileInput(generator: SeededGenerator(seed: seed)),
        ids: ["sam", "support", "acme", "crm.leads.create"])
      for (number, resource) in samples.resources.enumerated() {
        let body = try await samples.least(resource, number)
        run.ids.append(try await samples.create(resource, body).id)
      }
      run.ids.append(try await server.file([1, 2, 3], at: try await server.contactPath()).id)
      let document = try await server.client.send("GET", "/openapi.json").json
      let operations = DescribedOperation.all(document)
      #expect(operations.count > 150)
      var faults: [String] = []
      for _ in 0..<Self.rounds {
        for operation in operations {
          if let fault = try await run.ask(operation) { faults.append(fault) }
        }
      }
      #expect(faults.isEmpty, "seed \(seed): \(faults.count)\n\(faults.joined(separator: "\n"))")
      // Some of all that was right, and a lot was wrong in different ways.
      for status in [200, 201, 400, 401, 403, 404, 422] {
        #expect((run.statuses[status] ?? 0) > 5, "\(run.statuses)")
      }
      try await Self.isWhole(server, samples.resources)
    }
  }

  private static let rounds = 8

  /// Whatever came in can be read again, and everything that is derived from it agrees.
  private static func isWhole(
    _ server: TestServer, _ resources: [DescribedResource]
  ) async throws {
    for resource in resources {
      let list = try await server.send("GET", "\(resource.path)?limit=200&count=true")
      #expect(list.status == 200 && list.data.array != nil, "\(resource.name)")
    }
    #expect(try server.store.verifyCounters(tenantID: "acme") == [])
    try await server.checkFullText()
    #expect(try server.rows("PRAGMA foreign_key_check") == [])
    #expect(try server.rows("PRAGMA quick_check") == [["ok"]])
  }

  @Test("methods that a path does not have are refused with those that it has")
  func methods() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let document = try await server.client.send("GET", "/openapi.json").json
      let operations = DescribedOperation.all(document)
      for (path, known) in Dictionary(grouping: operations, by: \.path) {
        let methods = Set(
          known.map(\.method) + (known.contains { $0.method == "GET" } ? ["HEAD"] : []))
        let place = known[0].path([:], other: "0190a0b0-0000-7000-8000-000000000000")
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
        where !methods.contains(method) {
          let answer = try await server.send(method, place)
          #expect(answer.status == 405, "\(method) \(path)")
          let allowed = (answer.header("Allow") ?? "").split(separator: ",").map { name in
            String(name.filter { $0 != " " })
          }
          #expect(Set(allowed) == methods.union(["OPTIONS"]), "\(method) \(path)")
        }
      }
    }
  }
}
