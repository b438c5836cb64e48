/// Cells that a spreadsheet would take for a formula, made harmless, and back.
///
/// A spreadsheet runs what begins with `=`, `@`, `+`, `-`, a tab or a carriage return, whoever
/// typed it into which form. Such a cell gets an apostrophe in front, which spreadsheets read as
/// "this is text". A number or a phone number may begin with a sign. A cell that begins with
/// apostrophes before such text gets one more, so that ``restored(_:)`` gives back every text.
public enum CSVFormula {
  private static let apostrophe = UInt8(ascii: "'")

  /// `cell` as it may stand in a file that somebody opens in a spreadsheet.
  public static func neutralized(_ cell: String) -> String {
    isDangerous(cell.utf8) ? "'" + cell : cell
  }

  /// The text that ``neutralized(_:)`` made `cell` of.
  public static func restored(_ cell: String) -> String {
    guard cell.utf8.first == apostrophe, isDangerous(cell.utf8.dropFirst()) else { return cell }
    return String(cell.dropFirst())
  }

  /// Whether the text behind any apostrophes would be run.
  static func isDangerous(_ bytes: some Collection<UInt8>) -> Bool {
    let rest = bytes.drop { $0 == apostrophe }
    switch rest.first {
    case UInt8(ascii: "="), UInt8(ascii: "@"), 0x09, 0x0d: return true
    case UInt8(ascii: "+"), UInt8(ascii: "-"):
      return !isNumber(rest.dropFirst()) && !isPhone(rest.dropFirst())
    default: return false
    }
  }

  /// Digits with at most one point or comma, and an exponent.
  private static func isNumber(_ bytes: some Collection<UInt8>) -> Bool {
    var digits = 0
    var hasPoint = false
    var rest = bytes[...]
    while let byte = rest.first {
      if isDigit(byte) {
        digits += 1
      } else if byte == UInt8(ascii: ".") || byte == UInt8(ascii: ","), !hasPoint {
        hasPoint = true
      } else {
        break
      }
      rest = rest.dropFirst()
    }
    guard digits > 0, let mark = rest.first else { return digits > 0 }
    guard mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") else { return false }
    rest = rest.dropFirst()
    if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
      rest = rest.dropFirst()
    }
    return !rest.isEmpty && rest.allSatisfy(isDigit)
  }

  /// Digits, and what people put between them.
  private static func isPhone(_ bytes: some Collection<UInt8>) -> Bool {
    var hasDigit = false
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): hasDigit = true
      case UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "/"),
        UInt8(ascii: "("), UInt8(ascii: ")"):
        break
      default: return false
      }
    }
    return hasDigit
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }
}
