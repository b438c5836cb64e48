/// Words that may not stand in the tree, or only in certain rooms or beside a reason.
enum WordRules {
  /// The targets that may spell unsafe pointers; C targets are not looked at.
  static let unsafeTargets: Set<String> = ["SQLite", "HTTPServer", "Resources"]
  /// The targets that talk to a terminal.
  static let printingTargets: Set<String> = ["cardfile", "cardfile-bench"]
  /// How many lines above its declaration a safety comment may stand.
  static let safetyCommentDistanceMaxLines = 6
  /// How many lines one statement may run on below the comment that explains it.
  static let statementLinesMax = 6

  static func unsafeWords(_ file: SourceFile) -> [Finding] {
    guard file.path.hasPrefix("Sources/"), !unsafeTargets.contains(file.target) else { return [] }
    return find(
      file, in: file.code,
      ["Unsafe", "Unmanaged", "OpaquePointer", "withUnsafe", "unsafeBitCast"])
  }

  static func forcedTries(_ file: SourceFile) -> [Finding] {
    find(file, in: file.code, ["try!"])
  }

  static func prints(_ file: SourceFile) -> [Finding] {
    guard !(file.path.hasPrefix("Sources/") && printingTargets.contains(file.target)) else {
      return []
    }
    let tokens = file.tokens
    return tokens.indices.dropLast().filter { index in
      ["print", "debugPrint"].contains(tokens[index].text) && tokens[index + 1].text == "("
        && (index == 0 || ![".", "func"].contains(tokens[index - 1].text))
    }
    .map { file.finding(line: tokens[$0].line, "\(tokens[$0].text)(") }
  }

  // The words are put together here, so that this file does not break its own rule. HTTP's phrase
  // for 501 and the attribute of web forms are the field's own terms.
  static func unfinishedWork(_ file: SourceFile) -> [Finding] {
    let words = ["TO" + "DO", "FIX" + "ME", "X" + "XX", "not imple" + "mented"]
    var findings = find(file, in: file.lines, words)
    if file.isSwift || file.isC || file.path.hasSuffix(".sql") {
      findings += find(file, in: file.lines.map { $0.lowercased() }, ["place" + "holder"])
    }
    return findings
  }

  static func droppedErrors(_ file: SourceFile) -> [Finding] {
    // A type such as `Entry?` ends in the same letters.
    file.code.enumerated()
      .filter { $0.element.contains(/(^|[^A-Za-z])try\?/) }
      .map { file.finding(line: $0.offset + 1, "try?") }
      .filter { !isExplained(file, line: $0.line) }
      .map { file.finding(line: $0.line, "try? without a comment that says why") }
  }

  static func unexplainedSafety(_ file: SourceFile) -> [Finding] {
    find(file, in: file.code, ["@unchecked Sendable", "nonisolated(unsafe)"])
      .filter { found in
        let first = max(0, found.line - 1 - safetyCommentDistanceMaxLines)
        return !file.comments[first..<found.line].contains { $0.contains("Safety:") }
      }
      .map { file.finding(line: $0.line, "\($0.reason) without a comment \"Safety:\"") }
  }

  /// A closure that is a mutex's own value is wrapped anew by each access, until calling it takes
  /// more stack than there is; as a member of a structure it stays as it is.
  static func lockedClosures(_ file: SourceFile) -> [Finding] {
    file.code.enumerated()
      .filter { $0.element.contains(/Mutex<[^=]*->/) }
      .map { file.finding(line: $0.offset + 1, "a closure as a mutex's own value") }
  }

  static func vagueNames(_ file: SourceFile) -> [Finding] {
    let tokens = file.tokens
    let kinds: Set<String> = ["struct", "class", "enum", "actor", "protocol", "typealias"]
    return tokens.indices.dropLast().compactMap { index in
      guard kinds.contains(tokens[index].text) else { return nil }
      let name = tokens[index + 1].text
      guard words(of: name).contains(where: vagueWords.contains) else { return nil }
      return file.finding(line: tokens[index].line, "\(name) says nothing")
    }
  }

  private static let vagueWords: Set<String> = [
    "Manager", "Managers", "Helper", "Helpers", "Util", "Utils", "Utility", "Utilities", "Impl",
    "Service", "Services",
  ]

  /// `HTTPRequestHelper` is `HTTP`, `Request`, `Helper`.
  static func words(of name: String) -> [String] {
    let characters = Array(name)
    var words: [String] = []
    for (index, character) in characters.enumerated() {
      let followsSmall = index > 0 && !characters[index - 1].isUppercase
      let precedesSmall = index + 1 < characters.count && characters[index + 1].isLowercase
      if words.isEmpty || (character.isUppercase && (followsSmall || precedesSmall)) {
        words.append("")
      }
      words[words.count - 1].append(character)
    }
    return words
  }

  private static func isExplained(_ file: SourceFile, line: Int) -> Bool {
    var index = line - 1
    if hasComment(file, at: index) { return true }
    for _ in 0..<statementLinesMax where index > 0 {
      index -= 1
      let code = trimmed(file.code[index])
      if code.isEmpty { return hasComment(file, at: index) }
      let runsOn = ["=", "(", "[", ",", ":", "?", "&&", "||", "??", "guard", "return", "else"]
      guard runsOn.contains(where: code.hasSuffix) else { return false }
      if hasComment(file, at: index) { return true }
    }
    return false
  }

  private static func hasComment(_ file: SourceFile, at index: Int) -> Bool {
    file.comments[index].contains("//")
  }

  private static func trimmed(_ line: String) -> String {
    let start = line.drop { $0 == " " }
    let end = start.reversed().drop { $0 == " " }
    return String(end.reversed())
  }

  private static func find(_ file: SourceFile, in lines: [String], _ words: [String]) -> [Finding] {
    lines.enumerated().flatMap { index, line in
      words.filter { line.contains($0) }.map { file.finding(line: index + 1, $0) }
    }
  }
}
