internal import JSON
internal import SQLite

/// All custom fields that a tenant has defined, as they were at one moment.
public struct CustomFieldSet: Sendable {
  /// Stands for the state of the tenant's definitions; nil when it has never had any.
  let state: Int64?
  private let definitions: [String: [CustomFieldDefinition]]

  /// No definitions.
  public static let none = CustomFieldSet(state: nil, [:])

  private init(state: Int64?, _ definitions: [String: [CustomFieldDefinition]]) {
    self.state = state
    self.definitions = definitions
  }

  /// The definitions for records of `entityType`, in the order in which they were made.
  public subscript(entityType: String) -> [CustomFieldDefinition] {
    definitions[entityType] ?? []
  }

  /// The definition of one member, or nil.
  func definition(_ key: String, of entityType: String) -> CustomFieldDefinition? {
    self[entityType].first { $0.key == key }
  }

  /// About how many bytes of memory it takes.
  var byteCount: Int {
    definitions.values.joined().reduce(256) { sum, definition in
      sum + 256 + definition.label.utf8.count + (definition.initial?.bytes.count ?? 0)
        + definition.options.reduce(0) { $0 + 32 + $1.utf8.count }
    }
  }

  /// The state in which the tenant's definitions are.
  ///
  /// A trigger gives every change of a definition a state that has never been there before, so that
  /// a copy belongs to the state or does not, whatever was rolled back in between.
  static func state(of tenantID: String, in connection: borrowing Connection)
    throws(SQLiteError) -> Int64?
  {
    try connection.first(
      "SELECT state FROM custom_field_states WHERE tenant_id = ?", [.text(tenantID)]
    ) { $0.integer(0) ?? 0 }
  }

  /// Reads the definitions; their state is `state`.
  static func load(_ tenantID: String, state: Int64?, in connection: borrowing Connection)
    throws(SQLiteError) -> CustomFieldSet
  {
    guard let state else { return .none }
    var definitions: [String: [CustomFieldDefinition]] = [:]
    try connection.forEachRow(
      """
      SELECT entity_type, key, label, type, required, options, default_value
      FROM custom_field_definitions
      WHERE tenant_id = ? AND deleted_at IS NULL ORDER BY created_at, id
      """, [.text(tenantID)]
    ) { row throws(SQLiteError) in
      guard let definition = CustomFieldDefinition(row: row, from: 1) else { return }
      definitions[row.text(0) ?? "", default: []].append(definition)
    }
    return CustomFieldSet(state: state, definitions)
  }

  /// The definitions as they are now, without a copy in memory.
  static func load(_ tenantID: String, in connection: borrowing Connection)
    throws(SQLiteError) -> CustomFieldSet
  {
    try load(tenantID, state: state(of: tenantID, in: connection), in: connection)
  }
}

extension CustomFieldDefinition {
  /// Reads the columns `key` to `default_value`, the first of them at `place`.
  ///
  /// Nil for what this server has not written.
  fileprivate init?(row: borrowing Statement, from place: Int) {
    guard let kind = row.text(place + 2).flatMap(Kind.init) else { return nil }
    self.init(
      key: row.text(place) ?? "", label: row.text(place + 1) ?? "", kind: kind,
      isRequired: row.integer(place + 3) == 1, options: Self.options(row.text(place + 4)),
      initial: Self.initial(row.text(place + 5)))
  }

  /// The definition that `record` is; nil when its type is none.
  init?(_ record: Record) {
    guard let kind = record["type"].text.flatMap(Kind.init) else { return nil }
    self.init(
      key: record["key"].text ?? "", label: record["label"].text ?? "", kind: kind,
      isRequired: record["required"] == .integer(1),
      options: Self.options(record["options"].text),
      initial: Self.initial(record["default"].text))
  }

  private static func options(_ text: String?) -> [String] {
    // The server wrote the column; what another program may have put there has no options.
    let json = text.flatMap { try? JSONParser.parse($0) }
    return (json?.array ?? []).compactMap(\.string)
  }

  private static func initial(_ text: String?) -> JSONValue? {
    // Likewise: what is no JSON is no default.
    text.flatMap { try? JSONParser.parse($0) }
  }
}
