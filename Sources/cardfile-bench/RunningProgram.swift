internal import Foundation

/// `cardfile` in one of its roles, on a file of its own.
struct RunningProgram {
  /// Where it listens.
  let port: Int
  private let process: Process

  var identifier: Int32 { process.processIdentifier }

  /// Starts the program and returns when it says where it listens.
  init(path: String, arguments: [String], environment: [String: String]) throws {
    process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let output = Pipe()
    process.standardOutput = output
    try ChildProcess.start(process)
    port = try ChildProcess.withDeadline(
      of: ServerProcess.startDeadlineSeconds, killing: process
    ) {
      var text = ""
      while true {
        // Empty data is the end of the output, and that the end of the program.
        let data = output.fileHandleForReading.availableData
        text += String(decoding: data, as: UTF8.self)
        if let port = Self.port(in: text) { return port }
        guard !data.isEmpty else { throw BenchmarkError("\(path) did not start:\n\(text)") }
      }
    }
  }

  /// Ends the program as a service manager would.
  func stop() {
    process.terminate()
    ChildProcess.withDeadline(of: ServerProcess.stopDeadlineSeconds, killing: process) {
      process.waitUntilExit()
    }
  }

  /// The port of the first whole line that says where a program listens.
  static func port(in output: String) -> Int? {
    let lines = output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    for line in lines {
      guard let range = line.range(of: " is listening on ") else { continue }
      let address = line[range.upperBound...].prefix { $0 != " " }
      return address.split(separator: ":").last.flatMap { Int($0) }
    }
    return nil
  }
}
