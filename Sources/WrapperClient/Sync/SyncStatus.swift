public import Values

/// How well a tenant's truth can be kept.
public enum SyncMode: String, Sendable, Comparable {
  /// The Wrapper answers.
  case online
  /// The Wrapper does not answer; work goes on from what is known.
  case degraded
  /// The Wrapper has not answered for so long that nothing is written any more.
  case readOnly = "read_only"

  /// Whether `left` is the better mode.
  public static func < (left: SyncMode, right: SyncMode) -> Bool {
    left.rank < right.rank
  }

  private var rank: Int {
    switch self {
    case .online: 0
    case .degraded: 1
    case .readOnly: 2
    }
  }
}

/// How news of a tenant arrives.
public enum FeedMode: String, Sendable {
  /// By the change feed, as it happens.
  case feed
  /// By looking at snapshots.
  case snapshots
}

/// How the Wrapper's truth about one tenant stands.
public struct TenantSyncStatus: Sendable {
  /// The tenant.
  public let tenantID: String
  /// How well its truth can be kept.
  public let mode: SyncMode
  /// When permissions and credit configuration were last known to be right.
  public let lastSuccess: Timestamp?
  /// How many looks at either of the two failed since.
  public let failuresInRow: Int
  /// How news of the tenant arrives.
  public let feed: FeedMode
  /// How far the change feed was read for the tenant; nil when it never was.
  public let cursor: String?
  /// The age of permissions and credit configuration; nil when they were never read.
  public let stalenessSeconds: Double?
  /// When the next look is due.
  public let nextAttempt: Timestamp?
  /// Answers that were refused because something in them was wrong.
  public let rejectedAnswers: Int
  /// Operation codes that were left out because they do not begin with `crm.`.
  public let foreignOperations: Int
  /// Activities that the Wrapper has not acknowledged; nil when they could not be counted.
  public let outboxDepth: Int?
  /// Since when the oldest of them waits.
  public let outboxOldest: Timestamp?
}
