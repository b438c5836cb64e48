/// The patterns of a router by segment.
///
/// Nodes refer to each other by their place in one array. Routes are numbers here, so that matching
/// is compiled once and not for values of any kind.
struct RouteTrie: Sendable {
  struct Endpoint: Sendable {
    let method: HTTPMethod
    /// The parameters' names, which two methods of one path may choose differently.
    let names: [String]
    let route: Int
  }

  /// A literal segment: its place among all literals' bytes, and the node that it leads to.
  struct Literal: Sendable {
    let bytes: Range<Int>
    let node: Int
  }

  struct Node: Sendable {
    var literals: [Literal] = []
    var uuid: Int?
    var any: Int?
    var endpoints: [Endpoint] = []
    /// What an Allow field says of this path.
    var allow: [HTTPMethod] = []

    func endpoint(_ method: HTTPMethod) -> Endpoint? {
      endpoints.first { $0.method == method }
        ?? (method == .head ? endpoints.first { $0.method == .get } : nil)
    }
  }

  private enum Segment: Equatable {
    case literal([UInt8])
    case uuid(String)
    case any(String)
  }

  private var nodes = [Node()]
  /// The bytes of all literals, in one array that a match holds on to once.
  private var literalBytes: [UInt8] = []

  mutating func insert(_ method: HTTPMethod, _ pattern: String, route: Int) {
    var place = 0
    var names: [String] = []
    for segment in Self.segments(pattern) {
      place = child(of: place, for: segment)
      switch segment {
      case .literal: break
      case .uuid(let name), .any(let name):
        precondition(!names.contains(name), "\(pattern) names \(name) twice")
        names.append(name)
      }
    }
    precondition(
      !nodes[place].endpoints.contains { $0.method == method },
      "\(method.rawValue) \(pattern) is routed twice")
    nodes[place].endpoints.append(Endpoint(method: method, names: names, route: route))
    let methods = nodes[place].endpoints.map(\.method)
    nodes[place].allow = HTTPMethod.allCases.filter {
      $0 == .options || methods.contains($0) || $0 == .head && methods.contains(.get)
    }
  }

  /// Whether anything in a path must be decoded.
  static func isEscaped(_ path: Span<UInt8>) -> Bool {
    for index in path.indices where path[index] == UInt8(ascii: "%") { return true }
    return false
  }

  /// The endpoint of a method at a node that was found.
  func endpoint(_ method: HTTPMethod, at place: Int) -> Endpoint? {
    nodes[place].endpoint(method)
  }

  /// What an Allow field says at a node that was found.
  func allow(at place: Int) -> [HTTPMethod] { nodes[place].allow }

  /// The node of a path, with the places of its parameters in `captures`.
  func find(_ path: Span<UInt8>, isEscaped: Bool, captures: inout [Range<Int>]) -> Int? {
    guard !path.isEmpty, path[0] == UInt8(ascii: "/") else { return nil }
    let place =
      path.count == 1
      ? 0 : find(path, from: 1, in: 0, isEscaped: isEscaped, captures: &captures)
    guard let place, !nodes[place].endpoints.isEmpty else { return nil }
    return place
  }

  /// Follows the segment at `start`; when a branch leads nowhere the next one is tried, and the
  /// captures of the first are taken back.
  private func find(
    _ path: Span<UInt8>, from start: Int, in place: Int, isEscaped: Bool,
    captures: inout [Range<Int>]
  ) -> Int? {
    var end = start
    while end < path.count && path[end] != UInt8(ascii: "/") { end += 1 }
    guard end > start else { return nil }
    let segment = start..<end
    if let literal = literal(path, segment, in: place, isEscaped: isEscaped),
      let found = follow(path, segment, to: literal, isEscaped: isEscaped, captures: &captures)
    {
      return found
    }
    let count = captures.count
    captures.append(segment)
    if let uuid = nodes[place].uuid, Self.isUUID(path, segment, isEscaped: isEscaped),
      let found = follow(path, segment, to: uuid, isEscaped: isEscaped, captures: &captures)
    {
      return found
    }
    if let any = nodes[place].any,
      let found = follow(path, segment, to: any, isEscaped: isEscaped, captures: &captures)
    {
      return found
    }
    captures.removeSubrange(count...)
    return nil
  }

  private func follow(
    _ path: Span<UInt8>, _ segment: Range<Int>, to next: Int, isEscaped: Bool,
    captures: inout [Range<Int>]
  ) -> Int? {
    guard segment.upperBound < path.count else {
      return nodes[next].endpoints.isEmpty ? nil : next
    }
    return find(
      path, from: segment.upperBound + 1, in: next, isEscaped: isEscaped, captures: &captures)
  }

  /// The node to which a literal leads that equals the segment; there is one at most.
  private func literal(
    _ path: Span<UInt8>, _ segment: Range<Int>, in place: Int, isEscaped: Bool
  ) -> Int? {
    let known = literalBytes.span
    for literal in nodes[place].literals {
      let bytes = literal.bytes
      guard isEscaped || bytes.count == segment.count else { continue }
      var cursor = segment.lowerBound
      var isEqual = true
      for expected in bytes {
        guard cursor < segment.upperBound, Self.next(path, &cursor) == known[expected] else {
          isEqual = false
          break
        }
      }
      if isEqual && cursor == segment.upperBound { return literal.node }
    }
    return nil
  }

  /// Whether a segment has the form that `UUIDv7.isWellFormed` asks for, without making a string
  /// of it.
  private static func isUUID(_ path: Span<UInt8>, _ range: Range<Int>, isEscaped: Bool) -> Bool {
    guard isEscaped || range.count == 36 else { return false }
    var place = range.lowerBound
    for index in 0..<36 {
      guard place < range.upperBound else { return false }
      switch next(path, &place) {
      case UInt8(ascii: "-"):
        guard index == 8 || index == 13 || index == 18 || index == 23 else { return false }
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"):
        guard index != 8, index != 13, index != 18, index != 23 else { return false }
      default:
        return false
      }
    }
    return place == range.upperBound
  }

  /// The byte at `place`, decoded, and the step behind it; the escapes are known to be whole.
  private static func next(_ path: Span<UInt8>, _ place: inout Int) -> UInt8 {
    let byte = path[place]
    guard byte == UInt8(ascii: "%"), place + 2 < path.count,
      let high = PercentEncoding.digit(path[place + 1]),
      let low = PercentEncoding.digit(path[place + 2])
    else {
      place += 1
      return byte
    }
    place += 3
    return high << 4 | low
  }

  private mutating func child(of place: Int, for segment: Segment) -> Int {
    switch segment {
    case .literal(let bytes):
      if let known = nodes[place].literals.first(where: {
        literalBytes[$0.bytes].elementsEqual(bytes)
      }) {
        return known.node
      }
      let start = literalBytes.count
      literalBytes += bytes
      nodes[place].literals.append(
        Literal(bytes: start..<literalBytes.count, node: nodes.count))
    case .uuid:
      if let known = nodes[place].uuid { return known }
      nodes[place].uuid = nodes.count
    case .any:
      if let known = nodes[place].any { return known }
      nodes[place].any = nodes.count
    }
    nodes.append(Node())
    return nodes.count - 1
  }

  private static func segments(_ pattern: String) -> [Segment] {
    precondition(pattern.hasPrefix("/"), "\(pattern) does not begin with a slash")
    guard pattern != "/" else { return [] }
    return pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map {
      precondition(!$0.isEmpty, "\(pattern) has an empty segment")
      guard $0.hasPrefix("{") else {
        precondition(!$0.contains { "{}%?#".contains($0) }, "\(pattern) has a strange literal")
        return .literal(Array($0.utf8))
      }
      precondition($0.hasSuffix("}"), "\(pattern) has a parameter that does not end")
      let parts = $0.dropFirst().dropLast().split(separator: ":", omittingEmptySubsequences: false)
      precondition(!parts[0].isEmpty, "\(pattern) has a parameter without a name")
      if parts.count == 1 { return .any(String(parts[0])) }
      precondition(parts.count == 2 && parts[1] == "uuid", "\(pattern) has an unknown kind")
      return .uuid(String(parts[0]))
    }
  }
}
