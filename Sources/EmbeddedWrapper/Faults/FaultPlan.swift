/// How a Wrapper misbehaves, so that what follows it can be tried.
public struct FaultPlan: Sendable, Equatable {
  /// The share of requests that are answered 503, from 0 to 1.
  public var failRate = 0.0
  /// How long each answer waits, in milliseconds.
  public var latencyMilliseconds = 0
  /// After how many seconds nothing listens any more.
  public var downAfterSeconds: Double?
  /// How many seconds later it listens again; nil for never.
  public var upAfterSeconds: Double?
  /// Whether there is a feed; without one `/api/events` is 404.
  public var hasFeed = true
  /// What decides which requests fail: the same seed fails the same ones again.
  public var seed: UInt64 = 1

  /// A Wrapper that behaves.
  public init() {}

  /// Whether any request is treated in another way than usual.
  var touchesRequests: Bool { failRate > 0 || latencyMilliseconds > 0 }
}
