internal import JSON
internal import Values

/// The rules of fields that hold JSON.
///
/// What is stored is canonical: compact, in the order given.
enum StructuredField {
  /// A list of tags that differ in more than case and accents, in order of first mention.
  static func tags(_ json: JSONValue) throws(FieldIssue) -> JSONValue {
    guard let elements = json.array else {
      throw FieldIssue("invalid_type", "an array of strings is wanted")
    }
    var tags: [JSONValue] = []
    var folded: Set<String> = []
    for element in elements {
      guard let tag = element.string, !tag.isEmpty else {
        throw FieldIssue("invalid_type", "a tag is a string that is not empty")
      }
      try TextField.limit(tag, characters: Limits.tagCharactersMax)
      if TextField.hasForbidden(tag) {
        throw FieldIssue("control_character", "control characters are refused")
      }
      if folded.insert(Folding.fold(tag)).inserted { tags.append(element) }
      guard tags.count <= Limits.tagsMax else {
        throw FieldIssue("too_many", "at most \(Limits.tagsMax) tags")
      }
    }
    return .array(tags)
  }

  /// An object of any members, within ``Limits/textBytesMax``.
  static func object(_ json: JSONValue) throws(FieldIssue) -> JSONValue {
    guard json.object != nil else { throw FieldIssue("invalid_type", "an object is wanted") }
    try check(json, depth: 1)
    guard json.bytes.count <= Limits.textBytesMax else {
      throw FieldIssue("too_long", "at most \(Limits.textBytesMax) bytes")
    }
    return json
  }

  /// An object whose members are short strings.
  static func address(_ json: JSONValue) throws(FieldIssue) -> JSONValue {
    guard let object = json.object else {
      throw FieldIssue("invalid_type", "an object is wanted")
    }
    for member in object.members {
      guard let text = member.value.string else {
        throw FieldIssue("invalid_type", "the members of an address are strings")
      }
      try TextField.limit(text, characters: Limits.nameCharactersMax)
    }
    return try self.object(json)
  }

  /// A list of distinct strings.
  static func texts(_ json: JSONValue) throws(FieldIssue) -> JSONValue {
    guard let elements = json.array, elements.count <= Limits.listedTextsMax else {
      throw FieldIssue(
        "invalid_type", "an array of at most \(Limits.listedTextsMax) strings is wanted")
    }
    var texts: [JSONValue] = []
    for element in elements {
      guard let text = element.string, !text.isEmpty else {
        throw FieldIssue("invalid_type", "each element is a string that is not empty")
      }
      try TextField.limit(text, characters: Limits.nameCharactersMax)
      if TextField.hasForbidden(text) {
        throw FieldIssue("control_character", "control characters are refused")
      }
      if !texts.contains(element) { texts.append(element) }
    }
    return .array(texts)
  }

  /// Any value, within ``Limits/textBytesMax``.
  static func any(_ json: JSONValue) throws(FieldIssue) -> JSONValue {
    try check(json, depth: 1)
    guard json.bytes.count <= Limits.textBytesMax else {
      throw FieldIssue("too_long", "at most \(Limits.textBytesMax) bytes")
    }
    return json
  }

  private static func check(_ json: JSONValue, depth: Int) throws(FieldIssue) {
    guard depth <= Limits.memberDepthMax else {
      throw FieldIssue("too_deep", "at most \(Limits.memberDepthMax) levels")
    }
    switch json {
    case .string(let text):
      if TextField.hasForbidden(text) {
        throw FieldIssue(
          "control_character", "control characters other than newline and tab are refused")
      }
    case .array(let elements):
      for element in elements { try check(element, depth: depth + 1) }
    case .object(let object):
      for member in object.members {
        try check(.string(member.name), depth: depth)
        try check(member.value, depth: depth + 1)
      }
    case .null, .bool, .number:
      break
    }
  }
}
