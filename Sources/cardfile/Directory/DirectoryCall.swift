internal import HTTP
internal import JSON

/// One run of a verb: its arguments, and the directory it works on.
struct DirectoryCall: Sendable {
  let verb: DirectoryVerb
  let arguments: VerbArguments
  let access: DirectoryAccess
  /// The tenant; nil only for verbs that need none.
  let tenantID: String?

  /// The most pages of one list.
  private static let pagesMax = 1000

  /// An operand that the verb has.
  func operand(_ name: String) -> String {
    guard let value = arguments.operands[name] else {
      preconditionFailure("the verb has no operand \(name)")
    }
    return value
  }

  /// An operand as a part of a path.
  func encoded(_ name: String) -> String { PercentEncoding.encode(operand(name)) }

  func has(_ option: String) -> Bool { arguments.options[option] != nil }

  /// The body that the options make.
  ///
  /// - Throws: ``CommandFailure/usage(_:)`` for a value that cannot be read.
  func body() async throws -> JSONObject {
    var body = JSONObject()
    for option in verb.options {
      guard let member = option.member, let values = arguments.options[option.name],
        let last = values.last
      else { continue }
      body[member] = try await value(of: option, last: last, all: values)
    }
    return body
  }

  /// The body of a change.
  ///
  /// - Throws: also when nothing would be changed.
  func changes() async throws -> JSONObject {
    let body = try await body()
    guard !body.isEmpty else {
      let names = verb.options.filter { $0.member != nil }.map { "--\($0.name)" }
      throw CommandFailure.usage(
        "nothing to change: give at least one of \(names.joined(separator: ", "))")
    }
    return body
  }

  /// Sends a request below `/api/directory` and gives its `data`.
  ///
  /// - Throws: ``CommandFailure/failed(_:)`` with what was wrong, in words.
  @discardableResult
  func send(
    _ method: HTTPMethod, _ path: String, _ body: JSONObject? = nil
  ) async throws -> JSONValue {
    let answer = try await access.send(
      method, "/api/directory/\(path)", tenantID: tenantID, body: body.map { .object($0) })
    guard (200..<300).contains(answer.status) else { throw failure(answer) }
    return answer.body["data"] ?? .null
  }

  /// Every entry of a list, page by page.
  func list(_ path: String) async throws -> [JSONValue] {
    var entries: [JSONValue] = []
    var cursor: String?
    let mark = path.contains("?") ? "&" : "?"
    for _ in 0..<Self.pagesMax {
      let page = cursor.map { "\(mark)cursor=\(PercentEncoding.encode($0))" } ?? ""
      let answer = try await access.send(
        .get, "/api/directory/\(path)\(page)", tenantID: tenantID)
      guard answer.status == 200 else { throw failure(answer) }
      entries += answer.body["data"]?.array ?? []
      cursor = answer.body["nextCursor"]?.string
      if cursor == nil { return entries }
    }
    throw CommandFailure.failed("the list has no end")
  }

  private func value(
    of option: DirectoryVerb.Option, last: String, all: [String]
  ) async throws -> JSONValue {
    switch option.kind {
    case .flag: return true
    case .text(let isClearable): return isClearable && last.isEmpty ? .null : .string(last)
    case .texts: return .array(all.map { .string($0) })
    case .unit: return last.isEmpty ? .null : .string(try await id(ofUnit: last))
    case .role:
      var ids: [JSONValue] = []
      for name in all where !name.isEmpty { ids.append(.string(try await id(ofRole: name))) }
      return .array(ids)
    case .truth:
      guard ["true", "false"].contains(last) else {
        throw CommandFailure.usage("--\(option.name)=\(last): true or false is wanted")
      }
      return .bool(last == "true")
    case .limit: return last == "none" ? .null : try Self.number(last, "--\(option.name)")
    case .choice(let words):
      guard words.contains(last) else {
        throw CommandFailure.usage(
          "--\(option.name)=\(last): one of \(words.joined(separator: ", ")) is wanted")
      }
      return .string(last)
    case .members: return .object(try Self.members(all, "--\(option.name)"))
    }
  }

  /// A number as it was typed.
  static func number(_ text: String, _ name: String) throws(CommandFailure) -> JSONValue {
    // The text that is no JSON is no number either.
    guard let value = try? JSONParser.parse(Array(text.utf8)), case .number = value else {
      throw .usage("\(name)=\(text): a number is wanted")
    }
    return value
  }

  /// `name=value` pairs: values that are JSON are taken as such, others as text.
  private static func members(
    _ pairs: [String], _ name: String
  ) throws(CommandFailure) -> JSONObject {
    var object = JSONObject()
    for pair in pairs {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else {
        throw .usage("\(name) \(pair): name=value is wanted")
      }
      // What is no JSON is meant as it stands: 5GB.
      let value = try? JSONParser.parse(Array(parts[1].utf8))
      object[String(parts[0])] = value ?? .string(String(parts[1]))
    }
    return object
  }

  /// A refusal in words that name the options as they were typed.
  private func failure(_ answer: DirectoryAccess.Answer) -> CommandFailure {
    let issues = answer.body["errors"]?.array ?? []
    let detail = answer.body["detail"]?.string ?? "the directory refused (\(answer.status))"
    guard !issues.isEmpty else { return .failed(detail) }
    return .failed(
      issues.map { issue in
        let member = String((issue["pointer"]?.string ?? "").dropFirst())
        let option = verb.options.first { $0.member == member || $0.name == member }
        let place = option.map { "--\($0.name)" } ?? member
        return "\(place.isEmpty ? "" : "\(place): ")\(issue["detail"]?.string ?? detail)"
      }.joined(separator: "\n"))
  }
}
