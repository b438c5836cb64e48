internal import SQLite

/// A description made ready for use: its fields by name and the SQL that follows from it.
public final class Resource: Sendable {
  /// What it was made from.
  public let description: ResourceDescription
  /// All fields, in the order of JSON and of every SELECT.
  public let fields: [Field]
  /// The row's columns as JSON.
  let layout: JSONRowLayout
  /// The place of each field.
  private let places: [String: Int]

  /// `id, tenant_id, …`: the columns of ``layout``.
  let columns: String
  /// Reads one live record; scopes are appended.
  let selectOneSQL: String
  /// Writes one record.
  ///
  /// Without RETURNING: that would make SQLite begin a transaction of the statement's own, at which
  /// full text writes out its pending words.
  let insertSQL: String
  /// Fields that have a folded column, in the order of the INSERT's values.
  let foldedFields: [Int]
  /// Fields that make somebody the one whose record it is.
  let userFields: [Field]
  /// Whether full text knows its records.
  public let isSearchable: Bool
  /// The places of what the full-text document is made of.
  let searchedPlaces: [Int]
  /// What of its records is counted.
  let counters: [CountedFields]
  /// The places of what any of the counts depends on.
  let countedPlaces: [Int]
  /// Whether a new record is complete only once the database has been asked.
  var isResolved: Bool { description.specialty.resolve != nil }

  /// Compiles `description`.
  public init(_ description: ResourceDescription) {
    self.description = description
    fields = description.fields
    var places: [String: Int] = [:]
    for (place, field) in fields.enumerated() {
      precondition(places[field.name] == nil, "\(description.name) has two fields \(field.name)")
      places[field.name] = place
    }
    self.places = places
    layout = JSONRowLayout(fields.map { ($0.name, $0.type.jsonKind) })
    foldedFields = fields.indices.filter { [fields] in fields[$0].isFolded }
    userFields = fields.filter { ["ownerId", "createdBy", "assignedTo"].contains($0.name) }
    isSearchable = fields.contains(where: \.isSearchable)
    // Who may find a record is part of its document.
    searchedPlaces = fields.indices.filter { [fields, userFields] in
      let field = fields[$0]
      return field.isSearchable || field.type == .tags || field.name == description.privacy?.field
        || userFields.contains { $0.name == field.name }
    }
    counters = description.counters.map { counter in
      CountedFields(counter) { [places] name in
        guard let place = places[name] else {
          preconditionFailure("\(counter.name) counts by \(name), which is no field")
        }
        return place
      }
    }
    let counted = Set(userFields.map(\.name) + description.counters.flatMap(\.members))
    countedPlaces = fields.indices.filter { [fields] in counted.contains(fields[$0].name) }
    columns = fields.map { "t.\($0.column)" }.joined(separator: ", ")
    selectOneSQL = """
      SELECT \(columns) FROM \(description.table) AS t
      WHERE t.tenant_id = ? AND t.id = ? AND t.deleted_at IS NULL
      """
    let written =
      fields.map(\.column) + foldedFields.map { [fields] in fields[$0].comparedColumn }
    insertSQL = """
      INSERT INTO \(description.table) (\(written.joined(separator: ", ")))
      VALUES (\(written.map { _ in "?" }.joined(separator: ", ")))
      """
  }

  /// The place of the field `name` in ``fields`` and in every row; nil when there is none.
  public func place(of name: String) -> Int? { places[name] }

  /// The place of a field that every resource has.
  func commonPlace(_ name: String) -> Int {
    guard let place = places[name] else {
      preconditionFailure("every resource has the field \(name)")
    }
    return place
  }

  /// The field `name`, or nil.
  public func field(_ name: String) -> Field? { places[name].map { fields[$0] } }
}

/// All resources that are served.
public struct Catalog: Sendable {
  /// The resources in the order of the published description.
  public let resources: [Resource]

  /// Compiles the descriptions.
  public init(_ descriptions: [ResourceDescription]) {
    resources = descriptions.map(Resource.init)
  }

  /// The resources of the product.
  public static var standard: Catalog {
    Catalog([
      .contacts, .companies, .leads, .pipelines, .deals, .tasks, .notes, .interactions, .files,
      .customFields, .segments,
    ])
  }

  /// The resource of an entity type, or nil when it is not served.
  public func resource(entityType: String) -> Resource? {
    resources.first { $0.description.entityType == entityType }
  }

  /// The resources that records of others hang from.
  public var parents: [Resource] { resources.filter { !hanging(from: $0).isEmpty } }

  /// The resources whose records hang from records of `resource`.
  func hanging(from resource: Resource) -> [Resource] {
    resources.filter { $0.description.hangsFrom.contains(resource.description.entityType) }
  }

  /// Every field of any resource that refers to records of `entityType` and loses the link when
  /// they go.
  func references(to entityType: String) -> [(resource: Resource, field: Field)] {
    resources.flatMap { resource in
      resource.fields
        .filter {
          $0.type == .reference(entityType: entityType)
            || ($0.type == .entity && resource.description.hangsFrom.isEmpty
              && resource.links(to: entityType))
        }
        .map { (resource, $0) }
    }
  }
}

extension Resource {
  /// Whether its records can name records of `entityType` by `entityType` and `entityId`.
  fileprivate func links(to entityType: String) -> Bool {
    guard case .choice(let types)? = field("entityType")?.type else { return false }
    return types.contains(entityType)
  }

  /// The column of a table with `entity_type` and `entity_id` that holds the id where it is one of
  /// this resource.
  ///
  /// Its index, which the foreign key needs, knows the rows in the trash too.
  var linkColumn: String { "\(description.entityType)_id" }
}
