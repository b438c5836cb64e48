internal import JSON
internal import Synchronization
internal import TestSupport

/// Clients that create leads, each with a title of its own, until their connection breaks.
final class LeadWriters: Sendable {
  /// How many write at a time.
  static let count = 32

  /// What the clients saw.
  struct Tally: Sendable {
    /// Titles whose creation was answered with 201.
    var created: Set<String> = []
    /// Titles that were sent off, but the connection ended without a single byte of an answer.
    var unanswered: Set<String> = []
    /// What should not be: other statuses, and answers that broke off.
    var surprises: [String] = []
  }

  private let server: RunningServer
  private let prefix: String
  private let tally = Mutex(Tally())

  init(_ server: RunningServer, prefix: String) {
    self.server = server
    self.prefix = prefix
  }

  /// Writes until every connection is broken; `interrupt` is called once `enough` are created.
  func write(
    untilCreated enough: Int, then interrupt: @escaping @Sendable () -> Void
  ) async throws -> Tally {
    try await withThrowingTaskGroup { group in
      for writer in 0..<Self.count {
        group.addTask { [self] in
          try await onOwnThread { [self] in try write(as: writer) }
        }
      }
      let isEnough = await eventually(within: ChildProcess.patienceSeconds) { [self] in
        tally.withLock { $0.created.count >= enough || !$0.surprises.isEmpty }
      }
      interrupt()
      try await group.waitForAll()
      guard isEnough else { throw Unexpected("too few leads in time", server.child.errors) }
    }
    return tally.withLock { $0 }
  }

  private func write(as writer: Int) throws {
    let connection = try TestConnection(port: server.client.port)
    let headers = [
      ("Authorization", "Bearer \(RunningServer.token("user-ada"))"),
      ("Content-Type", "application/json"),
    ]
    for number in 0... {
      let title = "\(prefix) writer \(writer) lead \(number)"
      let body: JSONValue = [
        "userId": "user-ada", "leadData": ["title": .string(title), "value": 100],
      ]
      do {
        let answer = try connection.exchange(
          "POST", "/api/leads", headers: headers, body: body.bytes)
        tally.withLock { tally in
          if answer.status == 201, answer.json["data"]?["title"]?.string == title {
            tally.created.insert(title)
          } else {
            tally.surprises.append("\(answer.status) \(answer.text)")
          }
        }
        guard answer.status == 201 else { return }
      } catch TestClientError.closed {
        let piece = connection.readToEnd()
        tally.withLock { tally in
          tally.unanswered.insert(title)
          if !piece.isEmpty { tally.surprises.append("half an answer: \(piece.count) bytes") }
        }
        return
      }
      if tally.withLock({ !$0.surprises.isEmpty }) { return }
    }
  }
}
