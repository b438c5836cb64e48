import JSON

/// Requests that nobody in their right mind sends, the same ones again from the same seed.
struct HostileInput {
  var generator: SeededGenerator

  mutating func pick<Element>(_ elements: [Element], _ other: Element) -> Element {
    elements.randomElement(using: &generator) ?? other
  }

  /// True once in so many times.
  mutating func chance(_ count: Int) -> Bool {
    Int.random(in: 0..<count, using: &generator) == 0
  }

  mutating func text() -> String {
    pick(
      [
        "", "a", "\u{0}", "é", "💥", "'", "\"", "\\", "%", "_", "*", "(", "NEAR", "a\"b", "-1",
        "1e999", "0x10", "NaN", "true", "null", "[]", "{}", "-30d", "+99999y", "2026-02-31",
        "9999-12-31", "0001-01-01", "9999-12-31T23:59:60Z", "\u{202e}", "\u{10ffff}", "\\,",
        ",,,", "18446744073709551616", "-9223372036854775808", "9223372036854775807",
        "0190a0b0-0000-7000-8000-000000000000", String(repeating: "x", count: 300), "\r\n",
        "sam", "x:y", "a@b.co", "USD", "new", "high", "customer", "; DROP TABLE leads", "..",
        "../..", "$0.id", "contact", "90m", "Europe/Paris", String(repeating: "é", count: 64),
      ], "")
  }

  /// The name of a member or a parameter, known somewhere or nowhere.
  mutating func name() -> String {
    pick(
      [
        "id", "title", "value", "status", "tags", "customFields", "metadata", "email", "phone",
        "ownerId", "createdAt", "updatedAt", "version", "contactId", "companyId", "address",
        "externalId", "firstName", "lifecycle", "currency", "tenantId", "leadData", "userId",
        "limit", "cursor", "page", "pageSize", "sort", "fields", "count", "q", "purge", "a.b",
        "customFields.a", "customFields.a.b", "customFields.\u{0}", "customFields.'", "x", "",
      ], "x")
  }

  mutating func json(_ depth: Int = 0) -> JSONValue {
    switch Int.random(in: 0..<(depth > 3 ? 5 : 8), using: &generator) {
    case 0: .null
    case 1: .bool(Bool.random(using: &generator))
    case 2: .integer(Int64.random(in: .min ... .max, using: &generator))
    case 3:
      .number(
        JSONNumber(
          unchecked: pick(
            [
              "1e400", "1e308", "-1e308", "-0", "1e-400", "0.1", "1E+2", "12.345",
              "99999999999999999999999999999999999999999", "9999999999999.995",
            ], "0")))
    case 4: .string(text())
    case 5: .array((0..<Int.random(in: 0...4, using: &generator)).map { _ in json(depth + 1) })
    default:
      .object(
        JSONObject(
          (0..<Int.random(in: 0...5, using: &generator)).map { _ in (name(), json(depth + 1)) }))
    }
  }

  // MARK: What a description takes, spoilt

  /// A value that `schema` takes, with members of every kind that it names.
  private mutating func likely(_ schema: JSONValue, _ operation: DescribedOperation) -> JSONValue {
    let schema = operation.resolved(schema)
    if let words = schema["enum"]?.array { return pick(words, .null) }
    guard let properties = schema["properties"]?.object else { return operation.sample(schema) }
    var members = operation.sample(schema).object ?? JSONObject()
    for property in properties.members where chance(4) && property.value["readOnly"] != true {
      members[property.name] = likely(property.value, operation)
    }
    return .object(members)
  }

  /// The value with something in it replaced, added or taken away.
  private mutating func spoilt(_ value: JSONValue, _ depth: Int = 0) -> JSONValue {
    guard depth < 6, !chance(5) else { return json() }
    switch value {
    case .object(var object):
      guard let name = object.names.randomElement(using: &generator), !chance(5) else {
        object[self.name()] = json()
        return .object(object)
      }
      object[name] = chance(6) ? nil : spoilt(object[name] ?? .null, depth + 1)
      return .object(object)
    case .array(let elements):
      guard !elements.isEmpty, !chance(4) else { return .array(elements + [json()]) }
      return .array(elements.map { chance(2) ? spoilt($0, depth + 1) : $0 })
    default:
      return chance(3) ? json() : .string(text())
    }
  }

  /// A body for an operation: right, wrong in a member, or no JSON that anybody should read.
  mutating func body(_ operation: DescribedOperation) -> [UInt8]? {
    guard !chance(12) else { return chance(2) ? nil : [] }
    guard let schema = operation.bodySchema else {
      return chance(3) ? json().bytes : chance(2) ? nil : Array(text().utf8)
    }
    let value = likely(schema, operation)
    switch Int.random(in: 0..<10, using: &generator) {
    case 0..<3: return value.bytes
    case 3..<7: return spoilt(chance(3) ? spoilt(value) : value).bytes
    case 7: return json().bytes
    case 8: return torn(value.bytes)
    default: return broken()
    }
  }

  /// JSON with a byte too many, too few or too different.
  private mutating func torn(_ bytes: [UInt8]) -> [UInt8] {
    guard !bytes.isEmpty else { return bytes }
    var bytes = bytes
    let place = Int.random(in: 0..<bytes.count, using: &generator)
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: bytes.removeLast(bytes.count - place)
    case 1: bytes[place] = UInt8.random(in: 0...255, using: &generator)
    case 2: bytes.insert(pick([0, 0xff, 0x22, 0x7b, 0x0a, 0xc0], 0), at: place)
    default: bytes += bytes
    }
    return bytes
  }

  /// Bodies at and beyond the limits of depth, members and length.
  private static let large: [String] = {
    func times(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }
    let members = (0..<1100).map { "\"m\($0)\":\($0)" }.joined(separator: ",")
    return [
      times("[", 40_000), "{\"metadata\":\(times("{\"a\":", 31))1\(times("}", 32))",
      "{\"metadata\":\(times("[", 30))\(times("]", 30))}", "{\(members)}",
      "{\"title\":\"\(times("x", 70_000))\"}", "{\"tags\":[\(times("\"t\",", 60))\"t\"]}",
      "{\"value\":\(times("9", 400))}",
    ]
  }()

  private mutating func broken() -> [UInt8] {
    let name = name()
    let text = pick(
      [
        "", "{", "nul", "\u{feff}{}", "{}{}", "1e999", "\"\\ud800\"", "[1,]", "{\"a\":01}",
        "{\"\(name)\":1,\"\(name)\":2}", "{\"title\":\"\\ud800\",\"body\":\"\\udc00\\ud800\"}",
        "{\"title\":\"a\u{0}b\"}", "{\"title\":\"a\\u0000b\"}", "{'title':1}", "// {}",
        "{\"value\":1e308,\"durationMinutes\":1e308,\"position\":-1e308,\"limit\":1e308}",
      ] + Self.large, "")
    return chance(8) ? [0x22, 0xff, 0xfe, 0x22] : Array(text.utf8)
  }

  /// A query string of parameters that are described, and of others.
  mutating func query(_ names: [String] = []) -> String {
    let operators = [
      "eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "contains", "startsWith", "isNull",
      "all", "none", "", "x", "[",
    ]
    if names.isEmpty == false, chance(20) {
      return pick(["%", "%zz", "&&=&", "a=%ff", "=", "?"], "")
    }
    return (0..<Int.random(in: 0...3, using: &generator)).map { _ in
      let suffix = chance(names.isEmpty ? 2 : 4) ? "[\(pick(operators, "eq"))]" : ""
      let name = names.isEmpty || chance(4) ? name() : pick(names, "x")
      return "\(encoded(name + suffix))=\(encoded(text()))"
    }.joined(separator: "&")
  }

  /// Header fields that mean something somewhere, with values that mostly mean nothing.
  mutating func headers() -> [(String, String)] {
    var headers: [(String, String)] = []
    for name in [
      "If-Match", "If-None-Match", "Idempotency-Key", "X-Reason", "Accept", "Range", "If-Range",
      "Content-Disposition", "Content-Encoding", "X-Request-Id", "X-Forwarded-For", "Prefer",
    ] where chance(14) {
      let usual = pick(
        [
          "*", "\"1\"", "W/\"1\"", "\"1\", \"2\"", "bytes=0-", "bytes=5-1", "bytes=-1",
          "bytes=0-99999999999999999999", "text/html", "application/json;q=0", "*/*;q=2", "gzip",
          "attachment; filename*=UTF-8''%ff", "attachment; filename=\"..\\..\"", "::1", "key",
        ], "*")
      // A line break or a NUL would end the field, and make another request of this one.
      let text = text().unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7f }
      headers.append((name, chance(2) ? usual : String(String.UnicodeScalarView(text))))
    }
    return headers
  }

  /// The type that a body is said to be of; nil for none.
  mutating func contentType() -> String? {
    guard chance(8) else { return "application/json" }
    return pick(
      [
        nil, "", "text/plain", "application/json; charset=latin1", "APPLICATION/JSON;charset=UTF-8",
        "application/merge-patch+json", "multipart/form-data", "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=XX", "application/x-www-form-urlencoded", ";",
        "application/",
      ], nil)
  }
}
