/// Splits Swift or C text into what is code and what is comment.
///
/// Both results keep every line and column: what does not belong to one is blank there. Text inside
/// string literals is blank in both, except for the code of interpolations. Regular expression
/// literals are not known to it; the code base has none.
struct SourceScanner {
  private(set) var code: [UInt8]
  private(set) var comments: [UInt8]
  private let input: [UInt8]
  private let isC: Bool
  private var index = 0

  init(_ text: String, isC: Bool) {
    input = Array(text.utf8)
    self.isC = isC
    let blank = input.map { $0 == UInt8(ascii: "\n") ? $0 : UInt8(ascii: " ") }
    code = blank
    comments = blank
    scanCode(endsAtParenthesis: false)
  }

  private mutating func scanCode(endsAtParenthesis: Bool) {
    var depth = 0
    while index < input.count {
      let byte = input[index]
      if isNext("//") {
        while index < input.count, input[index] != UInt8(ascii: "\n") { takeComment() }
      } else if isNext("/*") {
        scanBlockComment()
      } else if byte == UInt8(ascii: "\"") || (byte == UInt8(ascii: "#") && opensRawString()) {
        scanString()
      } else if byte == UInt8(ascii: "`") || (isC && byte == UInt8(ascii: "'")) {
        scanQuoted(by: byte)
      } else {
        if byte == UInt8(ascii: "(") { depth += 1 }
        if byte == UInt8(ascii: ")") {
          if endsAtParenthesis, depth == 0 { return }
          depth -= 1
        }
        takeCode()
      }
    }
  }

  private mutating func scanBlockComment() {
    var depth = 0
    repeat {
      if isNext("/*") {
        depth += 1
        takeComment()
      } else if isNext("*/") {
        depth -= 1
        takeComment()
      }
      takeComment()
    } while index < input.count && depth > 0
  }

  private mutating func scanString() {
    var pounds = 0
    while input[index] == UInt8(ascii: "#") {
      pounds += 1
      index += 1
    }
    let fence = String(repeating: "#", count: pounds)
    let quote = isNext("\"\"\"") ? "\"\"\"" : "\""
    index += quote.utf8.count
    while index < input.count {
      if isNext(quote + fence) {
        index += quote.utf8.count + pounds
        return
      }
      if !isC, isNext("\\" + fence + "(") {
        index += 2 + pounds
        scanCode(endsAtParenthesis: true)
      } else if isNext("\\" + fence) {
        index += 1 + pounds
      } else if quote.utf8.count == 1, input[index] == UInt8(ascii: "\n") {
        return
      }
      index += 1
    }
  }

  private mutating func scanQuoted(by quote: UInt8) {
    index += 1
    while index < input.count, input[index] != quote, input[index] != UInt8(ascii: "\n") {
      index += input[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    index += 1
  }

  private func opensRawString() -> Bool {
    var next = index
    while next < input.count, input[next] == UInt8(ascii: "#") { next += 1 }
    return next < input.count && input[next] == UInt8(ascii: "\"")
  }

  private func isNext(_ text: String) -> Bool {
    input[index...].starts(with: text.utf8)
  }

  private mutating func takeCode() {
    code[index] = input[index]
    index += 1
  }

  private mutating func takeComment() {
    guard index < input.count else { return }
    comments[index] = input[index]
    index += 1
  }
}
