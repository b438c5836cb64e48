internal import Testing

extension ProgramTests {
  @Suite struct CommandLineTests {
    @Test("the version is one line, and help is on standard output with exit 0")
    func help() async throws {
      let workplace = try Workplace()
      let version = try await workplace.run("--version")
      #expect(version.end == .exited(0))
      #expect(version.output.wholeMatch(of: /cardfile \d+\.\d+\.\d+\n/) != nil)
      let overview = try await workplace.run("help")
      #expect(overview.end == .exited(0))
      for command in ["serve", "wrapper", "help", "--version"] {
        #expect(overview.output.contains("cardfile \(command)"))
      }
      for words in [["help", "serve"], ["serve", "--help"], ["serve", "-h"]] {
        let child = try workplace.start(words)
        #expect(try await child.waitForEnd() == .exited(0))
        for text in [
          "--db, CRM_DB_PATH", "--listen, CRM_LISTEN", "--demo", "--tls-cert", "--tls-key",
          "WRAPPER_API_KEY", "JWT_SECRET", "NAME_FILE", "(127.0.0.1:5000)", "SIGHUP",
        ] {
          #expect(child.output.contains(text))
        }
        #expect(child.errors == "")
      }
      let wrapper = try await workplace.run("help", "wrapper")
      #expect(wrapper.output.contains("--listen"))
      #expect(!wrapper.output.contains("--log-format"))
      for name in ["fail-rate", "latency", "down-after", "up-after", "no-feed"] {
        #expect(wrapper.output.contains("--\(name)\n"))
      }
    }

    @Test(
      "what the program does not know is exit 2 and stands on standard error",
      arguments: [
        (["frobnicate"], "there is no command frobnicate"),
        (["help", "frobnicate"], "there is no command frobnicate"),
        (["serve", "--frobnicate"], "there is no option --frobnicate"),
        (["serve", "--frobnicate=1"], "there is no option --frobnicate"),
        (["serve", "data.db"], "data.db is not an option"),
        (["serve", "--db"], "--db wants a value"),
        (["wrapper", "--log-format", "json"], "there is no option --log-format"),
        (["serve", "--fail-rate", "1"], "there is no option --fail-rate"),
        (["wrapper", "--fail-rate", "2"], "--fail-rate=2: a number from 0 to 1 is wanted"),
        (["wrapper", "--latency=-5"], "--latency=-5: a number of milliseconds from 0"),
        (["wrapper", "--down-after", "soon"], "--down-after=soon: a number of seconds from 0"),
        (["wrapper", "--up-after", "5"], "--up-after wants --down-after beside it"),
        (["wrapper", "--down-after"], "--down-after wants a value"),
        (["wrapper", "--no-feed=maybe"], "--no-feed=maybe: true or false is wanted"),
        (["serve", "--demo=maybe"], "--demo=maybe: true or false is wanted"),
        (["serve", "--log-format", "xml"], "--log-format=xml: one of text, json is wanted"),
        (["serve", "--listen", "5000"], "address:port is wanted"),
        (["serve", "--listen", "127.0.0.1:65536"], "address:port is wanted"),
        (["serve", "--listen", ":5000"], "an IP address before the port is wanted"),
        (["serve", "--listen", "300.1.1.1:5000"], "an IP address before the port is wanted"),
      ])
    func wrongUsage(arguments: [String], complaint: String) async throws {
      let workplace = try Workplace()
      let child = try workplace.start(arguments)
      #expect(try await child.waitForEnd() == .exited(2))
      #expect(child.errors.contains(complaint))
      #expect(child.output == "")
      #expect(try workplace.isEmpty)
    }

    @Test("nothing said is not nothing wanted: the overview and exit 2")
    func nothing() async throws {
      let nothing = try await Workplace().run()
      #expect(nothing.end == .exited(2))
      #expect((nothing.output + nothing.errors).contains("cardfile serve"))
    }

    @Test("the value of an option that does not exist is not repeated: it may be a secret")
    func secretAsOption() async throws {
      let secret = "a-secret-that-nobody-should-see-again"
      let result = try await Workplace().run("serve", "--jwt-secret=\(secret)")
      #expect(result.end == .exited(2))
      #expect(result.errors.contains("there is no option --jwt-secret"))
      #expect(!result.errors.contains(secret))
    }
  }
}
