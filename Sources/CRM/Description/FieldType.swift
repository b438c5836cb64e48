public import SQLite

/// What a field holds: decides its validation, its column's form, its JSON form and its operators.
public enum FieldType: Sendable, Equatable {
  /// Text of at most so many characters.
  case text(charactersMax: Int)
  /// Text of at most ``Limits/textBytesMax`` bytes.
  case longText
  /// The name of a file, without a path.
  case fileName
  /// An e-mail address.
  case email
  /// A phone number in any notation.
  case phone
  /// One of the given words.
  case choice([String])
  /// A whole number.
  case integer
  /// A number of at most so many decimals, stored in units of 10^-scale.
  case decimal(scale: Int)
  /// True or false, stored as 1 and 0.
  case flag
  /// An ISO 4217 code.
  case currency
  /// A moment, RFC 3339.
  case timestamp
  /// A day: `2026-01-31`.
  case date
  /// The id of a record of the resource itself.
  case identifier
  /// The id of a tenant.
  case tenant
  /// The id of a user of the tenant.
  case user
  /// The id of a record of another resource, named by its entity type.
  case reference(entityType: String)
  /// The id of a record of the resource that the field `entityType` names.
  case entity
  /// `"<system>:<id>"` of the same thing in another program.
  case externalID
  /// A list of tags.
  case tags
  /// A JSON object of any members.
  case object
  /// A JSON object whose members are strings.
  case address
  /// The stages of a pipeline.
  case stages
  /// A list of strings.
  case texts
  /// Any JSON value.
  case json

  /// How the column becomes JSON.
  public var jsonKind: JSONRowLayout.Kind {
    switch self {
    case .integer: .integer
    case .decimal(let scale): .decimal(scale: scale)
    case .flag: .bool
    case .tags, .object, .address, .stages, .texts, .json: .json
    default: .text
    }
  }

  /// Money: two decimals, stored as cents.
  public static let money = FieldType.decimal(scale: 2)

  /// Whether values compare as text, without case.
  var isText: Bool {
    switch self {
    case .text, .longText, .fileName, .email, .phone, .externalID: true
    default: false
    }
  }

  /// Whether the value is a JSON document of its own and cannot be compared.
  var isStructured: Bool { jsonKind == .json }
}
