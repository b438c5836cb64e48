internal import Database
internal import Foundation
internal import Glibc
internal import HTTPServer
internal import SQLite

/// Why a start failed, in words that say what to do.
enum StartFailure {
  static func explanation(ofSettings error: any Error) -> String {
    switch error {
    case let invalid as ServerConfiguration.Invalid:
      "the settings are not valid:\n" + invalid.faults.map { "  \($0)" }.joined(separator: "\n")
    case let refusal as EnvironmentFile.Refusal: refusal.reason
    case HTTPServerError.invalidIdentity(let reason): identity(reason)
    case let error as CocoaError: inPlainWords(error)
    default: "\(error)"
    }
  }

  static func explanation(of error: any Error, _ configuration: ServerConfiguration) -> String {
    switch error {
    case let error as DatabaseError: explanation(of: error, path: configuration.databasePath)
    case let error as HTTPServerError: explanation(of: error, configuration)
    case let error as CocoaError: inPlainWords(error)
    case let refusal as SigningKeys.Refusal: refusal.reason
    default: "\(error)"
    }
  }

  static func explanation(of error: DatabaseError, path: String) -> String {
    switch error {
    case .locked(let pid):
      let holder = pid.map { "process \($0)" } ?? "another process"
      return "\(path) is in use by \(holder): only one server may hold a file"
    case .newerSchema(let file, let binary):
      return
        "\(path) was written by a newer version (schema \(file), this one knows \(binary)): "
        + "use that version or a newer one"
    case .olderSchema(let file, let binary):
      return
        "\(path) was written by an older version (schema \(file), this one wants \(binary)): "
        + "let cardfile serve bring it up to date first"
    case .changedMigration(let number):
      return "\(path) was made by another schema \(number) than this binary's: it was not released"
    case .corrupt:
      return
        "\(path) is not a healthy SQLite file: restore a backup, or see sqlite.org/recovery.html"
    case .storageFull:
      return "there is no space left for \(path)"
    case .sqlite(let error) where error.isReadOnly:
      return "\(path) cannot be written: check who may write the file and its folder"
    case .sqlite(let error):
      return "\(path) cannot be used: \(error.message); check the path and who may write there"
    case .busy:
      return "\(path) is held by another program: end it first"
    case .overloaded, .closed, .deadlineExceeded:
      return "\(path) cannot be used: \(error)"
    }
  }

  private static func explanation(
    of error: HTTPServerError, _ configuration: ServerConfiguration
  ) -> String {
    let place = "\(configuration.host):\(configuration.port)"
    switch error {
    case .system(_, EADDRINUSE):
      return "\(place) is taken: another program listens there. Choose another with --listen"
    case .system(_, let code):
      return "\(place) cannot be listened on: \(text(code)). Choose another with --listen"
    case .invalidIdentity(let reason):
      return identity(reason)
    case .invalidAddress, .daemonRefused, .alreadyStarted:
      return "\(place) cannot be listened on: \(error)"
    }
  }

  private static func identity(_ reason: String) -> String {
    "the certificate and its key cannot be used: \(reason)"
  }

  /// An error of the file system: the file, and what the system said.
  private static func inPlainWords(_ error: CocoaError) -> String {
    let reason = (error.underlying as? POSIXError).map { text($0.code.rawValue) }
    return "\(error.filePath ?? "a file") cannot be used: \(reason ?? error.localizedDescription)"
  }

  private static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}
