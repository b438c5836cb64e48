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
  public static var standard: Catalog { Catalog([.contacts, .leads]) }

  /// The resource of an entity type, or nil when it is not served.
  public func resource(entityType: String) -> Resource? {
    resources.first { $0.description.entityType == entityType }
  }

  /// Every field of any resource that refers to records of `entityType`.
  func references(to entityType: String) -> [(resource: Resource, field: Field)] {
    resources.flatMap { resource in
      resource.fields
        .filter { $0.type == .reference(entityType: entityType) }
        .map { (resource, $0) }
    }
  }
}
