internal import JSON

extension JSONValue {
  /// `part` of `whole`, 0 to 1; 0 where there is nothing.
  static func ratio(_ part: Int64, of whole: Int64) -> JSONValue {
    whole == 0 ? 0 : JSONValue(floatLiteral: Double(part) / Double(whole))
  }

  /// The mean of `count` spans of time, in days; null where there is none.
  static func averageDays(milliseconds: Int64, count: Int64) -> JSONValue {
    count == 0
      ? .null : JSONValue(floatLiteral: Double(milliseconds) / Double(count) / 86_400_000)
  }
}
