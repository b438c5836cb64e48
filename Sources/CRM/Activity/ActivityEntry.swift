public import Values

/// Whose word an entry of the activity log is.
public enum ActivitySource: String, Sendable, CaseIterable {
  /// Our own: it was done here.
  case cardfile
  /// Another application's, which told of it.
  case api
  /// It was brought from another log.
  case imported = "import"
}

/// One entry of the activity log, complete but for its place in the tenant's chain.
///
/// The contexts are JSON text, encoded before the writer's queue.
public struct ActivityEntry: Sendable {
  /// `activity:<unix ms>:<userId>:<n>`.
  public var id: String
  /// The tenant.
  public var tenantID: String
  /// Who acted.
  public var userID: String
  /// What was done, the permission's name.
  public var operation: String
  /// The record it was done to.
  public var entityID: String?
  /// The record's kind, singular; `error` for what failed.
  public var entityType: String?
  /// What it cost, in 1/10,000 credit.
  public var creditUnits: Int64
  /// When.
  public var timestamp: Timestamp
  /// The session.
  public var sessionID: String
  /// The unit of the user at that time.
  public var unitID: String?
  /// The ids of its ancestors and its own, root first.
  public var unitPath: String?
  /// Who and where in the organisation, JSON.
  public var userContext: String
  /// By which right, JSON.
  public var permissions: String
  /// Details, JSON.
  public var metadata: String
  /// From where and how, JSON.
  public var compliance: String
  /// Makes the personal hash of equal contents differ, so that it tells nothing after an erasure.
  public var salt: [UInt8]
  /// Whose word it is.
  public var source = ActivitySource.cardfile
  /// When another application's entry arrived; nil for an entry of our own.
  public var receivedAt: Timestamp?

  /// When the row was written, as far as anybody may know: the moment that our own entries bear.
  var writtenAt: Timestamp { receivedAt ?? timestamp }

  /// SHA-256 over what is never erased.
  var coreHash: [UInt8] {
    EntryHash.core(
      [
        id, tenantID, userID, operation, entityID, entityType,
        FixedPoint.text(units: creditUnits, scale: 4), timestamp.rfc3339, unitID, unitPath,
        source.rawValue,
      ].map { text in text.map { Array($0.utf8) } },
      receivedAt: receivedAt.map { Array($0.rfc3339.utf8) })
  }

  /// SHA-256 over the salt, then everything that tells of persons.
  var personalHash: [UInt8] {
    EntryHash.personal(
      salt: salt,
      [sessionID, userContext, permissions, metadata, compliance].map { Array($0.utf8) })
  }
}
