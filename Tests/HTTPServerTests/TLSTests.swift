import Foundation
import HTTP
import HTTPServer
import TestSupport
import Testing

@Suite struct TLSTests {
  @Test(
    "requests are served over TLS 1.2 and 1.3 and not below",
    arguments: [("-tls1_3", true), ("-tls1_2", true), ("-tls1_1", false)])
  func versions(version: String, isServed: Bool) async throws {
    let identity = try Identity(name: "one")
    let configuration = HTTPServerConfiguration(threads: 2, tls: identity.tls)
    let application = ProbeApplication { head in
      .answer(ProbeApplication.text("secure \(head.isSecure)"))
    }
    try await withServer(application, configuration: configuration) { client, _ in
      let output = try await openSSL(port: client.port, [version])
      #expect(output.contains("secure true") == isServed)
    }
  }

  @Test("a new certificate is used from the next handshake on")
  func reloads() async throws {
    let one = try Identity(name: "one")
    let two = try Identity(name: "two")
    let configuration = HTTPServerConfiguration(threads: 2, tls: one.tls)
    try await withServer(configuration: configuration) { client, server in
      let before = try await openSSL(port: client.port)
      #expect(before.contains("CN = one"))
      try server.reload(tls: two.tls)
      let after = try await openSSL(port: client.port)
      #expect(after.contains("CN = two"))
      #expect(after.contains("hello"))
    }
  }

  @Test("an identity that cannot be read is refused and the old one stays")
  func refusesBadIdentity() async throws {
    let one = try Identity(name: "one")
    let two = try Identity(name: "two")
    let broken = TLSIdentity(certificateChain: [1, 2, 3], privateKey: one.tls.privateKey)
    let server = HTTPServer(
      configuration: HTTPServerConfiguration(tls: broken), application: ProbeApplication())
    #expect(throws: HTTPServerError.self) { try server.start() }
    let mixed = TLSIdentity(
      certificateChain: one.tls.certificateChain, privateKey: two.tls.privateKey)
    let configuration = HTTPServerConfiguration(threads: 2, tls: one.tls)
    try await withServer(configuration: configuration) { client, server in
      #expect(throws: HTTPServerError.self) { try server.reload(tls: broken) }
      #expect(throws: HTTPServerError.self) { try server.reload(tls: mixed) }
      let output = try await openSSL(port: client.port)
      #expect(output.contains("CN = one"))
    }
  }

  @Test("handlers wait and plain text does no harm under TLS")
  func suspends() async throws {
    let identity = try Identity(name: "one")
    let configuration = HTTPServerConfiguration(threads: 2, tls: identity.tls)
    try await withServer(configuration: configuration) { client, _ in
      _ = try await client.send(raw: Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
      let output = try await openSSL(port: client.port, path: "/later")
      #expect(output.contains("later"))
    }
  }
}

/// A self-signed certificate.
private struct Identity {
  let tls: TLSIdentity

  init(name: String) throws {
    let folder = try TemporaryFolder()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
      "-nodes", "-days", "2", "-subj", "/CN=\(name)", "-keyout", folder.file("key"),
      "-out", folder.file("chain"),
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    tls = TLSIdentity(
      certificateChain: [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.file("chain")))),
      privateKey: [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.file("key")))))
  }
}

/// What `openssl s_client` sees of one request.
private func openSSL(
  port: UInt16, _ options: [String] = [], path: String = "/hello"
) async throws -> String {
  try await onOwnThread {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["openssl", "s_client", "-ign_eof", "-connect", "127.0.0.1:\(port)"] + options
    let input = Pipe()
    let output = Pipe()
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let request = "GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    // A client whose handshake failed has gone already, which its output shows.
    try? input.fileHandleForWriting.write(contentsOf: Data(request.utf8))
    try? input.fileHandleForWriting.close()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }
}
