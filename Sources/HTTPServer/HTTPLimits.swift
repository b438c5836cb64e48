/// Every bound of the server.
public struct HTTPLimits: Sendable {
  /// The longest request target; longer is 414.
  public var urlBytesMax = 8192
  /// The most that all header fields may take; more is 431.
  public var headerBytesMax = 16_384
  /// The most header fields; more is 431.
  public var headerFieldsMax = 100
  /// The most open connections; the last sixteenth of them is answered 503 `overloaded`.
  public var connectionsMax = 4096
  /// The most open connections of one address; 0 for no such bound.
  public var connectionsPerAddressMax = 0
  /// How long a connection may stay without any progress.
  public var idleSeconds = 60
  /// How long a request's line and header fields may take.
  public var headerSeconds = 10
  /// How long a request's body may take in all, the time aside in which nobody took it.
  public var bodySecondsMax = 3600
  /// How long a body may be slower than ``bodyBytesPerSecondMin``.
  public var bodyGraceSeconds = 10
  /// The least speed of a body, over the whole of it.
  public var bodyBytesPerSecondMin = 1024
  /// How much of a body that nobody wants is read, so that the client sees the answer.
  public var drainBytesMax = 33_554_432
  /// How long that may take once the answer is sent.
  public var lingeringSecondsMax = 10
  /// The most connections that are read on after their last answer; others are closed at once.
  public var lingeringConnectionsMax = 64
  /// The size of a streamed body's chunks, and how much of it waits in memory.
  public var uploadChunkBytes = 262_144
  /// The smallest body that is compressed.
  public var gzipMinimumBytes = 1024

  /// The bounds as they are used everywhere but in tests.
  public init() {}

  /// What libmicrohttpd keeps for each connection: line, header fields and buffers.
  ///
  /// Room for the largest head that is accepted and more, so that this server and not the library
  /// refuses larger ones.
  static let poolBytes = 32_768
  /// The connections that the kernel keeps until they are accepted.
  static let backlogConnections = 1024
  /// Descriptors for files, databases and the connections of others.
  static let descriptorsReserved = 256
  /// How long the last answers of a server that stops may take on their way.
  static let farewellSeconds = 1
  /// How often deadlines are looked at.
  static let sweepMilliseconds = 250

  /// From this many open connections on, new ones are answered 503.
  var connectionsServedMax: Int { connectionsMax - connectionsMax / 16 }
}
