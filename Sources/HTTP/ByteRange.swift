/// Which part of a representation a request wants (RFC 9110 section 14).
public enum ByteRange: Sendable, Equatable {
  /// All of it: nothing was asked for, or something that is not served in parts.
  case whole
  /// These bytes.
  case part(Range<Int>)
  /// A part that the representation does not have: 416.
  case unsatisfiable

  /// Reads a `Range` field for a representation of `byteCount` bytes.
  ///
  /// Several ranges at once, other units and what cannot be read are answered with the whole, as a
  /// server may (section 14.2).
  public init(_ field: String?, byteCount: Int) {
    self = field.flatMap { Self.parse($0, byteCount) } ?? .whole
  }

  /// `bytes 0-9/100`, for a part of a representation of `byteCount` bytes.
  public static func contentRange(_ part: Range<Int>, of byteCount: Int) -> String {
    "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(byteCount)"
  }

  private static func parse(_ field: String, _ byteCount: Int) -> ByteRange? {
    let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, HTTPHeaders.areEqual(parts[0].filter { $0 != " " }, "bytes") else {
      return nil
    }
    let ranges = parts[1].split(separator: ",").map { $0.filter { $0 != " " && $0 != "\t" } }
      .filter { !$0.isEmpty }
    guard ranges.count == 1, let dash = ranges[0].firstIndex(of: "-") else { return nil }
    let (first, last) = (ranges[0][..<dash], ranges[0][ranges[0].index(after: dash)...])
    guard isDigits(first), isDigits(last), !(first.isEmpty && last.isEmpty) else { return nil }
    return first.isEmpty
      ? suffix(number(last), byteCount)
      : range(from: number(first), to: last.isEmpty ? .max : number(last), byteCount)
  }

  private static func suffix(_ count: Int, _ byteCount: Int) -> ByteRange? {
    guard count > 0 else { return .unsatisfiable }
    // There is no way to say which part of nothing is sent.
    guard byteCount > 0 else { return nil }
    return .part(max(0, byteCount - count)..<byteCount)
  }

  private static func range(from first: Int, to last: Int, _ byteCount: Int) -> ByteRange? {
    guard first <= last else { return nil }
    guard first < byteCount else { return .unsatisfiable }
    return .part(first..<(last < byteCount ? last + 1 : byteCount))
  }

  private static func isDigits(_ text: Substring) -> Bool {
    text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }

  /// The number, or the largest there is when the text is of a larger one.
  private static func number(_ digits: Substring) -> Int { Int(digits) ?? .max }
}
