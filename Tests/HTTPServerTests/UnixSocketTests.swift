import Foundation
import Glibc
import HTTP
import HTTPServer
import TestSupport
import Testing

@Suite struct UnixSocketTests {
  @Test("requests are answered, with bodies, waits, streams of errors and all")
  func answers() async throws {
    let folder = try TemporaryFolder()
    try await withLocalServer(at: folder.file("control")) { client throws in
      #expect(try client.send(.get, "/hello").text == "hello")
      #expect(try client.send(.get, "/later").text == "later")
      #expect(try client.send(.get, "/head?a=b").text == "/head?a=b")
      #expect(try client.send(.post, "/echo", body: Array("body".utf8)).text == "body")
      #expect(try client.send(.post, "/echo", body: []).text == "")
      #expect(try client.send(.get, "/nothing").status == 404)
      #expect(
        try client.send(.post, "/echo", body: [UInt8](repeating: 65, count: 1001)).status == 413)
    }
  }

  @Test("nobody else may use the file, which goes when the server stops")
  func fileMode() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("control")
    try await withLocalServer(at: path) { client throws in
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
      #expect(attributes[.type] as? FileAttributeType == .typeSocket)
    }
    #expect(!FileManager.default.fileExists(atPath: path))
    #expect(throws: ControlClient.Failure.absent) {
      try ControlClient(path: path).send(.get, "/hello")
    }
  }

  @Test("a path longer than an address can hold is reached all the same")
  func longPath() async throws {
    let folder = try TemporaryFolder()
    let long = folder.file(String(repeating: "long", count: 40))
    try FileManager.default.createDirectory(atPath: long, withIntermediateDirectories: false)
    try await withLocalServer(at: "\(long)/control") { client throws in
      #expect(try client.send(.get, "/hello").text == "hello")
      #expect(FileManager.default.fileExists(atPath: "\(long)/control"))
    }
    #expect(!FileManager.default.fileExists(atPath: "\(long)/control"))
    let name = "\(long)/\(String(repeating: "n", count: 120))"
    let server = HTTPServer(configuration: .local(name), application: ProbeApplication())
    #expect(throws: HTTPServerError.system(call: "bind", code: ENAMETOOLONG)) {
      try server.start()
    }
  }

  @Test("a socket that a killed server left is replaced; one that answers is not")
  func leftOver() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("control")
    try leaveSocket(at: path)
    #expect(throws: ControlClient.Failure.absent) {
      try ControlClient(path: path).send(.get, "/hello")
    }
    try await withLocalServer(at: path) { client throws in
      #expect(try client.send(.get, "/hello").text == "hello")
      let second = HTTPServer(configuration: .local(path), application: ProbeApplication())
      #expect(throws: HTTPServerError.system(call: "bind", code: EADDRINUSE)) {
        try second.start()
      }
      #expect(try client.send(.get, "/hello").text == "hello")
    }
  }

  @Test("a file that is no socket is left alone")
  func notASocket() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("control")
    try #require(FileManager.default.createFile(atPath: path, contents: Data("kept".utf8)))
    let server = HTTPServer(configuration: .local(path), application: ProbeApplication())
    #expect(throws: HTTPServerError.system(call: "bind", code: EADDRINUSE)) { try server.start() }
    #expect(FileManager.default.contents(atPath: path) == Data("kept".utf8))
  }

  @Test("an answer over the client's bound is refused, not held")
  func largeAnswer() async throws {
    let folder = try TemporaryFolder()
    let application = ProbeApplication { _ in
      .answer(ProbeApplication.text(String(repeating: "a", count: 17 * 1024 * 1024)))
    }
    try await withLocalServer(application, at: folder.file("control")) { client throws in
      #expect(throws: ControlClient.Failure.malformed) { try client.send(.get, "/") }
    }
  }

  /// Other users exist only for root.
  @Test(
    "another user is refused even when the file's mode would let them in",
    .enabled(
      if: geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv")
        && FileManager.default.isExecutableFile(atPath: "/usr/bin/curl")))
  func foreignUser() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("control")
    try await withLocalServer(at: path) { _ throws in
      for (place, mode) in [(folder.path, 0o755), (path, 0o666)] {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: place)
      }
      #expect(try status(at: path, user: "65534") == "403")
      #expect(try status(at: path, user: "0") == "200")
    }
  }

  /// What `curl`, run as `user`, is answered.
  private func status(at path: String, user: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
    process.arguments = [
      "--reuid", user, "--clear-groups", "/usr/bin/curl", "-s", "-o", "/dev/null", "-w",
      "%{http_code}", "--unix-socket", path, "http://localhost/hello",
    ]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    process.waitUntilExit()
    return String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  }

  /// Binds a socket and closes it without removing its name, as a killed process does.
  private func leaveSocket(at path: String) throws {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let isBound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
    }
    try #require(isBound == 0)
    close(descriptor)
  }

  private func withLocalServer(
    _ application: ProbeApplication = ProbeApplication(), at path: String,
    _ body: @escaping @Sendable (ControlClient) throws -> Void
  ) async throws {
    let server = HTTPServer(configuration: .local(path), application: application)
    #expect(try server.start() == 0)
    do {
      try await onOwnThread { try body(ControlClient(path: path)) }
    } catch {
      await server.stop(graceSeconds: 5)
      throw error
    }
    await server.stop(graceSeconds: 5)
  }
}

extension HTTPServerConfiguration {
  fileprivate static func local(_ path: String) -> HTTPServerConfiguration {
    var configuration = HTTPServerConfiguration(threads: 1)
    configuration.socketPath = path
    return configuration
  }
}

extension ControlClient.Answer {
  fileprivate var text: String { String(decoding: body, as: UTF8.self) }
}
