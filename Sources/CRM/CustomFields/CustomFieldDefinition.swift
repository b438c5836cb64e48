internal import HTTP
public import JSON
internal import Values

/// A member of `customFields` that a tenant has defined.
public struct CustomFieldDefinition: Sendable, Equatable {
  /// What a custom field holds.
  public enum Kind: String, Sendable, CaseIterable {
    /// Any text.
    case text
    /// A decimal number of at most ``Limits/customNumberDigitsMax`` digits.
    case number
    /// True or false.
    case boolean
    /// A day: `2026-01-31`.
    case date
    /// One of the options.
    case select
    /// Some of the options.
    case multiselect
    /// An address on the web, http or https.
    case url
    /// An e-mail address.
    case email

    /// Whether its values are chosen from a list.
    public var hasOptions: Bool { self == .select || self == .multiselect }
  }

  /// Its name in `customFields`.
  public let key: String
  /// What people call it.
  public let label: String
  /// What it holds.
  public let kind: Kind
  /// Whether new records must have it.
  public let isRequired: Bool
  /// The values that a select or multiselect takes.
  public let options: [String]
  /// What new records get; nil when that is nothing.
  public let initial: JSONValue?

  /// `value` as it is stored; nil when it says nothing.
  ///
  /// - Throws: ``FieldIssue`` when it is no value of the kind.
  func checked(_ value: JSONValue) throws(FieldIssue) -> JSONValue? {
    if value.isNull || value == "" { return nil }
    switch kind {
    case .boolean:
      guard value.bool != nil else {
        throw FieldIssue("invalid_type", "true or false is wanted")
      }
      return value
    case .number:
      guard case .number(let number) = value else {
        throw FieldIssue("invalid_type", "a number is wanted")
      }
      guard Self.isExact(number) else {
        throw FieldIssue(
          "out_of_range", "a number of at most \(Limits.customNumberDigitsMax) digits is wanted")
      }
      return value
    case .multiselect:
      return .array(try chosen(value).map(JSONValue.string))
    case .text, .date, .select, .url, .email:
      guard let text = value.string else {
        throw FieldIssue("invalid_type", "a string is wanted")
      }
      return .string(try self.text(text))
    }
  }

  private func text(_ text: String) throws(FieldIssue) -> String {
    switch kind {
    case .date: return try TextField.checked(text, .date)
    case .email: return try TextField.checked(text, .email)
    case .select: try checkOption(text)
    case .url:
      try TextField.limit(text, characters: Limits.urlCharactersMax)
      guard text.wholeMatch(of: /(?i:https?):\/\/[^\s\/?#]+[^\s]*/) != nil else {
        throw FieldIssue("invalid_url", "an address like https://example.org is wanted")
      }
    default: break
    }
    return try TextField.checked(text, .longText)
  }

  /// The distinct options in order of first mention.
  private func chosen(_ value: JSONValue) throws(FieldIssue) -> [String] {
    guard let elements = value.array else {
      throw FieldIssue("invalid_type", "an array of options is wanted")
    }
    var chosen: [String] = []
    for element in elements {
      guard let text = element.string else {
        throw FieldIssue("invalid_type", "an array of strings is wanted")
      }
      try checkOption(text)
      if !chosen.contains(text) { chosen.append(text) }
    }
    return chosen
  }

  private func checkOption(_ text: String) throws(FieldIssue) {
    guard options.contains(text) else {
      let some = options.prefix(20).joined(separator: ", ")
      throw FieldIssue(
        "invalid_choice", "one of \(some)\(options.count > 20 ? " …" : "") is wanted")
    }
  }

  /// Whether the number keeps all its digits as a binary floating-point number, which is how the
  /// database compares members of JSON.
  private static func isExact(_ number: JSONNumber) -> Bool {
    (0...Limits.customNumberDigitsMax).contains { scale in
      number.units(scale: scale).map { $0.magnitude < Limits.decimalUnitsMax } ?? false
    }
  }
}
