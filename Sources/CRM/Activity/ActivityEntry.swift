public import Values

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

  /// Who made it: `cardfile`, or another application by `api` or `import`.
  public var source = Self.ownSource
  /// When another application's entry came; nil for our own.
  public var receivedAt: Timestamp?

  /// The entry is our own.
  static let ownSource = "cardfile"
  /// Every ``source`` there is.
  static let sources = [ownSource, "api", "import"]

  /// SHA-256 over what is never erased.
  var coreHash: [UInt8] {
    EntryHash.core(
      [
        id, tenantID, userID, operation, entityID, entityType,
        FixedPoint.text(units: creditUnits, scale: 4), timestamp.rfc3339, unitID, unitPath, source,
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
