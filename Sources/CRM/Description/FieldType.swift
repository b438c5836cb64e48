public import SQLite

/// What a field holds: decides its validation, its column's form, its JSON form and its operators.
public enum FieldType: Sendable, Equatable {
  /// Text of at most so many characters.
  case text(charactersMax: Int)
  /// Text of at most ``Limits/textBytesMax`` bytes.
  case longText
  /// An e-mail address.
  case email
  /// A phone number in any notation.
  case phone
  /// One of the given words.
  case choice([String])
  /// A whole number.
  case integer
  /// Money with two decimals, stored as cents.
  case money
  /// An ISO 4217 code.
  case currency
  /// A moment, RFC 3339.
  case timestamp
  /// The id of a record of the resource itself.
  case identifier
  /// The id of a tenant.
  case tenant
  /// The id of a user of the tenant.
  case user
  /// The id of a record of another resource, named by its entity type.
  case reference(entityType: String)
  /// `"<system>:<id>"` of the same thing in another program.
  case externalID
  /// A list of tags.
  case tags
  /// A JSON object of any members.
  case object
  /// A JSON object whose members are strings.
  case address

  /// How the column becomes JSON.
  public var jsonKind: JSONRowLayout.Kind {
    switch self {
    case .integer: .integer
    case .money: .decimal(scale: Self.moneyScale)
    case .tags, .object, .address: .json
    default: .text
    }
  }

  /// Decimals of money.
  static let moneyScale = 2

  /// Whether values compare as text, without case.
  var isText: Bool {
    switch self {
    case .text, .longText, .email, .phone, .externalID: true
    default: false
    }
  }

  /// Whether the value is a JSON document of its own and cannot be compared.
  var isStructured: Bool { jsonKind == .json }
}
