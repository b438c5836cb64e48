internal import Cryptography
internal import Foundation
internal import TestSupport
internal import Testing

extension ProgramTests {
  @Suite struct ConfigurationTests {
    @Test("all faults are named at once, each with its name, its value and what is allowed")
    func allAtOnce() async throws {
      let workplace = try Workplace()
      try workplace.write("CRM_POLL_SECONDS=often\nCRM_IN_FILE=1\n", to: ".env")
      let result = try await workplace.run(
        "serve", "--log-format", "xml",
        environment: [
          "CRM_NONSENSE": "1", "CRM_DB_PAHT": "x", "PORT": "99999", "LOG_LEVEL": "loud",
          "RATE_LIMIT_PER_MINUTE": "-1", "CRM_CREDIT_CHECK": "perhaps", "CRM_DEMO": "perhaps",
          "CRM_TLS_CERT": "only-one.pem", "WRAPPER_API_URL": "http://crm.example.org",
        ])
      #expect(result.end == .exited(2))
      for fault in [
        "CRM_NONSENSE in the environment: there is no such setting",
        "CRM_DB_PAHT in the environment: there is no such setting; did you mean CRM_DB_PATH",
        "CRM_IN_FILE in .env: there is no such setting",
        "CRM_POLL_SECONDS=often: a number from 0.05 to 3600.0 is wanted",
        "PORT=99999: a whole number from 0 to 65535 is wanted",
        "LOG_LEVEL=loud: one of error, warn, info, debug is wanted",
        "RATE_LIMIT_PER_MINUTE=-1: a whole number from 0",
        "CRM_CREDIT_CHECK=perhaps: one of strict, cached, off is wanted",
        "CRM_DEMO=perhaps: true or false is wanted",
        "--log-format=xml: one of text, json is wanted",
        "CRM_TLS_CERT and CRM_TLS_KEY belong together",
        "WRAPPER_API_BASE_URL=http://crm.example.org: an https URL is wanted",
        "WRAPPER_API_KEY: wanted beside WRAPPER_API_BASE_URL",
      ] {
        #expect(result.errors.contains(fault))
      }
      #expect(result.output == "")
      #expect(!FileManager.default.fileExists(atPath: workplace.folder.file("data")))
    }

    @Test("no secret is repeated, whatever is wrong with it")
    func secrets() async throws {
      let workplace = try Workplace()
      try workplace.write("tiny-in-file\n", to: "secret")
      let short = try await workplace.run(
        "serve", environment: ["JWT_SECRET": "tiny-secret", "PORT": "x"])
      #expect(short.end == .exited(2))
      #expect(short.errors.contains("JWT_SECRET: at least 32 bytes are wanted"))
      #expect(!short.errors.contains("tiny-secret"))

      let shortInFile = try await workplace.run("serve", environment: ["JWT_SECRET_FILE": "secret"])
      #expect(shortInFile.end == .exited(2))
      #expect(shortInFile.errors.contains("JWT_SECRET_FILE: at least 32 bytes are wanted"))
      #expect(!shortInFile.errors.contains("tiny-in-file"))

      let missing = try await workplace.run(
        "serve", environment: ["JWT_SECRET_FILE": "missing", "WRAPPER_API_KEY_FILE": "gone"])
      #expect(missing.end == .exited(2))
      #expect(missing.errors.contains("JWT_SECRET_FILE=missing: the file cannot be read"))
      #expect(missing.errors.contains("WRAPPER_API_KEY_FILE=gone: the file cannot be read"))
    }

    @Test("a cache key that is none is refused without being repeated, wherever it stands")
    func cacheKeys() async throws {
      let workplace = try Workplace()
      let key = Base64.encode([UInt8](repeating: 7, count: 32))
      try workplace.write("tiny-key\n", to: "key")
      for (name, value) in [
        ("CRM_CACHE_KEY", "tiny-key"), ("CRM_CACHE_KEY", "\(key),tiny-key"),
        ("CRM_CACHE_KEY_FILE", "key"),
      ] {
        let result = try await workplace.run("serve", environment: [name: value])
        #expect(result.end == .exited(2))
        #expect(result.errors.contains("\(name): base64 of 32 bytes is wanted"))
        #expect(!result.errors.contains("tiny-key"))
      }
    }

    @Test("a secret may come from a file, and is in no line of the log")
    func secretFromFile() async throws {
      let workplace = try Workplace()
      try await workplace.addPeople()
      try workplace.write(Workplace.secret + "\n", to: "secret")
      let child = try workplace.start(
        [
          "serve", "--db", workplace.databasePath, "--listen", "127.0.0.1:0", "--log-level",
          "debug",
        ], environment: ["JWT_SECRET_FILE": "secret"])
      let server = try await RunningServer(child, announcement: "Cardfile is listening on ")
      #expect(try await server.send("GET", "/api/leads").status == 200)
      try await server.stop()
      #expect(!(child.errors + child.output).contains(Workplace.secret))
    }

    @Test("names of older designs are taken with one warning each that says why, without values")
    func olderNames() async throws {
      let workplace = try Workplace()
      let names = [
        "REDIS_HOST", "REDIS_PASSWORD", "CRM_DB_HOST", "CRM_DB_PORT", "CRM_DB_NAME",
        "CRM_DB_USER", "CRM_DB_PASSWORD", "DATABASE_URL", "NODE_ENV",
      ]
      let server = try await workplace.serve(
        environment: Dictionary(uniqueKeysWithValues: names.map { ($0, "value-of-\($0)") }))
      try await server.stop()
      let lines = server.child.errors.split(separator: "\n")
      for name in names {
        let warnings = lines.filter { $0.contains(" warn \(name) has no effect") }
        #expect(warnings.count == 1)
      }
      #expect(server.child.errors.contains("CRM_DB_HOST has no effect: the database is a file"))
      #expect(!server.child.errors.contains("value-of-"))
    }

    @Test("the environment stands over .env, and options over both")
    func precedence() async throws {
      let workplace = try Workplace()
      try workplace.write(
        """
        # The folder's own settings.
        export CRM_DB_PATH="file.db"
        CRM_LISTEN='127.0.0.1:0'
        LOG_LEVEL=error
        """, to: ".env")
      for (arguments, environment, expected) in [
        ([], [:], "file.db"),
        ([], ["CRM_DB_PATH": "environment.db"], "environment.db"),
        (["--db", "option.db"], ["CRM_DB_PATH": "environment.db"], "option.db"),
      ] as [([String], [String: String], String)] {
        let child = try workplace.start(["serve"] + arguments, environment: environment)
        let server = try await RunningServer(child, announcement: "Cardfile is listening on ")
        #expect(FileManager.default.fileExists(atPath: workplace.folder.file(expected)))
        try await server.stop()
        #expect(child.errors == "")
        try FileManager.default.removeItem(atPath: workplace.folder.file(expected))
      }
    }

    @Test("PORT in the environment stands over CRM_LISTEN in .env")
    func portOverFile() async throws {
      let workplace = try Workplace()
      try workplace.write("CRM_LISTEN=127.0.0.1:1\nCRM_DB_PATH=a.db\n", to: ".env")
      let child = try workplace.start(["serve"], environment: ["PORT": "0"])
      let server = try await RunningServer(child, announcement: "Cardfile is listening on ")
      #expect(server.url.hasPrefix("http://127.0.0.1:"))
      try await server.stop()
    }

    @Test("a .env that others may write is refused, as is one that is no list of assignments")
    func badFile() async throws {
      let workplace = try Workplace()
      for mode in [0o620, 0o602] {
        try workplace.write("LOG_LEVEL=error\n", to: ".env", mode: mode)
        try FileManager.default.setAttributes(
          [.posixPermissions: mode], ofItemAtPath: workplace.folder.file(".env"))
        let result = try await workplace.run("serve", "--listen", "127.0.0.1:0")
        #expect(result.end == .exited(2))
        #expect(result.errors.contains(".env may be written by others: chmod go-w .env"))
      }
      try FileManager.default.removeItem(atPath: workplace.folder.file(".env"))
      try workplace.write("LOG_LEVEL=error\n\nJWT_SECRET whatever\n", to: ".env")
      let result = try await workplace.run("serve", "--listen", "127.0.0.1:0")
      #expect(result.end == .exited(2))
      #expect(result.errors.contains(".env, line 3: NAME=value is wanted"))
      #expect(!result.errors.contains("whatever"))
    }

    @Test(
      "an address that others reach is refused without TLS, with a recipe",
      arguments: ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"])
    func publicAddress(listen: String) async throws {
      let result = try await Workplace().run("serve", "--listen", listen)
      #expect(result.end == .exited(2))
      for text in [
        "can be reached from outside", "--tls-cert", "--behind-proxy", "reverse_proxy 127.0.0.1:",
      ] {
        #expect(result.errors.contains(text))
      }
    }

    @Test("behind a proxy any address may be listened on")
    func behindProxy() async throws {
      let workplace = try Workplace()
      let server = try await workplace.serve("--behind-proxy", "--listen", "0.0.0.0:0")
      #expect(try await server.client.send("GET", "/health/live").status == 200)
      try await server.stop()
    }

    @Test("the demo and a Wrapper elsewhere exclude each other; each alias means the Wrapper")
    func aliases() async throws {
      for name in ["WRAPPER_API_BASE_URL", "WRAPPER_API_URL", "USER_MANAGEMENT_URL"] {
        let result = try await Workplace().run(
          "serve", "--demo",
          environment: [name: "https://wrapper.example.org", "WRAPPER_API_KEY": "the-key"])
        #expect(result.end == .exited(2))
        #expect(result.errors.contains("the demo needs the embedded Wrapper"))
        #expect(!result.errors.contains("the-key"))
      }
    }
  }
}
