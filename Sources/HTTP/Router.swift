/// What a path and a method lead to.
public enum RouteMatch<Value: Sendable>: Sendable {
  /// A route, with what its parameters stood for.
  case found(Value, PathParameters)
  /// An OPTIONS request to a path that is served with the given methods.
  case options(allow: [HTTPMethod])
  /// The path is served, with the given methods only.
  case methodNotAllowed(allow: [HTTPMethod])
  /// No route has such a path.
  case notFound
  /// The path's percent-encoding is broken, holds `%00`, or decodes to something else than UTF-8.
  case malformed
}

/// Finds what belongs to a method and a path.
///
/// A pattern is a path whose segments are literals, `{name}` for any one segment, or
/// `{name:uuid}` for a lower-case UUID alone. Literals win over UUIDs, UUIDs over any segment. The
/// path is split before it is decoded, so that `%2F` can stand in a parameter. Built once, then
/// read from any thread.
public struct Router<Value: Sendable>: Sendable {
  private var trie = RouteTrie()
  private var values: [Value] = []

  /// Every route in order of adding.
  public private(set) var routes: [(HTTPMethod, String, Value)] = []

  /// A router without routes.
  public init() {}

  /// Adds a route.
  ///
  /// A second route of the same method and shape, or a pattern that is no pattern, is a mistake of
  /// the program and stops it.
  public mutating func add(_ method: HTTPMethod, _ pattern: String, _ value: Value) {
    trie.insert(method, pattern, route: routes.count)
    routes.append((method, pattern, value))
    values.append(value)
  }

  /// Looks up a method and a path as sent, without its query.
  ///
  /// HEAD falls back to GET. A trailing slash makes another path.
  public func match(_ method: HTTPMethod, path: String) -> RouteMatch<Value> {
    var captures: [Range<Int>] = []
    let bytes = path.utf8
    let isEscaped = RouteTrie.isEscaped(bytes.span)
    if isEscaped && PercentEncoding.decode(path) == nil { return .malformed }
    guard let place = trie.find(bytes.span, isEscaped: isEscaped, captures: &captures) else {
      return .notFound
    }
    if let endpoint = trie.endpoint(method, at: place) {
      return .found(
        values[endpoint.route],
        PathParameters(path, captures, names: endpoint.names, isEscaped: isEscaped))
    }
    let allow = trie.allow(at: place)
    return method == .options ? .options(allow: allow) : .methodNotAllowed(allow: allow)
  }
}
