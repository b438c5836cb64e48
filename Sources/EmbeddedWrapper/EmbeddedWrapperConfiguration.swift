public import HTTPServer

/// How an embedded Wrapper is served.
public struct EmbeddedWrapperConfiguration: Sendable {
  /// The address to listen on.
  ///
  /// Requests must name it, or a loopback host.
  public var address = "127.0.0.1"
  /// The port to listen on; 0 for any free one.
  public var port: UInt16 = 0
  /// The certificate and key; without it connections are not encrypted.
  public var tls: TLSIdentity?
  /// Whether a proxy stands in front, which hands on whatever host its clients name.
  public var isBehindProxy = false
  /// Whether accepted activities appear on the feed.
  ///
  /// It is of no use where the only reader is the one who sent them, as inside `serve`: it knows
  /// them by their ids, and a second copy of each would only cost.
  public var announcesActivities = false
  /// How it misbehaves.
  public var faults = FaultPlan()

  /// A Wrapper for this machine alone, on any free port.
  public init() {}
}
