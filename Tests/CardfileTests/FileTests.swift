internal import Cryptography
internal import Foundation
internal import Glibc
internal import JSON
internal import TestSupport
internal import Testing
internal import Values

extension ProgramTests {
  @Suite struct FileTests {
    private static let blockBytes = 1 << 20

    @Test("a file of 300 MB goes in and out while the process stays below 80 MB")
    func constantMemory() async throws {
      let workplace = try Workplace()
      try await workplace.addPeople()
      let server = try await workplace.serve(environment: ["CRM_MAX_FILE_MB": "1000"])
      let contact = try await server.send("POST", "/api/contacts", ["firstName": "Jane"])
      let id = contact.json["data"]?["id"]?.string ?? ""
      let blocks = 300
      let start = try Self.kilobytes("VmRSS", of: server)
      let answer = try await server.client.withConnection { connection in
        try connection.write(
          Self.head("POST", "/api/contacts/\(id)/files", bodyBytes: blocks * Self.blockBytes))
        for number in 0..<blocks { try connection.write(Self.block(number)) }
        return try connection.readResponse()
      }
      #expect(answer.status == 201)
      let hash = Self.hash(ofBlocks: blocks)
      #expect(answer.json["data"]?["sha256"] == .string(hash))
      let path = "/api/files/\(answer.json["data"]?["id"]?.string ?? "")/content"
      let received = try await server.client.withConnection { connection in
        try connection.write(Self.head("GET", path, bodyBytes: nil))
        return Self.hash(ofBody: connection, byteCount: blocks * Self.blockBytes)
      }
      #expect(received == hash)
      let peak = try Self.kilobytes("VmHWM", of: server)
      #expect(peak < 80_000)
      #expect(peak - start < 30_000)
      try await server.stop()
    }

    @Test("kill -9 in the middle of an upload leaves nothing of it after the next start")
    func killedUpload() async throws {
      let workplace = try Workplace()
      try await workplace.addPeople()
      let server = try await workplace.serve()
      let contact = try await server.send("POST", "/api/contacts", ["firstName": "Jane"])
      let files = "/api/contacts/\(contact.json["data"]?["id"]?.string ?? "")/files"
      let kept = try await server.client.withConnection { connection in
        try connection.write(Self.head("POST", files, bodyBytes: Self.blockBytes))
        try connection.write(Self.block(1))
        return try connection.readResponse()
      }
      #expect(kept.status == 201)
      let upload = try await onOwnThread { [port = server.client.port] in
        let connection = try TestConnection(port: port)
        try connection.write(Self.head("POST", files, bodyBytes: 20 * Self.blockBytes))
        for number in 2..<12 { try connection.write(Self.block(number)) }
        return connection
      }
      // Of ten blocks all but the last chunk are written before more comes.
      #expect(await workplace.eventuallyHolds(chunks: 4 + 39))
      server.child.signal(SIGKILL)
      #expect(try await server.child.waitForEnd() == .signalled(SIGKILL))
      upload.reset()

      let next = try await workplace.serve()
      #expect(await workplace.eventuallyHolds(chunks: 4))
      #expect(try workplace.rows("SELECT count(*) FROM file_contents") == [["1"]])
      let list = try await next.send("GET", files)
      #expect(list.json["data"]?.array?.count == 1)
      let path = "/api/files/\(kept.json["data"]?["id"]?.string ?? "")/content"
      #expect(try await next.send("GET", path).body == Self.block(1))
      try await next.stop()
    }

    /// A figure that the kernel keeps of the program.
    private static func kilobytes(_ name: String, of server: RunningServer) throws -> Int {
      let status = try String(contentsOfFile: "/proc/\(server.child.id)/status", encoding: .utf8)
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("\(name):") })
      return try #require(Int(line.filter(\.isNumber)))
    }

    /// A block that differs from all others.
    private static func block(_ number: Int) -> [UInt8] {
      var block = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: blockBytes)
      block.replaceSubrange(0..<8, with: withUnsafeBytes(of: number, Array.init))
      return block
    }

    private static func hash(ofBlocks count: Int) -> String {
      var hasher = SHA256Hasher()
      for number in 0..<count { hasher.update(block(number)) }
      return Hexadecimal.text(hasher.finish())
    }

    /// The hash of the next answer's body.
    private static func hash(ofBody connection: TestConnection, byteCount: Int) -> String {
      var hasher = SHA256Hasher()
      var head: [UInt8]? = []
      var count = 0
      while count < byteCount, var piece = connection.readSome() {
        if let start = head {
          let all = start + piece
          guard let end = all.firstRange(of: Array("\r\n\r\n".utf8)) else {
            head = all
            continue
          }
          head = nil
          piece = Array(all[end.upperBound...])
        }
        count += piece.count
        hasher.update(piece)
      }
      return Hexadecimal.text(hasher.finish())
    }

    private static func head(_ method: String, _ path: String, bodyBytes: Int?) -> String {
      let length = bodyBytes.map { "Content-Length: \($0)\r\n" } ?? ""
      return "\(method) \(path) HTTP/1.1\r\nHost: a\r\n"
        + "Authorization: Bearer \(RunningServer.token("user-ada"))\r\n\(length)\r\n"
    }
  }
}

extension Workplace {
  /// Waits until the database has so many chunks of files.
  fileprivate func eventuallyHolds(chunks: Int) async -> Bool {
    await eventually(within: ChildProcess.patienceSeconds) {
      // A read that fails has not seen them.
      (try? self.rows("SELECT count(*) FROM file_chunks")) == [["\(chunks)"]]
    }
  }
}
