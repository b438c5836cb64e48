/// All that makes one resource different from another.
///
/// SQL, validation, JSON, permissions, activity changes, full text and the published OpenAPI
/// document follow from it; nothing of them is written per resource.
public struct ResourceDescription: Sendable {
  /// The plural name, part of permissions and operations: `leads` in `crm.leads.create`.
  public let name: String
  /// The singular name by which activities and references know it: `lead`.
  public let entityType: String
  /// The table.
  public let table: String
  /// The paths it is served at, the usual one first: `/api/contacts`, `/api/customers`.
  public let paths: [String]
  /// What it is, for the published description.
  public let summary: String
  /// The members of its own; the common ones are added to every resource.
  public let ownFields: [Field]
  /// Rules over more than one member.
  public var rules: [Rule] = []
  /// A member under which a create may carry the record (`leadData`), beside carrying it directly.
  public var bodyEnvelope: String?
  /// A member of the answer to a create that repeats the id (`leadId`).
  public var createdIDMember: String?
  /// Members that a create's activity repeats in its metadata: metadata name and field name.
  public var activityMembers: [(metadata: String, field: String)] = []

  /// Which of its records count against a limit of the plan.
  public var planCount: PlanCount?

  /// A rule over a whole record.
  public struct Rule: Sendable {
    /// At least one of these members must be set.
    public let anyOf: [String]
    /// The rule in words.
    public let detail: String

    /// A record must have one of the members `names`.
    public static func atLeastOne(of names: [String], _ detail: String) -> Rule {
      Rule(anyOf: names, detail: detail)
    }
  }

  /// A description; `name` is also the table unless said otherwise.
  public init(
    name: String, entityType: String, table: String? = nil, paths: [String], summary: String,
    fields: [Field]
  ) {
    self.name = name
    self.entityType = entityType
    self.table = table ?? name
    self.paths = paths
    self.summary = summary
    ownFields = fields
  }

  /// Every member in the order in which JSON shows them.
  public var fields: [Field] { Self.leadingFields + ownFields + Self.trailingFields }

  /// The permission and operation of an action: `crm.leads.create`.
  public func operation(_ action: String) -> String { "crm.\(name).\(action)" }

  private static let leadingFields = [
    Field("id", .identifier, "The record's id, a UUID of version 7.").serverSet().required(),
    Field("tenantId", .tenant, "The tenant it belongs to.").serverSet().required(),
  ]

  private static let trailingFields = [
    Field("externalId", .externalID, "The same thing in another program, `<system>:<id>`.")
      .unique(),
    Field("ownerId", .user, "The user who looks after it.").initially(.caller),
    Field("createdBy", .user, "The user who created it.").serverSet().required(),
    Field("createdAt", .timestamp, "When it was created.").serverSet().required(),
    Field("updatedAt", .timestamp, "When it was last changed.").serverSet().required(),
    Field("version", .integer, "Counts its changes from 1; the ETag.").serverSet().required(),
    Field("tags", .tags, "Words to group by."),
    Field("customFields", .object, "Members that the tenant defines itself."),
    Field("metadata", .object, "Members that programs keep here."),
  ]
}
