internal import JSON
internal import Values

/// One stage of a pipeline.
struct Stage: Sendable, Equatable {
  /// What a deal in it is: still open, or decided.
  enum Kind: String, CaseIterable {
    case open, won, lost
  }

  /// A slug, by which deals name it.
  let id: String
  let name: String
  /// How likely its deals are won, in percent.
  let probability: Int64
  let kind: Kind

  /// The stage as a pipeline's column holds it.
  var json: JSONValue {
    [
      "id": .string(id), "name": .string(name), "probability": .integer(probability),
      "kind": .string(kind.rawValue),
    ]
  }

  /// Reads what ``json`` wrote.
  init?(stored json: JSONValue) {
    guard let id = json["id"]?.string, let name = json["name"]?.string,
      let probability = json["probability"]?.integer,
      let kind = json["kind"]?.string.flatMap(Kind.init)
    else { return nil }
    self.init(id: id, name: name, probability: probability, kind: kind)
  }

  init(id: String, name: String, probability: Int64, kind: Kind) {
    self.id = id
    self.name = name
    self.probability = probability
    self.kind = kind
  }

  /// The stages that every tenant starts with.
  static let starting = [
    Stage(id: "new", name: "New", probability: 10, kind: .open),
    Stage(id: "qualified", name: "Qualified", probability: 25, kind: .open),
    Stage(id: "proposal", name: "Proposal", probability: 50, kind: .open),
    Stage(id: "negotiation", name: "Negotiation", probability: 75, kind: .open),
    Stage(id: "won", name: "Won", probability: 100, kind: .won),
    Stage(id: "lost", name: "Lost", probability: 0, kind: .lost),
  ]
}

extension StructuredField {
  /// Stages with distinct ids; one without gets the slug of its name, one without kind is open,
  /// and one without probability has that of its kind.
  static func stages(_ json: JSONValue) throws(FieldIssue) -> JSONValue {
    guard let elements = json.array, (1...Limits.stagesMax).contains(elements.count) else {
      throw FieldIssue("invalid_type", "an array of 1 to \(Limits.stagesMax) stages is wanted")
    }
    var stages: [Stage] = []
    for element in elements {
      let stage = try stage(element, taken: stages.map(\.id))
      guard !stages.contains(where: { $0.id == stage.id }) else {
        throw FieldIssue("duplicate", "two stages have the id \(stage.id)")
      }
      stages.append(stage)
    }
    return .array(stages.map(\.json))
  }

  private static func stage(_ json: JSONValue, taken: [String]) throws(FieldIssue) -> Stage {
    guard let object = json.object else {
      throw FieldIssue("invalid_type", "a stage is an object with at least a name")
    }
    for name in object.names where !["id", "name", "probability", "kind"].contains(name) {
      throw FieldIssue("unknown_member", "a stage has no member \(name.prefix(64))")
    }
    guard let name = object["name"]?.string, !name.allSatisfy(\.isWhitespace) else {
      throw FieldIssue("required", "each stage needs a name")
    }
    try TextField.limit(name, characters: Limits.labelCharactersMax)
    if TextField.hasForbidden(name) {
      throw FieldIssue("control_character", "control characters are refused")
    }
    let id: String
    switch object["id"] {
    case .string(let text)?: id = text
    case nil, .null?: id = slug(name, taken: taken)
    default: throw FieldIssue("invalid_type", "a stage's id is a string")
    }
    guard id.utf8.count <= Limits.labelCharactersMax,
      id.wholeMatch(of: /[a-z0-9]+(?:[-_][a-z0-9]+)*/) != nil
    else {
      throw FieldIssue("invalid_id", "a stage's id is a slug such as \"in-contact\"")
    }
    guard let kind = Stage.Kind(rawValue: object["kind"]?.string ?? "open") else {
      throw FieldIssue("invalid_choice", "a stage's kind is open, won or lost")
    }
    var probability: Int64 = kind == .won ? 100 : 0
    if let given = object["probability"], !given.isNull {
      guard let percent = given.integer, (0...100).contains(percent) else {
        throw FieldIssue("out_of_range", "a probability is a whole number from 0 to 100")
      }
      probability = percent
    }
    return Stage(id: id, name: name, probability: probability, kind: kind)
  }

  /// Letters and digits of the folded name, joined by hyphens; "stage" where there are none.
  ///
  /// A number behind it tells it from those that are taken.
  private static func slug(_ name: String, taken: [String]) -> String {
    let words = Folding.fold(name).split { !$0.isASCII || !($0.isLetter || $0.isNumber) }
    let slug = words.isEmpty ? "stage" : words.joined(separator: "-")
    guard taken.contains(slug) else { return slug }
    return (2...).lazy.map { "\(slug)-\($0)" }.first { !taken.contains($0) } ?? slug
  }
}
