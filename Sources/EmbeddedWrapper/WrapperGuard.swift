internal import Cryptography
internal import HTTP

/// What stands before every path: the key, and the names under which the Wrapper may be called.
struct WrapperGuard: Sendable {
  private let expectedKey: [UInt8]
  /// The lower-case names; nil for any.
  private let hosts: Set<String>?

  /// - Parameters:
  ///   - configuration: Its address is a name beside the loopback ones. Behind a proxy, or where
  ///     every address of the machine is listened on, nobody can know by which names the Wrapper is
  ///     reached, and the key alone guards.
  ///   - apiKey: The key that every request must carry.
  init(_ configuration: EmbeddedWrapperConfiguration, apiKey: String) {
    let address = configuration.address.lowercased()
    let hasAnyName = configuration.isBehindProxy || ["0.0.0.0", "::", ""].contains(address)
    hosts = hasAnyName ? nil : ["127.0.0.1", "localhost", "::1", address]
    expectedKey = Array(apiKey.utf8)
  }

  /// Why the request is not served.
  ///
  /// The key is compared in constant time. `Host` is looked at first: a page in a browser on this
  /// machine can reach a loopback port by a name of its own choosing, but not under these names.
  func refusal(_ head: HTTPRequestHead) -> Problem? {
    guard hosts?.contains(Self.name(head.headers["Host"] ?? "")) != false else {
      return Problem(.notFound, "There is nothing here.")
    }
    let authorization = Array((head.headers["Authorization"] ?? "").utf8)
    let prefix = Array("Bearer ".utf8)
    guard authorization.starts(with: prefix),
      ConstantTime.areEqual(Array(authorization.dropFirst(prefix.count)), expectedKey)
    else {
      // 403 and not 401, which means that a token is refused.
      return Problem(.insufficientPermissions, "The key is not valid.")
    }
    return nil
  }

  /// The host without its port.
  private static func name(_ host: String) -> String {
    let name =
      host.hasPrefix("[")
      ? host.prefix { $0 != "]" }.dropFirst() : host.prefix { $0 != ":" }
    return name.lowercased()
  }
}
