public import HTTP
internal import JSON
internal import Values

/// What every change of a record carries beside the change itself.
public struct Mutation: Sendable {
  /// Who acts.
  public var caller: Caller
  /// The operation: `crm.leads.create`.
  public var operation: String
  /// The permission it needs, mostly of the same name.
  public var permission: String
  /// The scope in which the permission was granted.
  public var scope: RecordScope
  /// The entry's `permissions` as JSON text.
  public var permissions: String
  /// What it costs, in 1/10,000 credit.
  public var creditUnits: Int64
  /// Whether the credits were allowed without the Wrapper.
  public var isOffline: Bool
  /// What the tenant's plan allows; a feature without a limit is missing.
  public var planLimits: [PlanFeature: Int64] = [:]
  /// The versions that the client's `If-Match` allows; nil when it sent none.
  public var precondition: VersionPrecondition?
  /// The client's `Idempotency-Key` with what it is bound to.
  public var idempotencyKey: IdempotencyKey?

  /// A mutation made of its parts.
  public init(
    caller: Caller, operation: String, permission: String? = nil, scope: RecordScope,
    permissions: String, creditUnits: Int64 = 0, isOffline: Bool = false,
    precondition: VersionPrecondition? = nil, idempotencyKey: IdempotencyKey? = nil
  ) {
    self.caller = caller
    self.operation = operation
    self.permission = permission ?? operation
    self.scope = scope
    self.permissions = permissions
    self.creditUnits = creditUnits
    self.isOffline = isOffline
    self.precondition = precondition
    self.idempotencyKey = idempotencyKey
  }
}

/// An `If-Match` header (RFC 9110 section 13.1.1).
///
/// Weak tags never match.
public enum VersionPrecondition: Sendable, Equatable {
  /// `*`: any version, as long as there is a record.
  case any
  /// One of these.
  case versions([Int64])

  /// Reads the header's value; what is no version of ours is a version that never matches.
  public init(_ header: String) {
    let tags = header.split(separator: ",").map { $0.trimmingSpaces }
    self =
      tags == ["*"]
      ? .any
      : .versions(
        tags.compactMap { tag in
          guard tag.count >= 2, tag.hasPrefix("\""), tag.hasSuffix("\"") else { return nil }
          return Int64(tag.dropFirst().dropLast())
        })
  }

  func allows(_ version: Int64) -> Bool {
    switch self {
    case .any: true
    case .versions(let versions): versions.contains(version)
    }
  }
}

extension Substring {
  fileprivate var trimmingSpaces: String {
    String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
  }
}

/// The answer to a mutation, made in its transaction.
public struct MutationAnswer: Sendable {
  /// The HTTP status.
  public var status: Int
  /// The envelope, JSON.
  public var body: [UInt8]
  /// The record's version as an ETag, quotation marks included.
  public var etag: String?
  /// Where a created record is.
  public var location: String?
  /// Whether this is the stored answer to an earlier request with the same key.
  public var isReplay = false

  /// The response.
  public var response: HTTPResponse {
    var response = HTTPResponse.json(status: status, body)
    if let etag { response.headers.add("ETag", etag) }
    if let location { response.headers.add("Location", location) }
    if isReplay { response.headers.add("Idempotency-Replayed", "true") }
    return response
  }
}

/// What a mutation did, before it is put into the envelope and the log.
struct MutationOutcome {
  let status: Int
  let entityType: String
  let entityID: String
  /// `data`, JSON.
  let data: [UInt8]
  var version: Int64?
  var location: String?
  /// The entry's metadata.
  var metadata = JSONObject()
  /// A member of the envelope that repeats the id.
  var idMember: String?
  /// What else changed by it, each with an entry of its own.
  var further: [FurtherChange] = []

  /// A record that another one's change has changed too.
  struct FurtherChange {
    let operation: String
    let entityType: String
    let entityID: String
    let changes: JSONObject
  }

  /// The one envelope of all mutations.
  func envelope(_ mutation: Mutation, activityID: String) -> [UInt8] {
    var writer = JSONWriter(capacity: data.count + 512)
    writer.beginObject()
    writer.name("success")
    writer.bool(true)
    if let idMember { writer.member(idMember, entityID) }
    writer.name("data")
    writer.raw(data)
    writer.member("activityId", activityID)
    writer.name("creditsDeducted")
    writer.decimal(units: mutation.creditUnits, scale: 4)
    writer.name("userContext")
    writer.beginObject()
    writer.member("user", mutation.caller.displayName)
    writer.member("department", mutation.caller.department)
    writer.member("entityPath", mutation.caller.entityPath)
    writer.endObject()
    writer.endObject()
    return writer.bytes
  }
}
