internal import HTTP
internal import JSON

/// Takes the members of a JSON body by their names, and then tells all that is wrong with it at
/// once: members that nobody took, members that are missing, and values of the wrong kind.
struct BodyReader {
  private let object: JSONObject
  private var taken: Set<String> = []
  private var issues: [Problem.Issue] = []

  /// - Throws: 400 for what is no JSON, 422 for what is no object.
  init(_ request: HTTPRequest) throws(Problem) {
    object = try request.jsonObject()
  }

  /// A text that must be there; empty when it is not.
  mutating func text(_ name: String) -> String {
    if value(name) == nil { add(name, "required", "the member is missing") }
    return optionalText(name) ?? ""
  }

  /// A text, or nil when the member is missing.
  mutating func optionalText(_ name: String) -> String? {
    read(name, "a text") { $0.string }
  }

  /// A text, null for none, or nothing at all.
  mutating func nullableText(_ name: String) -> FieldChange<String?> {
    nullable(name, "a text or null") { $0.string }
  }

  /// A list of texts, or nil when the member is missing.
  mutating func optionalTexts(_ name: String) -> [String]? {
    read(name, "a list of texts") { value in
      guard let array = value.array else { return nil }
      let texts = array.compactMap(\.string)
      return texts.count == array.count ? texts : nil
    }
  }

  /// True or false, or nil when the member is missing.
  mutating func optionalFlag(_ name: String) -> Bool? {
    read(name, "true or false") { $0.bool }
  }

  /// An object, or nil when the member is missing.
  mutating func optionalObject(_ name: String) -> JSONObject? {
    read(name, "an object") { $0.object }
  }

  /// One of the named values, or nil when the member is missing.
  mutating func optionalChoice<Choice: RawRepresentable & CaseIterable>(
    _ name: String, _ type: Choice.Type
  ) -> Choice? where Choice.RawValue == String {
    let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
    return read(name, "one of \(names)") { $0.string.flatMap { Choice(rawValue: $0) } }
  }

  /// An amount of credits that must be there, in 1/10,000; 0 when it is not.
  mutating func credits(_ name: String) -> Int64 {
    if value(name) == nil { add(name, "required", "the member is missing") }
    return read(name, Self.creditsForm) { Self.units($0) } ?? 0
  }

  /// An amount of credits in 1/10,000, null for none, or nothing at all.
  mutating func nullableCredits(_ name: String) -> FieldChange<Int64?> {
    nullable(name, "\(Self.creditsForm) or null") { Self.units($0) }
  }

  /// Notes that the member cannot be taken.
  mutating func refuse(_ name: String, _ detail: String) {
    add(name, "invalid", detail)
  }

  /// The end of the body.
  ///
  /// - Throws: 422 `validation_failed` with all that is wrong.
  func finish() throws(Problem) {
    let unknown = object.names.filter { !taken.contains($0) }.map { name in
      Problem.Issue(
        pointer: Self.pointer(name), code: "unknown_member",
        detail: "there is no member \(name.prefix(64))")
    }
    let all = unknown + issues
    guard all.isEmpty else {
      let first = all.first.map { "\($0.pointer): \($0.detail)" } ?? ""
      let rest = all.count > 1 ? ", and \(all.count - 1) more" : ""
      throw Problem(
        .validationFailed, "The body is not valid: \(first)\(rest).", issues: all)
    }
  }

  private static let creditsForm = "a number of credits with at most 4 decimals"

  private static func units(_ value: JSONValue) -> Int64? {
    guard case .number(let number) = value else { return nil }
    return number.units(scale: 4)
  }

  /// JSON Pointer (RFC 6901 section 3).
  private static func pointer(_ name: String) -> String {
    "/" + String(name.prefix(64)).replacing("~", with: "~0").replacing("/", with: "~1")
  }

  private mutating func value(_ name: String) -> JSONValue? {
    taken.insert(name)
    return object[name]
  }

  private mutating func read<Value>(
    _ name: String, _ form: String, _ convert: (JSONValue) -> Value?
  ) -> Value? {
    guard let value = value(name) else { return nil }
    let converted = convert(value)
    if converted == nil { add(name, "invalid_type", "\(form) is wanted") }
    return converted
  }

  private mutating func nullable<Value>(
    _ name: String, _ form: String, _ convert: (JSONValue) -> Value?
  ) -> FieldChange<Value?> {
    guard let value = value(name) else { return .kept }
    if value.isNull { return .set(nil) }
    return read(name, form, convert).map { .set($0) } ?? .kept
  }

  private mutating func add(_ name: String, _ code: String, _ detail: String) {
    issues.append(Problem.Issue(pointer: Self.pointer(name), code: code, detail: detail))
  }
}
