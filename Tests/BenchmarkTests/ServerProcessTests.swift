internal import Foundation
internal import Testing

@testable import cardfile_bench

@Suite("The server under measurement is started and ended") struct ServerProcessTests {
  // The child's child is there before the announcement, so that the trap always ends it: while it
  // lived, Foundation would take the server for alive.
  private static func server(endingWith status: Int) -> String {
    """
    sleep 60 &
    trap "kill $!; exit \(status)" TERM
    echo "Cardfile is listening on http://127.0.0.1:41234"
    echo "Sign in: a@b.example $RATE_LIMIT_PER_MINUTE"
    wait
    """
  }

  /// A program that behaves like a server as far as its process is concerned.
  private static func program(_ script: String, in folder: String) throws -> String {
    let path = folder + "/server"
    try "#!/bin/sh\n\(script)\n".write(toFile: path, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return path
  }

  // Runs on a thread of Dispatch, which blocks SIGTERM: the child must not inherit that.
  @Test("SIGTERM reaches a server that was started from a thread that blocks it")
  func stop() async throws {
    try await withTemporaryFolder { folder in
      let path = try Self.program(Self.server(endingWith: 0), in: folder)
      let server = try ServerProcess(path: path, database: folder + "/a.db")
      #expect(server.port == 41234)
      #expect(server.password == "0")
      #expect(try ProcessStatistics.residentMegabytes(of: server.identifier) > 0)
      try server.stop()
    }
  }

  @Test("a server that ends with another status than 0 is an error")
  func badEnd() async throws {
    try await withTemporaryFolder { folder in
      let path = try Self.program(Self.server(endingWith: 3), in: folder)
      let server = try ServerProcess(path: path, database: folder + "/a.db")
      #expect(throws: BenchmarkError.self) { try server.stop() }
    }
  }

  @Test("a server that ends before it says where it listens is an error with its words")
  func badStart() async throws {
    try await withTemporaryFolder { folder in
      let path = try Self.program("echo the port is taken; exit 1", in: folder)
      let error = #expect(throws: BenchmarkError.self) {
        try ServerProcess(path: path, database: folder + "/a.db")
      }
      #expect(error?.description.contains("the port is taken") == true)
    }
  }
}
