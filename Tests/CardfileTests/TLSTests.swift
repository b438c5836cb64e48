internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing

extension ProgramTests {
  @Suite(
    .enabled(
      if: ["openssl", "curl"].allSatisfy {
        FileManager.default.isExecutableFile(atPath: "/usr/bin/\($0)")
      }, "openssl makes the certificates, curl checks them"))
  struct TLSTests {
    @Test("TLS is served with the given files, and SIGHUP takes a new certificate")
    func reload() async throws {
      let workplace = try Workplace()
      try await makeCertificate("first", in: workplace)
      try await makeCertificate("second", in: workplace)
      try use("first", in: workplace)
      let server = try await workplace.serve("--tls-cert", "used.pem", "--tls-key", "used.key")
      #expect(server.url.hasPrefix("https://127.0.0.1:"))
      #expect(try await get(server, trusting: "first", in: workplace) == "200")
      #expect(try await get(server, trusting: "second", in: workplace) == "000")

      try use("second", in: workplace)
      server.child.signal(SIGHUP)
      #expect(await server.child.saysOnStandardError("read the TLS files and the log level again"))
      #expect(try await get(server, trusting: "second", in: workplace) == "200")
      #expect(try await get(server, trusting: "first", in: workplace) == "000")

      // Half a change, such as a certificate without its key, must not end the service.
      try workplace.write("no certificate\n", to: "used.pem")
      server.child.signal(SIGHUP)
      #expect(await server.child.saysOnStandardError("SIGHUP: nothing was changed"))
      #expect(try await get(server, trusting: "second", in: workplace) == "200")
      try await server.stop()
    }

    @Test("on a public address TLS is enough, and the answers say so")
    func publicAddress() async throws {
      let workplace = try Workplace()
      try await makeCertificate("first", in: workplace)
      let server = try await workplace.serve(
        "--tls-cert", "first.pem", "--tls-key", "first.key", "--listen", "0.0.0.0:0")
      #expect(try await get(server, trusting: "first", in: workplace) == "200")
      try await server.stop()
    }

    @Test("files that are missing, that are no certificate, or that do not fit stop the start")
    func badFiles() async throws {
      let workplace = try Workplace()
      try await makeCertificate("first", in: workplace)
      try await makeCertificate("second", in: workplace)
      try workplace.write("no certificate\n", to: "text.pem")
      let missing = try await workplace.run(
        "serve", "--listen", "127.0.0.1:0", "--tls-cert", "gone.pem", "--tls-key", "gone.key")
      #expect(missing.end == .exited(2))
      #expect(missing.errors.contains("CRM_TLS_CERT=gone.pem: the file cannot be read"))
      #expect(missing.errors.contains("CRM_TLS_KEY=gone.key: the file cannot be read"))
      for (certificate, key) in [("text.pem", "first.key"), ("first.pem", "text.pem")] {
        let result = try await workplace.run(
          "serve", "--db", "a.db", "--listen", "127.0.0.1:0", "--tls-cert", certificate,
          "--tls-key", key)
        #expect(result.end == .exited(1))
        #expect(result.errors.contains("the certificate and its key cannot be used"))
        #expect(result.output == "")
      }
      let mismatch = try await workplace.run(
        "serve", "--db", "a.db", "--listen", "127.0.0.1:0", "--tls-cert", "first.pem",
        "--tls-key", "second.key")
      #expect(mismatch.end == .exited(1))
      #expect(mismatch.errors.contains("the certificate and its key cannot be used"))
    }

    private func makeCertificate(_ name: String, in workplace: Workplace) async throws {
      let end = try await workplace.command(
        "/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=\(name)", "-addext",
        "subjectAltName=IP:127.0.0.1", "-keyout", "\(name).key", "-out", "\(name).pem")
      guard end.end == .exited(0) else { throw Unexpected("no certificate", end.errors) }
    }

    private func use(_ name: String, in workplace: Workplace) throws {
      for kind in ["pem", "key"] {
        let source = URL(fileURLWithPath: workplace.folder.file("\(name).\(kind)"))
        try Data(contentsOf: source).write(
          to: URL(fileURLWithPath: workplace.folder.file("used.\(kind)")))
      }
    }

    /// The status of a request from a client that trusts one certificate, 000 when it refuses.
    private func get(
      _ server: RunningServer, trusting name: String, in workplace: Workplace
    ) async throws -> String {
      try await workplace.command(
        "/usr/bin/curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--noproxy", "*",
        "--cacert", "\(name).pem", "https://127.0.0.1:\(server.client.port)/health/live"
      ).output
    }
  }
}
