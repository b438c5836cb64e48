internal import Foundation

/// A `.env` file: `NAME=value` lines, `#` comments, optional quotation marks.
struct EnvironmentFile {
  /// Why a file was refused.
  struct Refusal: Error {
    let reason: String
  }

  /// The names and values in `path`; nothing when there is no such file.
  ///
  /// - Throws: ``Refusal`` for a file that others may write, that cannot be read, or with a line
  ///   that is no assignment.
  static func read(_ path: String) throws(Refusal) -> [String: String] {
    guard FileManager.default.fileExists(atPath: path) else { return [:] }
    let attributes: [FileAttributeKey: Any]
    let text: String
    do {
      attributes = try FileManager.default.attributesOfItem(atPath: path)
      text = try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw Refusal(reason: "\(path) cannot be read")
    }
    let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
    // Who may write it could point the server at a Wrapper of their own.
    guard mode & 0o022 == 0 else {
      throw Refusal(reason: "\(path) may be written by others: chmod go-w \(path)")
    }
    var values: [String: String] = [:]
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    for (number, line) in lines.enumerated() {
      let line = line.trimmingCharacters(in: .whitespaces)
      if line.isEmpty || line.hasPrefix("#") { continue }
      let assignment = line.hasPrefix("export ") ? String(line.dropFirst(7)) : line
      guard let equals = assignment.firstIndex(of: "=") else {
        throw Refusal(reason: "\(path), line \(number + 1): NAME=value is wanted")
      }
      let name = assignment[..<equals].trimmingCharacters(in: .whitespaces)
      values[name] = unquoted(
        assignment[assignment.index(after: equals)...].trimmingCharacters(in: .whitespaces))
    }
    return values
  }

  private static func unquoted(_ value: String) -> String {
    guard value.count >= 2, let first = value.first, first == value.last,
      first == "\"" || first == "'"
    else { return value }
    return String(value.dropFirst().dropLast())
  }
}
