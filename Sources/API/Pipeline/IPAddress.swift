internal import Glibc

/// Addresses of hosts in text.
enum IPAddress {
  /// Whether `text` is an IPv4 or IPv6 address and nothing more (inet_pton(3)).
  static func isWellFormed(_ text: String) -> Bool {
    var version4 = in_addr()
    var version6 = in6_addr()
    return inet_pton(AF_INET, text, &version4) == 1 || inet_pton(AF_INET6, text, &version6) == 1
  }
}
