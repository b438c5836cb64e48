internal import CRM
internal import HTTP
internal import JSON
internal import WrapperClient

/// Tells the activity log of what is read, and of reads that are refused, where that is wanted.
///
/// A read does not wait for its entry, unless reads come faster than the file takes them. One that
/// cannot be recorded, since the file takes nothing, is refused.
struct ReadAudit: Sendable {
  private let store: RecordStore

  init(store: RecordStore) {
    self.store = store
  }

  /// What tells nothing of the tenant's people, records and work, and is asked for all the time.
  private static let unrecorded: Set<String> = [
    "/api/me", "/api/schema", "/api/sync/status", "/api/cache/metrics", "/api/activities/metrics",
  ]
  /// Parameters that choose a part of a list rather than what is in it.
  private static let paging: Set<String> = [
    "limit", "cursor", "page", "pageSize", "count", "sort", "fields", "expand",
  ]
  /// Names of filters that an entry tells.
  private static let filtersMax = 40
  private static let filterCharactersMax = 64

  private func records(_ endpoint: Endpoint) -> Bool {
    endpoint.method == .get && !Self.unrecorded.contains(endpoint.pattern)
  }

  /// Whether so many entries wait that a read should wait too.
  var isCrowded: Bool { store.isBufferCrowded }

  /// Waits until the entries that wait are written, where they are many.
  ///
  /// - Throws: 503 `overloaded` when they cannot be written: what cannot be recorded is not read.
  func waitForRoom() async throws(Problem) {
    guard isCrowded else { return }
    do {
      try await store.writeBufferedActivities()
    } catch {
      // Whoever keeps writing them tells the log why.
      throw .unrecordable
    }
  }

  /// Notes that `response` is about to be given.
  ///
  /// - Throws: 503 `overloaded` when it cannot be recorded.
  func note(
    _ response: HTTPResponse, _ context: RequestContext, _ endpoint: Endpoint
  ) throws(Problem) {
    guard records(endpoint), response.status < 400 else { return }
    let subject = Subject(endpoint, context, store.catalog)
    var metadata = JSONObject()
    if case .bytes(let bytes) = response.body, let count = JSONElements.count(ofData: bytes) {
      metadata["count"] = .integer(count)
    }
    let filters = Self.filters(context)
    if !filters.isEmpty { metadata["filters"] = .array(filters.map(JSONValue.string)) }
    if let parentID = subject.parentID { metadata["parentId"] = .string(parentID) }
    try store.noteRead(
      context.reading(subject.operation).mutation(), entityType: subject.entityType,
      entityID: subject.entityID, metadata: metadata)
  }

  /// Notes that a read was refused because the caller may not, or because there is nothing.
  ///
  /// - Throws: 503 `overloaded` when it cannot be recorded.
  func note(
    refusal problem: Problem, _ context: RequestContext, _ endpoint: Endpoint
  ) throws(Problem) {
    guard records(endpoint), [403, 404].contains(problem.code.status) else { return }
    let subject = Subject(endpoint, context, store.catalog)
    try store.noteFailure(
      of: context.reading(subject.operation).mutation(),
      entityID: subject.entityID ?? subject.parentID, problem: problem, isUrgent: false)
  }

  /// The names of what a list was filtered by, without operators.
  private static func filters(_ context: RequestContext) -> [String] {
    // A query that cannot be read was refused before.
    guard let items = try? context.query() else { return [] }
    var names: [String] = []
    for item in items.items where !paging.contains(item.name) && names.count < filtersMax {
      let name = String(item.name.prefix { $0 != "[" }.prefix(filterCharactersMax))
      if !names.contains(name) { names.append(name) }
    }
    return names
  }

  /// What a request reads.
  private struct Subject {
    /// The operation's name: `crm.contacts.read`.
    let operation: String
    /// The kind of what is read, where it is a record.
    let entityType: String?
    /// The one that is read; nil for lists.
    var entityID: String?
    /// The one whose list is read.
    var parentID: String?

    init(_ endpoint: Endpoint, _ context: RequestContext, _ catalog: Catalog) {
      let segments = endpoint.pattern.split(separator: "/").map(String.init)
      let words = segments.filter { !$0.hasPrefix("{") && $0 != "api" }
      operation =
        context.operation.isEmpty ? "crm.\(words.first ?? "server").read" : context.operation
      entityType =
        context.parameters.value(of: "entityType")
        ?? catalog.resources.first { resource in
          ["read", "export"].contains { resource.description.operation($0) == context.operation }
        }?.description.entityType
      guard let place = segments.lastIndex(where: { $0.hasPrefix("{") }) else { return }
      let name = segments[place].dropFirst().prefix { $0 != ":" && $0 != "}" }
      let id = context.parameters.value(of: String(name))
      let isListBelow = catalog.resources.contains { resource in
        resource.description.name == segments.last && place < segments.count - 1
      }
      if isListBelow { parentID = id } else { entityID = id }
    }
  }
}

extension RequestContext {
  /// The same request, as one that bears the name of a read in the log.
  fileprivate func reading(_ name: String) -> RequestContext {
    RequestContext(
      request: request, parameters: parameters, session: session, directory: directory,
      permission: permission.isEmpty ? name : permission, operation: name, decision: decision,
      address: address)
  }
}

/// Counts the elements of an answer's list without reading it as JSON.
enum JSONElements {
  private static let listStart = Array("{\"data\":[".utf8)

  /// How many elements `{"data": […]}` has; nil for an answer of another form.
  ///
  /// The bytes are an answer of ours, and so valid JSON without spaces.
  static func count(ofData bytes: [UInt8]) -> Int? {
    guard bytes.starts(with: listStart) else { return nil }
    var depth = 0
    var count = 0
    var isInText = false
    var isEscaped = false
    for byte in bytes[listStart.count...] {
      if isInText {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isInText = false
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "]") where depth == 0: return count
      case UInt8(ascii: ",") where depth == 0: count += 1
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      case UInt8(ascii: "\""): isInText = true
      default: break
      }
      if count == 0 { count = 1 }
    }
    return nil
  }
}
