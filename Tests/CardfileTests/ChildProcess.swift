internal import Foundation
internal import Glibc
internal import Synchronization
internal import TestSupport

/// A program that a test runs, in an environment of its own, its output in files.
///
/// Files, not pipes: nobody has to read for it to go on, and what it said is all there at its end.
final class ChildProcess: Sendable {
  /// How long a test waits for something that a program should do.
  static let patienceSeconds = 30.0

  /// How a program ended.
  enum End: Equatable {
    case exited(Int32)
    case signalled(Int32)
  }

  private let process: Process
  private let outputPath: String
  private let errorPath: String
  private let end: EndOfProcess

  /// Starts `executable` in `folder`.
  init(
    _ executable: String, _ arguments: [String], environment: [String: String], folder: String
  ) throws {
    let name = "\(NSTemporaryDirectory())cardfile-child-\(UUID().uuidString)"
    outputPath = name + ".out"
    errorPath = name + ".err"
    process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    process.environment = environment
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try Self.file(outputPath)
    process.standardError = try Self.file(errorPath)
    end = EndOfProcess()
    process.terminationHandler = { [end] process in
      let status = process.terminationStatus
      end.value = process.terminationReason == .exit ? .exited(status) : .signalled(status)
    }
    try process.run()
  }

  deinit {
    // Nothing that a test started outlives it, however the test ended.
    if end.value == nil { _ = kill(id, SIGKILL) }
    for path in [outputPath, errorPath] {
      // What is left in the system's temporary folder is the system's to clear.
      try? FileManager.default.removeItem(atPath: path)
    }
  }

  /// The process id.
  var id: Int32 { process.processIdentifier }

  /// What it has written on standard output so far.
  var output: String { Self.text(outputPath) }

  /// What it has written on standard error so far.
  var errors: String { Self.text(errorPath) }

  /// Sends it a signal.
  func signal(_ number: Int32) {
    _ = kill(id, number)
  }

  /// Waits for its end.
  ///
  /// - Throws: ``Unexpected`` when it does not end in time.
  func waitForEnd(within seconds: Double = patienceSeconds) async throws -> End {
    _ = await eventually(within: seconds) { [end] in end.value != nil }
    guard let end = end.value else {
      throw Unexpected("still running after \(seconds) s", errors)
    }
    return end
  }

  /// Waits for what it should say on standard output, and gives all that it has said there.
  ///
  /// - Throws: ``Unexpected`` when it ends, or time does, before it says so.
  func waitForOutput(_ text: String) async throws -> String {
    _ = await eventually(within: Self.patienceSeconds) { [self] in
      output.contains(text) || end.value != nil
    }
    let said = output
    guard said.contains(text) else { throw Unexpected("it did not say \(text)", errors) }
    return said
  }

  /// Waits for what it should say on standard error.
  func saysOnStandardError(_ text: String) async -> Bool {
    await eventually(within: Self.patienceSeconds) { [self] in errors.contains(text) }
  }

  private static func file(_ path: String) throws -> FileHandle {
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let file = FileHandle(forWritingAtPath: path)
    else { throw Unexpected("\(path) cannot be written") }
    return file
  }

  private static func text(_ path: String) -> String {
    String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
  }
}

/// How a process ended, from the thread that learns of it to those that ask.
private final class EndOfProcess: Sendable {
  private let end = Mutex<ChildProcess.End?>(nil)

  var value: ChildProcess.End? {
    get { end.withLock { $0 } }
    set { end.withLock { $0 = newValue } }
  }
}

/// What a test cannot go on from, with what the program said.
struct Unexpected: Error, CustomStringConvertible {
  let description: String

  init(_ what: String, _ errors: String = "") {
    description = errors.isEmpty ? what : "\(what); standard error:\n\(errors)"
  }
}
