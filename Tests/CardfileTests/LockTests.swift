internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing

extension ProgramTests {
  @Suite struct LockTests {
    @Test("a second server on the same file exits 1 and names the holder; kill -9 frees the file")
    func secondServer() async throws {
      let workplace = try Workplace()
      let first = try await workplace.serve()
      for path in [workplace.databasePath, workplace.folder.path + "/./cardfile.db"] {
        let second = try await workplace.run("serve", "--db", path, "--listen", "127.0.0.1:0")
        #expect(second.end == .exited(1))
        #expect(second.errors.contains("is in use by process \(first.child.id)"))
        #expect(second.output == "")
      }
      // The other command that opens the file is held off by the same lock.
      let wrapper = try await workplace.run(
        "wrapper", "--db", workplace.databasePath, "--listen", "127.0.0.1:0")
      #expect(wrapper.end == .exited(1))
      #expect(wrapper.errors.contains("is in use by process \(first.child.id)"))
      #expect(try await first.client.send("GET", "/health/live").status == 200)

      first.child.signal(SIGKILL)
      #expect(try await first.child.waitForEnd() == .signalled(SIGKILL))
      let third = try await workplace.serve()
      try await third.stop()
    }

    @Test("a link to the file is the same file")
    func symbolicLink() async throws {
      let workplace = try Workplace()
      let first = try await workplace.serve()
      let link = workplace.folder.file("link.db")
      try FileManager.default.createSymbolicLink(
        atPath: link, withDestinationPath: workplace.databasePath)
      let second = try await workplace.run("serve", "--db", link, "--listen", "127.0.0.1:0")
      #expect(second.end == .exited(1))
      #expect(second.errors.contains("process \(first.child.id)"))
      try await first.stop()
    }

    @Test("a taken port is said in plain words, with what to do")
    func takenPort() async throws {
      let workplace = try Workplace()
      let first = try await workplace.serve()
      let place = "127.0.0.1:\(first.client.port)"
      for command in ["serve", "wrapper"] {
        let second = try await workplace.run(command, "--db", "other.db", "--listen", place)
        #expect(second.end == .exited(1))
        #expect(
          second.errors == "cardfile \(command): \(place) is taken: another program listens there."
            + " Choose another with --listen\n")
        #expect(second.output == "")
      }
      try await first.stop()
    }
  }
}
