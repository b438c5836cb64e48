internal import HTTP
internal import SQLite
internal import Values

/// One condition of a list: `field=value`, `field[op]=value`, `customFields.key[op]=value`.
enum Filter {
  /// What a condition may ask.
  enum Operator: String, CaseIterable {
    case eq, ne, gt, gte, lt, lte
    case `in`, nin, contains, startsWith, isNull
    case all, none

    var comparison: String? {
      switch self {
      case .gt: ">"
      case .gte: ">="
      case .lt: "<"
      case .lte: "<="
      default: nil
      }
    }
  }

  /// A condition as it stands in the query string.
  struct Asked {
    /// The parameter's whole name, operator included.
    let name: String
    /// The field's name, or `customFields.` and a key.
    let path: String
    /// Nil when none was written.
    let asked: Operator?
    let value: String

    /// Reads the parts of `field[op]`.
    ///
    /// - Throws: 400 for an operator that does not exist.
    init(_ name: String, _ value: String) throws(Problem) {
      self.name = name
      self.value = value
      guard name.hasSuffix("]"), let open = name.firstIndex(of: "[") else {
        path = name
        asked = nil
        return
      }
      path = String(name[..<open])
      let word = String(name[name.index(after: open)...].dropLast())
      guard let asked = Operator(rawValue: word) else {
        throw .invalidParameter(
          name, "has an operator that does not exist", in: .name, token: word,
          offset: path.utf8.count + 1)
      }
      self.asked = asked
    }

    /// 400 for the field's name.
    func unknownField() -> Problem {
      .invalidParameter(name, "is not known here", in: .name, token: path)
    }

    /// 400 for an operator that makes no sense for the field.
    func unfitOperator(_ what: String = "cannot be asked of this field") -> Problem {
      guard let asked else { return .invalidParameter(name, what, in: .name, token: path) }
      return .invalidParameter(
        name, what, in: .name, token: asked.rawValue, offset: path.utf8.count + 1)
    }

    /// `isNull` takes true and false.
    func flag() throws(Problem) -> Bool {
      guard ["true", "false"].contains(value) else {
        throw .invalidParameter(name, "must be true or false")
      }
      return value == "true"
    }
  }

  /// The condition that `name=value` asks for, beginning with AND.
  ///
  /// - Throws: 400 `invalid_parameter` for an unknown field or operator, or a value of the wrong
  ///   kind.
  static func parse(
    _ name: String, _ value: String, _ resource: Resource, _ customFields: CustomFieldSet,
    tenantID: String, now: Timestamp
  ) throws(Problem) -> SQLFragment {
    let asked = try Asked(name, value)
    let condition: SQLFragment
    if asked.path.hasPrefix(CustomFieldFilter.prefix) {
      let key = String(asked.path.dropFirst(CustomFieldFilter.prefix.count))
      let definition = customFields.definition(key, of: resource.description.entityType)
      condition = try CustomFieldFilter(asked, key: key, definition, now: now).condition()
    } else {
      guard let field = resource.field(asked.path), !field.operators.isEmpty else {
        throw asked.unknownField()
      }
      guard field.operators.contains((asked.asked ?? .eq).rawValue) else {
        throw asked.unfitOperator()
      }
      condition =
        field.type == .tags
        ? try TagFilter.condition(asked, resource, tenantID: tenantID)
        : try FieldFilter.condition(field, asked, now: now)
    }
    return SQLFragment(" AND (\(condition.sql))", condition.values)
  }

  /// A record without a value is not in any list.
  static func membership(_ column: String, _ values: [SQLiteValue], negated: Bool) -> SQLFragment {
    let marks = values.map { _ in "?" }.joined(separator: ", ")
    return negated
      ? SQLFragment("\(column) IS NULL OR \(column) NOT IN (\(marks))", values)
      : SQLFragment("\(column) IN (\(marks))", values)
  }

  /// One of several values.
  struct Listed {
    var text: String
    /// How many bytes of the whole value stand before it.
    let offset: Int
  }

  /// The values between commas, as texts.
  static func list(_ value: String, name: String) throws(Problem) -> [String] {
    try listed(value, name: name).map(\.text)
  }

  /// The values between commas; `\,` is a comma inside a value.
  static func listed(_ value: String, name: String) throws(Problem) -> [Listed] {
    var parts = [Listed(text: "", offset: 0)]
    var isEscaped = false
    var offset = 0
    for character in value {
      offset += character.utf8.count
      if isEscaped {
        parts[parts.count - 1].text += character == "," || character == "\\" ? "" : "\\"
        parts[parts.count - 1].text.append(character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if character == "," {
        parts.append(Listed(text: "", offset: offset))
      } else {
        parts[parts.count - 1].text.append(character)
      }
    }
    if isEscaped { parts[parts.count - 1].text.append("\\") }
    guard parts.count <= Limits.listedValuesMax else {
      throw .invalidParameter(
        name, "lists more than \(Limits.listedValuesMax) values",
        token: parts[Limits.listedValuesMax].text, offset: parts[Limits.listedValuesMax].offset)
    }
    return parts
  }
}
