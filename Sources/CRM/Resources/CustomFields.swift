internal import HTTP
internal import JSON
internal import SQLite

extension ResourceDescription {
  /// Definitions of the members of `customFields`: `/api/custom-fields`.
  public static let customFields: ResourceDescription = {
    var customFields = ResourceDescription(
      name: "custom-fields", entityType: "custom_field", table: "custom_field_definitions",
      paths: ["/api/custom-fields"],
      summary: "Members of `customFields` that the tenant has defined.",
      fields: [
        Field("entityType", .choice(customised), "The kind of record that has it.").required(),
        Field(
          "key", .text(charactersMax: Limits.labelCharactersMax),
          "Its name in `customFields`: a letter, then letters, digits and underscores."
        )
        .required().unique(within: "entityType"),
        Field("label", .text(charactersMax: Limits.nameCharactersMax), "What people call it.")
          .required(),
        Field(
          "type", .choice(CustomFieldDefinition.Kind.allCases.map(\.rawValue)), "What it holds."
        )
        .required().initially("text"),
        Field("required", .flag, "Whether new records must have it.").required().initially(false),
        Field("options", .texts, "The values that a select or multiselect takes."),
        Field("default", .json, "What new records get.", column: "default_value"),
      ])
    customFields.specialty.examine = CustomFieldDefinition.faults
    customFields.specialty.resolve = { record, before, _, connection in
      if before == nil { try CustomFieldDefinition.checkCount(with: record, in: connection) }
    }
    return customFields
  }()

  /// The kinds of record whose custom fields can be defined.
  static let customised = entityTypes
}

extension CustomFieldDefinition {
  /// What contradicts itself in a definition, or would change what stored values mean.
  fileprivate static func faults(_ record: Record, _ before: Record?) -> [MemberFault] {
    var faults: [MemberFault] = []
    func add(_ name: String, _ code: String, _ detail: String) {
      faults.append(MemberFault(name, FieldIssue(code, detail)))
    }
    for name in ["entityType", "key", "type"] {
      if let before, before[name] != record[name] {
        add(name, "read_only", "\(name) cannot change: records have values of it")
      }
    }
    if let key = record["key"].text, key.wholeMatch(of: /[A-Za-z][A-Za-z0-9_]*/) == nil {
      add("key", "invalid_key", "a letter, then letters, digits and underscores are wanted")
    }
    guard let definition = CustomFieldDefinition(record) else { return faults }
    if definition.isRequired, definition.initial == nil, record["entityType"].text == "file" {
      add("required", "not_allowed", "an upload carries no custom fields: it takes a default")
    }
    if definition.kind.hasOptions, definition.options.isEmpty {
      add("options", "required", "a \(definition.kind.rawValue) needs options")
    }
    if !definition.kind.hasOptions, !definition.options.isEmpty {
      add("options", "not_allowed", "only select and multiselect have options")
    }
    if let initial = definition.initial {
      do {
        _ = try definition.checked(initial)
      } catch {
        add("default", error.code, error.detail)
      }
    }
    return faults
  }

  /// - Throws: 409 when the tenant has as many definitions for that kind of record as it may.
  fileprivate static func checkCount(with record: Record, in connection: borrowing Connection)
    throws
  {
    let count = try connection.first(
      """
      SELECT count(*) FROM custom_field_definitions WHERE tenant_id = ? AND entity_type = ?
      """, [record["tenantId"], record["entityType"]]
    ) { $0.integer(0) ?? 0 }
    guard (count ?? 0) < Int64(Limits.customFieldsMax) else {
      throw Problem(
        .conflict,
        """
        There are \(Limits.customFieldsMax) custom fields for this kind of record already, those \
        in the trash included.
        """)
    }
  }
}
