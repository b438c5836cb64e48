internal import JSON
internal import SQLite
internal import Values

/// Why one member of a body was refused: a stable code and the same in words.
struct FieldIssue: Error, Equatable {
  let code: String
  let detail: String

  init(_ code: String, _ detail: String) {
    self.code = code
    self.detail = detail
  }
}

/// Turns a member's JSON into what its column holds, and back.
enum FieldCodec {
  /// The column's value for `json`, checked by the field's type and limits; null gives NULL.
  static func value(_ json: JSONValue, _ field: Field) throws(FieldIssue) -> SQLiteValue {
    if json.isNull { return .null }
    switch field.type {
    case .integer:
      guard let integer = json.integer else {
        throw FieldIssue("invalid_type", "a whole number is wanted")
      }
      guard integer >= field.least else {
        throw FieldIssue("out_of_range", "the least is \(field.least)")
      }
      return .integer(integer)
    case .decimal(let scale):
      return .integer(try decimal(json, scale: scale))
    case .flag:
      guard let flag = json.bool else {
        throw FieldIssue("invalid_type", "true or false is wanted")
      }
      return .integer(flag ? 1 : 0)
    case .tags:
      return .text(try StructuredField.tags(json).text)
    case .object:
      return .text(try StructuredField.object(json).text)
    case .address:
      return .text(try StructuredField.address(json).text)
    case .stages:
      return .text(try StructuredField.stages(json).text)
    case .texts:
      return .text(try StructuredField.texts(json).text)
    case .json:
      return .text(try StructuredField.any(json).text)
    default:
      guard let text = json.string else {
        throw FieldIssue("invalid_type", "a string is wanted")
      }
      // An empty string says what null says; keeping both would make every filter ask twice.
      if text.isEmpty { return .null }
      return .text(try TextField.checked(text, field.type))
    }
  }

  /// What JSON shows for a column's value.
  static func json(_ value: SQLiteValue, _ field: Field) -> JSONValue {
    switch (value, field.type.jsonKind) {
    case (.integer(let units), .decimal(let scale)):
      return .decimal(units: units, scale: scale)
    case (.integer(let integer), .bool):
      return .bool(integer != 0)
    case (.integer(let integer), _):
      return .integer(integer)
    case (.text(let text), .json):
      // The server writes JSON here; what another program may have put in its place stays text.
      return (try? JSONParser.parse(text)) ?? .string(text)
    case (.text(let text), _):
      return .string(text)
    default:
      return .null
    }
  }

  /// What the folded column beside a value holds.
  static func folded(_ value: SQLiteValue, _ field: Field) -> SQLiteValue {
    guard case .text(let text) = value else { return .null }
    return .text(folded(text, field.type))
  }

  /// Text as it is compared.
  ///
  /// Of an e-mail address only the case is dropped: é and e are two addresses.
  static func folded(_ text: String, _ type: FieldType) -> String {
    type == .email ? Folding.lowercased(text) : Folding.fold(text)
  }

  /// The column's empty value: structured columns are never NULL.
  static func empty(_ field: Field) -> SQLiteValue {
    switch field.type {
    case .tags, .stages, .texts: .text("[]")
    case .object, .address: .text("{}")
    default: .null
    }
  }

  private static func decimal(_ json: JSONValue, scale: Int) throws(FieldIssue) -> Int64 {
    let tooLarge = FieldIssue(
      "out_of_range", "the absolute value must be below 10^\(Limits.decimalDigitsMax - scale)")
    guard case .number(let number) = json else {
      throw FieldIssue("invalid_type", "a number is wanted")
    }
    let units: Int64
    do {
      units = try FixedPoint.units(number.text, scale: scale)
    } catch {
      switch error {
      case .tooManyDecimals:
        throw FieldIssue("too_many_decimals", "at most \(scale) decimals; nothing is rounded")
      case .outOfRange, .notANumber:
        throw tooLarge
      }
    }
    guard abs(units) < Limits.decimalUnitsMax else { throw tooLarge }
    return units
  }
}
