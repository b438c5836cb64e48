internal import Foundation

/// How the Wrapper is reached and how much of it is trusted for how long.
public struct WrapperConfiguration: Sendable {
  /// How operations that cost credits are checked.
  public enum CreditCheck: String, Sendable, CaseIterable {
    /// By a balance that was read after the operation arrived.
    case strict
    /// By a balance that is at most 30 seconds old.
    case cached
    /// Not at all: costs are only recorded.
    case off
  }

  /// On what a decision about permissions rests.
  public enum PermissionCheck: String, Sendable, CaseIterable {
    /// On what is held in memory, which the Wrapper's news keep fresh.
    case cached
    /// On an answer about the user that is newer than the request.
    case strict
  }

  /// Where the Wrapper answers, `https://wrapper.example.com`; plain http only on loopback.
  public var baseURL: String
  /// The key sent with every call.
  public var apiKey: String
  /// The tenants that are served; nil for every tenant that a token names.
  public var servedTenants: Set<String>?
  /// The time between two looks at permissions and credit configurations.
  public var pollSeconds = 5.0
  /// How long the Wrapper may hold a poll of its change feed while nothing is new.
  public var feedWaitSeconds = 25.0
  /// How long the last known truth is worked with while the Wrapper is away.
  public var offlineMinutes = 30.0
  /// The age at which permissions are asked for again before they are used, while online.
  public var permissionMaxStalenessSeconds = 300.0
  /// How operations that cost credits are checked.
  public var creditCheck = CreditCheck.strict
  /// On what a decision about permissions rests.
  public var permissionCheck = PermissionCheck.cached
  /// How many activities are sent at once, and at how many sending begins.
  public var activityBufferSize = 100
  /// How long an activity waits for others before it is sent.
  public var activityFlushSeconds = 5.0
  /// Whether activities are sent to the Wrapper at all.
  public var shipsActivities = true
  /// How long user profiles are taken as fresh.
  public var cacheTTLMinutes = 5.0
  /// What all tenants together may occupy in memory.
  public var memoryBytesMax = 100 * 1024 * 1024
  /// The keys that seal what is stored of the Wrapper's answers: the first writes, all read;
  /// without any they are stored in clear.
  public var cacheKeys: [CacheKey] = []
  /// The program's version, for `User-Agent`.
  public var version: String
  /// How long a request waits for a call before what is known has to do.
  public var requestSeconds = 1.0
  /// The shortest pause after a failed call; it doubles with each further failure.
  public var backoffFirstSeconds = 1.0
  /// The longest pause after a failed call, and the one after a refused key.
  public var backoffMaxSeconds = 60.0

  /// The given Wrapper with the default of everything else.
  public init(baseURL: String, apiKey: String, version: String) {
    self.baseURL = baseURL
    self.apiKey = apiKey
    self.version = version
  }

  /// Why this Wrapper cannot be called, in words for the operator; nil when it can.
  ///
  /// A key sent over plain http beyond this machine could be read on its way, so it is refused.
  public var problem: String? {
    guard let url = URL(string: baseURL), let host = url.host, !host.isEmpty else {
      return "the address of the Wrapper, \(baseURL), is not a URL with a host"
    }
    switch url.scheme?.lowercased() {
    case "https":
      break
    case "http":
      guard ["localhost", "127.0.0.1", "::1", "[::1]"].contains(host) else {
        return "the address of the Wrapper, \(baseURL), must begin with https unless it is loopback"
      }
    default:
      return "the address of the Wrapper, \(baseURL), must begin with https"
    }
    guard !apiKey.isEmpty, apiKey.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      return "the key of the Wrapper must be printable ASCII without spaces"
    }
    return nil
  }
}

/// How much a message matters.
public enum WrapperLogLevel: Sendable {
  /// For following what happens.
  case debug
  /// Worth knowing.
  case info
  /// Something is wrong that the program copes with.
  case warning
  /// Something is wrong that somebody must mend.
  case error
}
