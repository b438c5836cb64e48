internal import Foundation
internal import Glibc
internal import JSON
internal import SQLite
internal import TestSupport
internal import Testing

extension ProgramTests {
  @Suite struct RemoteWrapperTests {
    @Test("with a Wrapper in another process: sign-in there, work here, entries go back there")
    func endToEnd() async throws {
      let workplace = try Workplace()
      let wrapper = try await workplace.wrapper(database: "wrapper.db")
      // A proxy that the environment names must not see the key; this one would not even answer.
      let proxies = Dictionary(
        uniqueKeysWithValues: ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"].map {
          ($0, "http://127.0.0.1:1")
        })
      let server = try await workplace.serve(
        environment: environment(wrapper).merging(proxies) { own, _ in own })
      let (login, token) = try await signIn(wrapper)
      #expect(try await server.send("POST", "/auth/login", token: nil, login).status == 404)
      let created = try await server.send(
        "POST", "/api/leads", token: token, ["leadData": ["title": "Across", "value": 1]])
      #expect(created.status == 201)
      #expect(await arrives(1, in: workplace))
      #expect(
        try rows("SELECT operation, user_id FROM directory_activities", in: workplace)
          == [["crm.leads.create", "user-ada"]])
      // Neither the people nor a password of theirs is in the server's own file.
      #expect(try workplace.rows("SELECT count(*) FROM directory_users") == [["0"]])
      try await server.stop()
      try await wrapper.stop()
      #expect(!(server.child.errors + wrapper.child.errors).contains("the-key"))
      #expect(!(server.child.errors + server.child.output).contains(token))
    }

    @Test("a server that knows nobody is ready once the Wrapper has answered")
    func ready() async throws {
      let workplace = try Workplace()
      let wrapper = try await workplace.wrapper(database: "wrapper.db")
      try await wrapper.stop()
      let server = try await workplace.serve(environment: environment(wrapper))
      let early = try await server.client.send("GET", "/health/ready")
      #expect(early.status == 503)
      #expect(early.json["status"] == "not_ready")
      #expect(early.json["directory"] == "not_loaded")
      #expect(try await server.client.send("GET", "/health/live").status == 200)
      let back = try await workplace.wrapper(
        "--listen", "127.0.0.1:\(wrapper.client.port)", database: "wrapper.db")
      var status = 503
      for _ in 1...150 where status != 200 {
        try await Task.sleep(for: .milliseconds(100))
        status = try await server.client.send("GET", "/health/ready").status
      }
      #expect(status == 200)
      try await server.stop()
      try await back.stop()
    }

    @Test("without the Wrapper a start works from the stored snapshot, and entries wait for it")
    func restartAlone() async throws {
      let workplace = try Workplace()
      let wrapper = try await workplace.wrapper(database: "wrapper.db")
      let first = try await workplace.serve(environment: environment(wrapper))
      let lead: JSONValue = ["leadData": ["title": "Before", "value": 1]]
      #expect(try await first.send("POST", "/api/leads", lead).status == 201)
      #expect(await arrives(1, in: workplace))
      try await first.stop()
      try await wrapper.stop()

      let second = try await workplace.serve(environment: environment(wrapper))
      let leads = try await second.send("GET", "/api/leads")
      #expect(leads.status == 200)
      #expect(leads.json["data"]?.array?.map { $0["title"]?.string } == ["Before"])
      // Permissions come from the snapshot too: a viewer still may not write.
      #expect(try await second.send("POST", "/api/leads", as: "user-grace", lead).status == 403)
      let offline = try await second.send(
        "POST", "/api/leads", ["leadData": ["title": "Meanwhile", "value": 1]])
      #expect(offline.status == 201)
      // Its entry waits in the file: an end without the Wrapper is prompt and loses nothing.
      second.child.signal(SIGTERM)
      #expect(try await second.child.waitForEnd(within: 10) == .exited(0))

      let third = try await workplace.serve(environment: environment(wrapper))
      let back = try await workplace.wrapper(
        "--listen", "127.0.0.1:\(wrapper.client.port)", database: "wrapper.db")
      // Each stop has signed the log, which is an entry too.
      #expect(await arrives(5, in: workplace))
      let checkpoint = "crm.activities.checkpoint"
      #expect(
        try rows("SELECT operation FROM directory_activities ORDER BY operation", in: workplace)
          == [
            [checkpoint], [checkpoint], ["crm.leads.create"], ["crm.leads.create"],
            ["crm.leads.create.failed"],
          ])
      try await third.stop()
      try await back.stop()
      #expect(try workplace.rows("SELECT count(*) FROM activity_outbox") == [["0"]])
    }

    @Test("a Wrapper that takes calls and never answers holds up neither reading nor the end")
    func silentWrapper() async throws {
      let workplace = try Workplace()
      let wrapper = try await workplace.wrapper(database: "wrapper.db")
      let server = try await workplace.serve(environment: environment(wrapper))
      let lead: JSONValue = ["leadData": ["title": "Any", "value": 1]]
      #expect(try await server.send("POST", "/api/leads", lead).status == 201)
      #expect(await arrives(1, in: workplace))
      // What cannot be read at the moment is read at the next.
      #expect(await eventually { (try? workplace.rows("SELECT 1 FROM activity_outbox")) == [] })
      wrapper.child.signal(SIGSTOP)
      #expect(try await server.send("GET", "/api/leads").status == 200)
      // Paid for from the balance that was last heard of.
      #expect(try await server.send("POST", "/api/leads", lead).status == 201)
      server.child.signal(SIGTERM)
      #expect(try await server.child.waitForEnd(within: 10) == .exited(0))
      // The second lead, and the checkpoint of the stop.
      #expect(try workplace.rows("SELECT count(*) FROM activity_outbox") == [["2"]])
      wrapper.child.signal(SIGCONT)
      try await wrapper.stop()
    }

    @Test("an alias names the Wrapper, and its key may come from a file")
    func alias() async throws {
      let workplace = try Workplace()
      let wrapper = try await workplace.wrapper(database: "wrapper.db")
      try workplace.write("the-key\n", to: "key")
      for name in ["WRAPPER_API_URL", "USER_MANAGEMENT_URL"] {
        let server = try await workplace.serve(
          environment: [name: wrapper.url, "WRAPPER_API_KEY_FILE": "key"])
        #expect(try await server.send("GET", "/api/leads").status == 200)
        try await server.stop()
      }
      try await wrapper.stop()
    }

    private func environment(_ wrapper: RunningServer) -> [String: String] {
      [
        "WRAPPER_API_BASE_URL": wrapper.url, "WRAPPER_API_KEY": "the-key",
        "CRM_POLL_SECONDS": "0.2", "CRM_ACTIVITY_BUFFER_SIZE": "1",
      ]
    }

    /// Signs in at the Wrapper itself, with what it printed.
    private func signIn(_ wrapper: RunningServer) async throws -> (JSONValue, String) {
      let line = wrapper.child.output.split(separator: "\n").first { $0.hasPrefix("Sign in: ") }
      let words = try #require(line).split(separator: " ").map(String.init)
      try #require(words.count == 4)
      let login: JSONValue = ["email": .string(words[2]), "password": .string(words[3])]
      let answer = try await wrapper.send("POST", "/auth/login", token: "the-key", login)
      return (login, try #require(answer.json["token"]?.string))
    }

    private func arrives(_ count: Int, in workplace: Workplace) async -> Bool {
      await eventually {
        // Until the Wrapper has made its file there is nothing to read.
        let found = try? rows("SELECT count(*) FROM directory_activities", in: workplace)
        return found == [["\(count)"]]
      }
    }

    private func rows(_ sql: String, in workplace: Workplace) throws -> [[String?]] {
      let connection = try Connection(path: workplace.folder.file("wrapper.db"), mode: .readOnly)
      return try connection.all(sql) { row in (0..<row.columnCount).map { row.text($0) } }
    }
  }
}
