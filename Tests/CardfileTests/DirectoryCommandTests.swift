internal import Foundation
internal import Glibc
internal import JSON
internal import TestSupport
internal import Testing

extension ProgramTests {
  /// `cardfile user|role|unit|tenant|credits …`, with a server and without one.
  @Suite struct DirectoryCommandTests {
    @Test("without a server the file is changed; the server that starts later knows it all")
    func withoutServer() async throws {
      let workplace = try Workplace()
      try await fill(workplace)
      #expect(!FileManager.default.fileExists(atPath: workplace.databasePath + ".control"))
      let server = try await workplace.serve()
      #expect(try await leads(server, "jane@example.org", "a password of hers") == 200)
      try await server.stop()
    }

    @Test("with a server the change goes through it, and the next request knows it")
    func throughServer() async throws {
      let workplace = try Workplace()
      try await fill(workplace)
      let server = try await workplace.serve()
      let socket = workplace.databasePath + ".control"
      let attributes = try FileManager.default.attributesOfItem(atPath: socket)
      #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)

      let added = try await command(
        workplace, "user", "add", "--email", "jim@example.org", "--name", "Jim Poe", "--role",
        "reader", "--unit", "Head Office", "--password-stdin", input: "a password of his\n")
      #expect(added.end == .exited(0))
      #expect(added.output.contains("added jim@example.org"))
      let token = try await signIn(server, "jim@example.org", "a password of his")
      let lead: JSONValue = ["title": "Jim's"]
      #expect(try await server.send("GET", "/api/leads", token: token).status == 200)
      #expect(try await server.send("POST", "/api/leads", token: token, lead).status == 403)

      let granted = try await command(
        workplace, "role", "grant", "Reader", "crm.leads.create")
      #expect(granted.output == "granted crm.leads.create to Reader\n")
      #expect(
        await eventuallyAnswers(server, token, lead, with: 201),
        "a change through the socket is on the feed")
      let shutOut = try await command(workplace, "user", "deactivate", "JIM@example.org")
      #expect(shutOut.output == "jim@example.org is shut out\n")
      #expect(
        try await server.send(
          "POST", "/auth/login", token: nil,
          ["email": "jim@example.org", "password": "a password of his"]
        ).status == 401)
      try await server.stop()
      #expect(!FileManager.default.fileExists(atPath: socket))
    }

    @Test("lists are aligned columns for people and JSON for programs")
    func output() async throws {
      let workplace = try Workplace()
      try await fill(workplace)
      let table = try await command(workplace, "user", "list")
      let lines = table.output.split(separator: "\n")
      #expect(lines.count == 2)
      #expect(lines[0].contains(/^ID +E-MAIL +NAME +TITLE +ROLES +UNIT +ACTIVE$/))
      #expect(lines[1].contains(/jane@example\.org +Jane Doe +Head +Everything +Head Office +yes$/))
      let json = try await command(workplace, "user", "list", "--json")
      let users = try #require(try JSONParser.parse(Array(json.output.utf8)).array)
      #expect(users.count == 1)
      #expect(users[0]["email"] == "jane@example.org")
      let show = try await command(workplace, "user", "show", "jane@example.org")
      #expect(show.output.contains(/NAME +Jane Doe\n/))
      let credits = try await command(workplace, "credits", "show")
      #expect(credits.output.contains(/AVAILABLE +1000000\n/))
      for (noun, name) in [("role", "Everything"), ("unit", "Head Office"), ("tenant", "Example")] {
        let list = try await command(workplace, noun, "list")
        #expect(list.end == .exited(0))
        #expect(list.output.contains(name))
      }
    }

    @Test("everything that the help shows as an example works, one after the other")
    func examples() async throws {
      let workplace = try Workplace()
      try workplace.write("another password\n", to: "password.txt")
      _ = try await command(workplace, "tenant", "add", "--name", "Example", "--id", "acme")
      for (noun, arguments) in [
        ("unit", ["--name", "Sales", "--parent", "Example"]),
        ("unit", ["--name", "Support", "--parent", "Example"]),
        ("unit", ["--name", "South", "--parent", "Example"]),
        ("user", ["--name", "Root", "--email", "root@example.org", "--role", "Admin"]),
      ] {
        let made = try await command(workplace, [noun, "add"] + arguments)
        #expect(made.end == .exited(0), "\(made.errors)")
      }
      for noun in ["tenant", "unit", "user", "role", "credits"] {
        let help = try await workplace.run("help", noun).output
        let examples = try #require(help.split(separator: "Examples:\n").last)
          .split(separator: "\n")
        for line in examples {
          // Asking needs a terminal, and one tenant is enough here.
          if line.hasSuffix("user password jane@example.org") { continue }
          if line.contains("tenant add") { continue }
          let typed = line.drop { $0 == " " }.replacing(
            "cardfile", with: "\(Workplace.program)", maxReplacements: 1)
          let result = try await workplace.command(
            "/bin/sh", "-c", "\(typed) --db '\(workplace.databasePath)'")
          #expect(result.end == .exited(0), "\(line): \(result.errors)")
        }
        #expect(examples.count > 1)
      }
    }

    @Test(
      "wrong usage is exit 2 with the option or the word at fault",
      arguments: [
        (["user"], "cardfile user: the people"),
        (["user", "frobnicate"], "there is no cardfile user frobnicate"),
        (["user", "add"], "--email is wanted"),
        (["user", "add", "--email", "a@b.example"], "--name is wanted"),
        (["user", "add", "--password", "secret"], "there is no option --password"),
        (["user", "show"], "USER is wanted"),
        (["user", "show", "a", "b"], "b is one word too many"),
        (["user", "list", "--search"], "--search wants a value"),
        (["credits", "set", "--overage", "maybe"], "--overage=maybe: true or false is wanted"),
        (["credits", "set", "--daily-limit", "much"], "--daily-limit=much: a number is wanted"),
        (["credits", "set"], "nothing to change"),
        (["credits", "top-up", "much"], "AMOUNT=much: a number is wanted"),
        (["unit", "add", "--name", "x", "--type", "house"], "--type=house: one of organization"),
        (["tenant", "set", "acme", "--setting", "x"], "--setting x: name=value is wanted"),
      ])
    func usage(arguments: [String], complaint: String) async throws {
      let workplace = try Workplace()
      _ = try await command(workplace, "tenant", "add", "--name", "Example", "--id", "acme")
      let result = try await command(workplace, arguments)
      #expect(result.end == .exited(2))
      #expect(result.errors.contains(complaint), "\(result.errors)")
      #expect(!result.errors.contains("secret"))
      #expect(result.output == "")
    }

    @Test("what cannot be done is exit 1, in words that name it")
    func failures() async throws {
      let workplace = try Workplace()
      let missing = try await command(workplace, "user", "list")
      #expect(missing.end == .exited(1))
      #expect(missing.errors.contains("there is no file"))
      #expect(try workplace.isEmpty)
      try await fill(workplace)
      for (arguments, complaint) in [
        (["user", "show", "nobody@example.org"], "nobody has the address nobody@example.org"),
        (["user", "show", "nobody"], "there is no user nobody"),
        (["user", "set", "jane@example.org", "--role", "King"], "there is no role King"),
        (["user", "add", "--email", "nonsense", "--name", "x"], "--email: "),
        (["user", "deactivate", "jane@example.org"], "cardfile user deactivate: "),
        (["user", "password", "jane@example.org", "--password-stdin"], "standard input"),
        (["role", "remove", "Everything"], "cardfile role remove: "),
        (["unit", "show", "Nowhere"], "there is no unit Nowhere; there are "),
        (["user", "list", "--tenant", "globex"], "tenant"),
      ] {
        let result = try await command(workplace, arguments)
        #expect(result.end == .exited(1), "\(arguments): \(result.output)")
        #expect(result.errors.contains(complaint), "\(arguments): \(result.errors)")
        #expect(result.output == "")
      }
      _ = try await command(workplace, "tenant", "add", "--name", "Globex", "--id", "globex")
      let unclear = try await command(workplace, "user", "list")
      #expect(unclear.end == .exited(2))
      #expect(unclear.errors.contains("--tenant is wanted: one of example, globex"))
      #expect(
        try await command(workplace, "user", "list", "--tenant", "example").end == .exited(0))
      let byEnvironment = try await workplace.run(
        "user", "list", "--db", workplace.databasePath, environment: ["CRM_TENANT_ID": "globex"])
      #expect(byEnvironment.end == .exited(0))
      #expect(!byEnvironment.output.contains("jane"))
    }

    @Test("with a remote Wrapper the commands say whose business it is")
    func remote() async throws {
      let workplace = try Workplace()
      let result = try await workplace.run(
        "user", "list", "--db", workplace.databasePath,
        environment: [
          "WRAPPER_API_BASE_URL": "https://wrapper.example.org", "WRAPPER_API_KEY": "key",
        ])
      #expect(result.end == .exited(1))
      #expect(result.errors.contains("the Wrapper's business"))
      #expect(result.errors.contains("https://wrapper.example.org"))
      #expect(try workplace.isEmpty)
    }

    @Test("cardfile wrapper takes commands too, and a killed server's socket is no obstacle")
    func wrapperAndLeftOver() async throws {
      let workplace = try Workplace()
      let wrapper = try await workplace.wrapper(database: "cardfile.db")
      let list = try await command(workplace, "user", "list", "--json")
      #expect(try JSONParser.parse(Array(list.output.utf8)).array?.count == 12)
      wrapper.child.signal(SIGKILL)
      #expect(try await wrapper.child.waitForEnd() == .signalled(SIGKILL))
      #expect(FileManager.default.fileExists(atPath: workplace.databasePath + ".control"))
      let direct = try await command(workplace, "user", "list", "--json")
      #expect(direct.output == list.output)
      let server = try await workplace.serve()
      #expect(try await command(workplace, "user", "list", "--json").output == list.output)
      try await server.stop()
    }

    @Test("a server that holds the file but takes no commands is named")
    func heldElsewhere() async throws {
      let workplace = try Workplace()
      try await fill(workplace)
      let server = try await workplace.serve()
      try FileManager.default.removeItem(atPath: workplace.databasePath + ".control")
      let result = try await command(workplace, "user", "list")
      #expect(result.end == .exited(1))
      #expect(result.errors.contains("in use by process \(server.child.id)"))
      try await server.stop()
    }

    @Test("a password is asked for on a terminal without being shown, and twice")
    func terminal() async throws {
      let script = "/usr/bin/script"
      guard FileManager.default.isExecutableFile(atPath: script) else { return }
      let workplace = try Workplace()
      try await fill(workplace)
      func ask(_ answers: [String]) async throws -> Finished {
        // The terminal's other end: each answer is typed once the question is there.
        let typing = answers.map { "sleep 1; printf '%s\\n' '\($0)'" }.joined(separator: "; ")
        let line =
          "\(Workplace.program) user password jane@example.org --db \(workplace.databasePath)"
        return try await workplace.command(
          "/bin/sh", "-c", "{ \(typing); sleep 1; } | \(script) -qec '\(line)' /dev/null")
      }
      let set = try await ask(["typed unseen", "typed unseen"])
      #expect(set.output.contains("New password: "))
      #expect(set.output.contains("set the password of jane@example.org"))
      #expect(!set.output.contains("typed unseen"))
      let different = try await ask(["typed unseen", "typed otherwise"])
      #expect(different.output.contains("the two are not the same"))
      let server = try await workplace.serve()
      #expect(try await leads(server, "jane@example.org", "typed unseen") == 200)
      try await server.stop()
    }

    // MARK: -

    /// A tenant with one person who may do everything.
    private func fill(_ workplace: Workplace) async throws {
      for arguments in [
        ["tenant", "add", "--name", "Example", "--id", "example"],
        ["unit", "add", "--name", "Head Office", "--parent", "Example"],
        ["role", "add", "--name", "Everything", "--permission", "*"],
        ["role", "add", "--name", "Reader", "--permission", "crm.*.read"],
      ] {
        let made = try await command(workplace, arguments)
        try #require(made.end == .exited(0), "\(made.errors)")
      }
      let user = try await command(
        workplace, "user", "add", "--email", "jane@example.org", "--name", "Jane Doe", "--title",
        "Head", "--role", "Everything", "--unit", "Head Office", "--password-stdin",
        input: "a password of hers\n")
      try #require(user.end == .exited(0), "\(user.errors)")
    }

    private func command(
      _ workplace: Workplace, _ arguments: String..., input: String? = nil
    ) async throws -> Finished {
      try await command(workplace, arguments, input: input)
    }

    private func command(
      _ workplace: Workplace, _ arguments: [String], input: String? = nil
    ) async throws -> Finished {
      let arguments =
        arguments.prefix(2) + ["--db", workplace.databasePath] + arguments.dropFirst(2)
      guard let input else {
        let child = try workplace.start(Array(arguments))
        let end = try await child.waitForEnd()
        return Finished(end: end, output: child.output, errors: child.errors)
      }
      try workplace.write(input, to: "input")
      let words = ([Workplace.program] + arguments).map { "'\($0)'" }.joined(separator: " ")
      return try await workplace.command("/bin/sh", "-c", "\(words) < input")
    }

    private func signIn(
      _ server: RunningServer, _ email: String, _ password: String
    ) async throws -> String {
      let answer = try await server.send(
        "POST", "/auth/login", token: nil,
        ["email": .string(email), "password": .string(password)])
      return try #require(answer.json["token"]?.string, "\(answer.text)")
    }

    private func leads(
      _ server: RunningServer, _ email: String, _ password: String
    ) async throws -> Int {
      let token = try await signIn(server, email, password)
      return try await server.send("GET", "/api/leads", token: token).status
    }

    /// Whether a request is answered so within the two seconds of the change feed, or two polls.
    private func eventuallyAnswers(
      _ server: RunningServer, _ token: String, _ body: JSONValue, with status: Int
    ) async -> Bool {
      for _ in 1...200 {
        // A broken request is as good as another answer here.
        let answer = try? await server.send("POST", "/api/leads", token: token, body)
        if answer?.status == status { return true }
        // The clock of polling: nothing tells this test that the feed was read.
        try? await Task.sleep(for: .milliseconds(50))
      }
      return false
    }
  }
}
