/// How long files, functions and lines may be.
enum LengthRules {
  static let fileLinesMax = 500
  static let functionLinesMax = 70
  static let lineColumnsMax = 100

  static func longFiles(_ file: SourceFile) -> [Finding] {
    guard file.lines.count > fileLinesMax else { return [] }
    return [file.finding(line: 1, "\(file.lines.count) lines; \(fileLinesMax) are allowed")]
  }

  static func longLines(_ file: SourceFile) -> [Finding] {
    file.lines.enumerated().compactMap { index, line in
      guard line.count > lineColumnsMax else { return nil }
      return file.finding(
        line: index + 1, "\(line.count) columns; \(lineColumnsMax) are allowed")
    }
  }

  static func longFunctions(_ file: SourceFile) -> [Finding] {
    let tokens = file.tokens
    var findings: [Finding] = []
    for start in tokens.indices where isFunction(tokens, at: start) {
      guard let end = endOfBody(tokens, after: start) else { continue }
      let count = tokens[end].line - tokens[start].line + 1
      if count > functionLinesMax {
        findings.append(
          file.finding(
            line: tokens[start].line, "\(count) lines; \(functionLinesMax) are allowed"))
      }
    }
    return findings
  }

  private static func isFunction(_ tokens: [Token], at index: Int) -> Bool {
    let previous = index > 0 ? tokens[index - 1].text : ""
    let next = index + 1 < tokens.count ? tokens[index + 1].text : ""
    switch tokens[index].text {
    case "func", "var": return true
    case "init": return previous != "." && ["(", "?", "<"].contains(next)
    case "subscript": return previous != "." && ["(", "<"].contains(next)
    case "deinit": return next == "{"
    default: return false
    }
  }

  // The body is the first brace outside parentheses, unless the next declaration or statement comes
  // before it: then it was a requirement of a protocol or a stored property.
  private static func endOfBody(_ tokens: [Token], after start: Int) -> Int? {
    let isProperty = tokens[start].text == "var"
    var depth = 0
    for index in tokens.indices.dropFirst(start + 1) {
      let text = tokens[index].text
      switch text {
      case "(", "[": depth += 1
      case ")", "]": depth -= 1
      case "{" where depth == 0: return closingBrace(tokens, from: index)
      case "}" where depth == 0: return nil
      case "=" where depth == 0 && isProperty: return nil
      default:
        if depth == 0, declarationStarts.contains(text) { return nil }
      }
      if depth < 0 { return nil }
    }
    return nil
  }

  private static func closingBrace(_ tokens: [Token], from start: Int) -> Int? {
    var depth = 0
    for index in tokens.indices.dropFirst(start) {
      if tokens[index].text == "{" { depth += 1 }
      if tokens[index].text == "}" { depth -= 1 }
      if depth == 0 { return index }
    }
    return nil
  }

  private static let declarationStarts: Set<String> = [
    "func", "var", "let", "init", "deinit", "subscript", "case", "struct", "class", "enum",
    "protocol", "extension", "actor", "typealias", "associatedtype", "static", "public",
    "internal", "package", "private", "fileprivate", "mutating", "if", "for", "while", "switch",
    "guard", "do", "return", "repeat", "defer", "try", "throw",
  ]
}
