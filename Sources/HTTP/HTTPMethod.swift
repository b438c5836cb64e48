/// The request methods that are served (RFC 9110 section 9); every other one is refused.
public enum HTTPMethod: String, Sendable, Hashable, CaseIterable {
  /// Reads.
  case get = "GET"
  /// Reads the head of what GET would answer.
  case head = "HEAD"
  /// Creates or runs.
  case post = "POST"
  /// Replaces.
  case put = "PUT"
  /// Changes parts (RFC 5789).
  case patch = "PATCH"
  /// Removes.
  case delete = "DELETE"
  /// Asks what is allowed.
  case options = "OPTIONS"
}
