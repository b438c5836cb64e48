internal import Cryptography
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
    var input = HashInput("cardfile/core/1")
    input.append(id)
    input.append(tenantID)
    input.append(userID)
    input.append(operation)
    input.append(entityID)
    input.append(entityType)
    input.append(FixedPoint.text(units: creditUnits, scale: 4))
    input.append(timestamp.rfc3339)
    input.append(unitID)
    input.append(unitPath)
    input.append(source.rawValue)
    // Entries of our own have none, and their hash is the same as before there were others.
    if let receivedAt { input.append(receivedAt.rfc3339) }
    return SHA256.hash(input.bytes)
  }

  /// SHA-256 over the salt, then everything that tells of persons.
  var personalHash: [UInt8] {
    var input = HashInput("cardfile/personal/1")
    input.append(salt)
    input.append(sessionID)
    input.append(userContext)
    input.append(permissions)
    input.append(metadata)
    input.append(compliance)
    return SHA256.hash(input.bytes)
  }

  /// The link that follows `previous` in the chain.
  static func link(previous: [UInt8], core: [UInt8], personal: [UInt8]) -> [UInt8] {
    SHA256.hash(previous + core + personal)
  }
}

/// What a hash is taken over: each part behind its length, so that no two lists of parts give the
/// same bytes.
private struct HashInput {
  private(set) var bytes: [UInt8] = []

  init(_ domain: String) {
    bytes.reserveCapacity(2048)
    append(domain)
  }

  mutating func append(_ text: String?) {
    guard let text else {
      append(length: UInt32.max)
      return
    }
    append(length: UInt32(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  mutating func append(_ part: [UInt8]) {
    append(length: UInt32(part.count))
    bytes.append(contentsOf: part)
  }

  private mutating func append(length: UInt32) {
    for shift in stride(from: 24, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: length >> UInt32(shift)))
    }
  }
}
