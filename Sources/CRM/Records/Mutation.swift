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
  /// What else it may turn out to be once the record is known: an upsert creates or updates.
  public var alternatives: [Mutation] = []
  /// How many entries it writes, each at the operation's price.
  public var quantity: Int64 = 1
  /// What it costs beside the operation's price, in 1/10,000 credit.
  public var surchargeUnits: Int64 = 0
  /// The operation's price, in 1/10,000 credit.
  private(set) var unitPrice: Int64 = 0
  /// What has been set aside for it, in 1/10,000 credit.
  public private(set) var reservedUnits: Int64 = 0

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

  /// The most that it can turn out to cost, in 1/10,000 credit.
  public var creditUnitsMax: Int64 {
    alternatives.reduce(creditUnits) { max($0, $1.creditUnits) }
  }

  /// Says what it and its alternatives cost, and what the plan allows.
  public mutating func price(
    _ units: (_ operation: String) -> Int64, planLimits: [PlanFeature: Int64]
  ) {
    unitPrice = units(operation)
    creditUnits = quantity * unitPrice + surchargeUnits
    self.planLimits = planLimits
    for index in alternatives.indices {
      alternatives[index].price(units, planLimits: planLimits)
    }
  }

  /// The same at the price of another one, whose credits were set aside for both.
  func paid(as other: Mutation) -> Mutation {
    var mutation = self
    mutation.unitPrice = other.unitPrice
    mutation.isOffline = other.isOffline
    return mutation
  }

  /// Takes note of the credits that were set aside.
  public mutating func pay(reservedUnits units: Int64, isOffline: Bool) {
    reservedUnits = units
    self.isOffline = isOffline
    for index in alternatives.indices {
      alternatives[index].pay(reservedUnits: units, isOffline: isOffline)
    }
  }
}

/// It turned out to be a change that costs more than was set aside for it; nothing was written.
public struct CostlierThanReserved: Error {}

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
  /// What it cost, in 1/10,000 credit.
  public var creditUnits: Int64 = 0
  /// The record that was created or changed.
  var entityID: String?

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
  /// A member of the envelope that says how many entries were taken.
  var acceptedCount: Int?
  /// What else changed by it, each with an entry of its own.
  var further: [FurtherChange] = []
  /// The alternative that the mutation turned out to be; nil where it was what it seemed.
  var mutation: Mutation?

  /// A record that another one's change has made or changed too.
  struct FurtherChange {
    let operation: String
    let entityType: String
    let entityID: String
    /// The entry's metadata, but for the cause and the version.
    let metadata: JSONObject
    /// The record's version after it.
    var version: Int64?
  }

  /// The one envelope of all mutations.
  func envelope(_ mutation: Mutation, activityID: String) -> [UInt8] {
    var writer = JSONWriter(capacity: data.count + 512)
    writer.beginObject()
    writer.name("success")
    writer.bool(true)
    if let idMember { writer.member(idMember, entityID) }
    if let acceptedCount { writer.member("accepted", .integer(acceptedCount)) }
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
