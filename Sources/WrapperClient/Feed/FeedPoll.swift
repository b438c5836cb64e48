internal import Cryptography
internal import HTTP
internal import Synchronization
internal import Values

/// One long poll of the change feed, with the cursor it has reached.
///
/// Only its own loop moves it; others add tenants and wake it.
final class FeedPoll: Sendable {
  /// Whom a poll asks about.
  enum Scope: Sendable, Equatable {
    /// Every tenant of the key.
    case everything
    /// Those named.
    case tenants([String])

    func covers(_ tenantID: String) -> Bool {
      switch self {
      case .everything: true
      case .tenants(let tenantIDs): tenantIDs.contains(tenantID)
      }
    }

    /// The tenant, where it is the only one.
    var onlyTenantID: String? {
      guard case .tenants(let tenantIDs) = self, tenantIDs.count == 1 else { return nil }
      return tenantIDs.first
    }

    /// The value of `channels`, encoded.
    var channels: String {
      switch self {
      case .everything: "crm:*"
      case .tenants(let tenantIDs): tenantIDs.map { Self.channels(of: $0) }.joined(separator: ",")
      }
    }

    /// Whether one poll may ask about so many tenants with names of such a length.
    var fits: Bool {
      guard case .tenants(let tenantIDs) = self, tenantIDs.count > 1 else { return true }
      return tenantIDs.count <= Limits.feedTenantsPerPollMax
        && channels.utf8.count <= Limits.feedChannelsBytesMax
    }

    /// The tenants in polls that fit.
    static func polls(of tenantIDs: [String]) -> [Scope] {
      var groups: [[String]] = [[]]
      var bytes = 0
      for tenantID in tenantIDs {
        let added = channels(of: tenantID).utf8.count + 1
        let isFull =
          (groups.last?.count ?? 0) >= Limits.feedTenantsPerPollMax
          || bytes + added > Limits.feedChannelsBytesMax
        if isFull, groups.last != [] {
          groups.append([])
          bytes = 0
        }
        groups[groups.count - 1].append(tenantID)
        bytes += added
      }
      return groups.map { .tenants($0) }
    }

    private static func channels(of tenantID: String) -> String {
      FeedTopic.allCases.map { "crm:\(PercentEncoding.encode(tenantID)):\($0.rawValue)" }
        .joined(separator: ",")
    }

    /// The name of the cursor: one of other tenants' events would skip some of these.
    var feed: String {
      switch self {
      case .everything: "crm:*"
      case .tenants(let tenantIDs):
        "crm:"
          + Hexadecimal.text(
            SHA256.hash(Array(tenantIDs.sorted().joined(separator: "\n").utf8)))
      }
    }
  }

  struct State {
    var scope: Scope
    /// Counts the times that the poll began to ask about others.
    var epoch = 0
    var cursor: String?
    /// The name under which the cursor is stored.
    var storedFeed: String?
    /// When a poll was sent that brought nothing: all that happened before it has been seen.
    var caughtUpSeconds = -Double.infinity
    var failures = 0
    /// Answers in a row that told to start again.
    var resets = 0
    /// Whether the last answer was good.
    var isLive = false
    /// Whether there is a connection that brought an answer and may bring the next one: polls are
    /// held on no other, for the reason that ``WrapperTransport`` gives.
    var hasConnection = false
    /// The tenants whose news the cursor has been following since they were fetched.
    var members: Set<String> = []
    /// Ids of events that were applied, oldest first.
    var seen: ArraySlice<String> = []
    /// No poll is sent before this time.
    var closedUntilSeconds = -Double.infinity
  }

  let alarm = Alarm()
  let state: Mutex<State>

  init(_ scope: Scope) {
    state = Mutex(State(scope: scope))
  }

  /// Asks about others from the next poll on.
  func ask(about scope: Scope) {
    state.withLock { state in
      guard state.scope != scope else { return }
      state = State(scope: scope, epoch: state.epoch + 1)
    }
  }

  /// Adds a tenant to those that are named, if there is room.
  func add(_ tenantID: String) -> Bool {
    state.withLock { state in
      guard case .tenants(let tenantIDs) = state.scope else { return false }
      let scope = Scope.tenants(tenantIDs + [tenantID])
      guard scope.fits else { return false }
      state.scope = scope
      return true
    }
  }

  /// Remembers the newest of the ids, so that none of those events is applied again.
  static func see(_ ids: [String], in state: inout State) {
    state.seen = (state.seen + ids).suffix(Limits.feedIDsMax)
  }
}
