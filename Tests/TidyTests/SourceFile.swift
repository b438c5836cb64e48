/// A text file of the package with its code and its comments told apart.
struct SourceFile: Sendable {
  /// The path below the package's root, for example `Sources/JSON/JSONWriter.swift`.
  let path: String
  let lines: [String]
  /// The lines with comments and string literals blank.
  let code: [String]
  /// The lines with everything but comments blank.
  let comments: [String]

  var isSwift: Bool { path.hasSuffix(".swift") }
  var isC: Bool { path.hasSuffix(".c") || path.hasSuffix(".h") }
  /// The name of the folder below `Sources` or `Tests`, which is the target's.
  var target: String {
    let parts = path.split(separator: "/")
    return parts.count > 2 ? String(parts[1]) : ""
  }

  init(path: String, text: String) {
    self.path = path
    lines = Self.split(text)
    guard path.hasSuffix(".swift") || path.hasSuffix(".c") || path.hasSuffix(".h") else {
      code = []
      comments = []
      return
    }
    let scanner = SourceScanner(text, isC: !path.hasSuffix(".swift"))
    code = Self.split(String(decoding: scanner.code, as: UTF8.self))
    comments = Self.split(String(decoding: scanner.comments, as: UTF8.self))
  }

  /// Every word and punctuation mark of the code, with its line counted from 1.
  var tokens: [Token] {
    var tokens: [Token] = []
    for (index, line) in code.enumerated() {
      var word = ""
      for character in line {
        if character.isLetter || character.isNumber || character == "_" {
          word.append(character)
          continue
        }
        if !word.isEmpty { tokens.append(Token(text: word, line: index + 1)) }
        word = ""
        if character != " " { tokens.append(Token(text: String(character), line: index + 1)) }
      }
      if !word.isEmpty { tokens.append(Token(text: word, line: index + 1)) }
    }
    return tokens
  }

  func finding(line: Int, _ reason: String) -> Finding {
    Finding(path: path, line: line, reason: reason)
  }

  private static func split(_ text: String) -> [String] {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if lines.last == "" { lines.removeLast() }
    return lines
  }
}

/// A word or a punctuation mark of a file's code.
struct Token: Sendable, Equatable {
  let text: String
  let line: Int
}

/// A place where the tree breaks one of its own rules.
struct Finding: Sendable, Equatable, CustomStringConvertible {
  let path: String
  let line: Int
  let reason: String

  var description: String { "\(path):\(line): \(reason)" }
}
