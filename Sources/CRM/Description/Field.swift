public import JSON

/// One member of a resource.
public struct Field: Sendable {
  /// Who may set the member.
  public enum Access: Sendable, Equatable {
    /// The client.
    case client
    /// The server alone; a client may repeat what is stored.
    case server
  }

  /// What a new record gets when the client says nothing.
  public enum Default: Sendable, Equatable {
    /// Null.
    case none
    /// Always the same value.
    case value(JSONValue)
    /// The caller's id.
    case caller
    /// The tenant's currency, when the named member is set.
    case tenantCurrency(whenSet: String)
  }

  /// The member's name in JSON, camelCase.
  public let name: String
  /// The column's name, snake_case.
  public let column: String
  /// What it holds.
  public let type: FieldType
  /// What it means, for the published description.
  public let summary: String
  /// Who may set it.
  public private(set) var access = Access.client
  /// Whether null is refused.
  public private(set) var isRequired = false
  /// What a new record gets.
  public private(set) var initial = Default.none
  /// Whether a column `<column>_folded` is kept beside it for comparing and sorting.
  public private(set) var isFolded = false
  /// Whether its text is stored without case and accents, so that the column itself is compared.
  public private(set) var isCanonical = false
  /// Whether no two live records of a tenant may share a value.
  public private(set) var isUnique = false
  /// The other member, by name, whose value must be the same for two equal values to clash.
  public private(set) var uniqueWithin: String?
  /// Whether full text finds the record by it.
  public private(set) var isSearchable = false
  /// Whether it is part of what a record is called.
  public private(set) var isTitle = false
  /// Whether it tells of a person and is blanked by an erasure.
  public private(set) var isPersonal = false
  /// The least whole number it takes.
  public private(set) var least = Int64.min

  /// A field; its column's name follows from `name` unless `column` says otherwise.
  public init(_ name: String, _ type: FieldType, _ summary: String, column: String? = nil) {
    self.name = name
    self.type = type
    self.summary = summary
    self.column = column ?? Self.snakeCase(name)
  }

  /// The column that comparisons use.
  var comparedColumn: String { isFolded ? "\(column)_folded" : column }

  /// What comparing and sorting rows `t` look at: text without case and accents.
  var comparedExpression: String {
    isFolded || isCanonical || !type.isText ? "t.\(comparedColumn)" : "fold(t.\(column))"
  }

  /// Whether lists can be filtered by its values.
  public var isFilterable: Bool { type == .tags || !type.isStructured }

  /// Whether the values of the column can be put in an order.
  public var isSortable: Bool { !type.isStructured && type != .tenant }

  private static func snakeCase(_ name: String) -> String {
    name.reduce(into: "") { text, character in
      if character.isUppercase {
        text += "_" + character.lowercased()
      } else {
        text.append(character)
      }
    }
  }
}

// What a field is beside its type, said in words behind it: `Field(…).required().searchable()`.
extension Field {
  /// Null is refused.
  public func required() -> Field { with { $0.isRequired = true } }
  /// Only the server sets it.
  public func serverSet() -> Field { with { $0.access = .server } }
  /// New records get `value`, which also stands in for null.
  public func initially(_ value: JSONValue) -> Field { with { $0.initial = .value(value) } }
  /// New records get what `initial` says.
  public func initially(_ initial: Default) -> Field { with { $0.initial = initial } }
  /// A folded column is kept beside it.
  public func folded() -> Field { with { $0.isFolded = true } }
  /// Stored without case and accents.
  public func canonical() -> Field { with { $0.isCanonical = true } }
  /// Unique among the live records of a tenant.
  public func unique() -> Field { with { $0.isUnique = true } }
  /// Unique among the live records of a tenant that have the same value of the member `name`.
  public func unique(within name: String) -> Field {
    with {
      $0.isUnique = true
      $0.uniqueWithin = name
    }
  }
  /// Found by full text.
  public func searchable() -> Field { with { $0.isSearchable = true } }
  /// Part of the record's title, and found by full text.
  public func title() -> Field {
    with {
      $0.isTitle = true
      $0.isSearchable = true
    }
  }
  /// Tells of a person.
  public func personal() -> Field { with { $0.isPersonal = true } }
  /// Whole numbers below `least` are refused.
  public func atLeast(_ least: Int64) -> Field { with { $0.least = least } }

  private func with(_ change: (inout Field) -> Void) -> Field {
    var field = self
    change(&field)
    return field
  }
}
