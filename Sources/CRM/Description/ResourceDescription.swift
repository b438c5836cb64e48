public import JSON

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
  /// What of its records is counted for statistics.
  var counters: [Counter] = []
  /// The resources, by entity type, that its records hang from.
  ///
  /// Each record names one of them by `entityType` and `entityId`, which are among its fields. It
  /// is also served below that record's path, goes into the trash and comes back with it, and is
  /// purged with it.
  public var hangsFrom: [String] = []
  /// Whether its records are files: created by an upload below what they hang from, with their
  /// bytes at `…/content`.
  public var hasContent = false
  /// Which of its records nobody but their creator may know of.
  public var privacy: Privacy?
  /// Members that say when it happened: the first that is set counts; `createdAt` where empty.
  public var happensAt: [String] = []
  /// Whether every user of the tenant may refer to its records, whatever they may read.
  public var isCommon = false
  /// What can be done to a record beside changing it: `PATCH …/{id}/complete`.
  public var verbs: [Verb] = []
  /// Conditions that a list takes under a name of their own: `overdue=true`.
  var conditions: [NamedCondition] = []
  /// Name and meaning of ``conditions``.
  public var namedConditions: [(name: String, summary: String)] {
    conditions.map { ($0.name, $0.summary) }
  }
  /// Further paths, below those of all records, at which the list is served: `search`.
  public var listAliases: [String] = []
  /// Whether tags are listed, added and taken away at paths of their own: `…/tags`, `…/{id}/tags`.
  public var hasTagPaths = false
  /// What is special about its records.
  var specialty = Specialty()

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

  /// Records that are nobody's business but their creator's.
  public struct Privacy: Sendable {
    /// The member, whose column has the same name.
    public let field: String
    /// Its value in private records.
    public let value: String
  }

  /// A change of a record that has a name, a path and a permission of its own.
  public struct Verb: Sendable {
    /// The last part of the path, and of the permission: `complete`.
    public let name: String
    /// What it does, for the published description.
    public let summary: String
    /// The members that it sets.
    public let sets: JSONObject
    /// Further members that the body may set.
    public let takes: [String]
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

  /// The kinds of records that business is made of, by entity type.
  public static let entityTypes = [
    "contact", "company", "lead", "deal", "task", "note", "interaction", "file",
  ]

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
