internal import Foundation

/// Standard output and standard error, unbuffered: what is said is seen at once, also by a program
/// that reads it through a pipe.
enum Terminal {
  static func output(_ text: String) { write(text, to: .standardOutput) }

  static func error(_ text: String) { write(text, to: .standardError) }

  /// A question, without the end of its line; on standard error, which is no part of what a command
  /// answers.
  static func prompt(_ text: String) { write(Data(text.utf8), to: .standardError) }

  /// Bytes of the log.
  static func log(_ bytes: [UInt8]) { write(Data(bytes), to: .standardError) }

  private static func write(_ text: String, to file: FileHandle) {
    write(Data("\(text)\n".utf8), to: file)
  }

  private static func write(_ data: Data, to file: FileHandle) {
    // A closed pipe or a full disk under the log must not stop the server.
    try? file.write(contentsOf: data)
  }
}
