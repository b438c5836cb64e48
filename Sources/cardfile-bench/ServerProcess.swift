internal import Foundation

/// The release binary, running on a file of its own.
struct ServerProcess {
  static let startDeadlineSeconds = 30.0
  /// The server promises to be gone after 10 s.
  static let stopDeadlineSeconds = 15.0

  let port: Int
  let email: String
  let password: String
  private let process: Process

  var identifier: Int32 { process.processIdentifier }

  /// Starts the server and returns when it says where it listens and how one signs in.
  init(path: String, database: String) throws {
    process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = ["serve", "--demo", "--db", database, "--listen", "127.0.0.1:0"]
    process.environment = ProcessInfo.processInfo.environment.merging([
      "RATE_LIMIT_PER_MINUTE": "0", "RATE_LIMIT_AUTH_PER_MINUTE": "0",
      "CRM_CREDIT_CHECK": "cached", "LOG_LEVEL": "error",
    ]) { _, new in new }
    let output = Pipe()
    process.standardOutput = output
    try ChildProcess.start(process)
    (port, email, password) = try ChildProcess.withDeadline(
      of: Self.startDeadlineSeconds, killing: process
    ) {
      var text = ""
      while true {
        // Empty data is the end of the output, and that the end of the server.
        let data = output.fileHandleForReading.availableData
        text += String(decoding: data, as: UTF8.self)
        if let announced = Self.announcement(in: text) { return announced }
        guard !data.isEmpty else { throw BenchmarkError("\(path) did not start:\n\(text)") }
      }
    }
  }

  /// Ends the server as a service manager would.
  ///
  /// - Throws: ``BenchmarkError`` when it does not exit with 0.
  func stop() throws {
    process.terminate()
    ChildProcess.withDeadline(of: Self.stopDeadlineSeconds, killing: process) {
      process.waitUntilExit()
    }
    guard process.terminationStatus == 0 else {
      throw BenchmarkError(
        "the server ended with status \(process.terminationStatus) after SIGTERM")
    }
  }

  /// Does nothing while the server runs.
  ///
  /// - Throws: ``BenchmarkError`` with the status or signal when the server has ended by itself.
  func requireRunning() throws(BenchmarkError) {
    guard !process.isRunning else { return }
    let kind = process.terminationReason == .exit ? "status" : "signal"
    throw BenchmarkError("the server ended by itself: \(kind) \(process.terminationStatus)")
  }

  /// Ends the server at once if it still runs, on a way out that has an error already.
  func end() {
    if process.isRunning { process.terminate() }
  }

  /// The address and the sign-in, once whole lines of both stand in `output`.
  static func announcement(in output: String) -> (port: Int, email: String, password: String)? {
    let lines = output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    guard let address = word(1, after: "Cardfile is listening on ", in: lines),
      let port = address.split(separator: ":").last.flatMap({ Int($0) }),
      let email = word(1, after: "Sign in: ", in: lines),
      let password = word(2, after: "Sign in: ", in: lines)
    else { return nil }
    return (port, email, password)
  }

  private static func word(
    _ number: Int, after start: String, in lines: ArraySlice<Substring>
  ) -> String? {
    for line in lines {
      guard let range = line.range(of: start) else { continue }
      let words = line[range.upperBound...].split(separator: " ")
      return words.count >= number ? String(words[number - 1]) : nil
    }
    return nil
  }
}
