/// What the parameters of a route's pattern stood for, decoded.
public struct PathParameters: Sendable {
  private let names: [String]
  private let values: [String]

  /// The segments of `path` that lie at `captures`, which must be as many as there are names.
  init(_ path: String, _ captures: [Range<Int>], names: [String], isEscaped: Bool) {
    precondition(names.count == captures.count, "each parameter has one value")
    self.names = names
    values = captures.map { Self.text(path.utf8, $0, isEscaped: isEscaped) }
  }

  /// The value of a parameter that the pattern has; to ask for another one stops the program.
  public subscript(name: String) -> String {
    guard let place = names.firstIndex(of: name) else {
      preconditionFailure("the pattern has no parameter \(name)")
    }
    return values[place]
  }

  /// The value of the parameter `name`, or nil when the pattern has none of that name.
  public func value(of name: String) -> String? {
    names.firstIndex(of: name).map { values[$0] }
  }

  private static func text(
    _ path: String.UTF8View, _ range: Range<Int>, isEscaped: Bool
  ) -> String {
    let start = path.index(path.startIndex, offsetBy: range.lowerBound)
    let segment = Substring(path[start..<path.index(start, offsetBy: range.count)])
    guard isEscaped, let decoded = PercentEncoding.decode(segment) else { return String(segment) }
    return decoded
  }
}
