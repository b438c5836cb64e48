public import JSON

/// An error as a client sees it: RFC 9457 problem details with a stable code.
public struct Problem: Error, Sendable, Equatable {
  /// A stable, machine-readable name of the error, together with its status and title.
  public struct Code: Sendable, Hashable {
    /// The snake_case name.
    public let name: String
    /// The HTTP status.
    public let status: Int
    /// The short summary, the same for every occurrence.
    public let title: String

    /// A code; the known ones are static members.
    public init(_ name: String, _ status: Int, _ title: String) {
      self.name = name
      self.status = status
      self.title = title
    }
  }

  /// What is wrong with one member of the request.
  public struct Issue: Sendable, Equatable {
    /// JSON Pointer (RFC 6901) of the member.
    public var pointer: String
    /// A stable name of the rule that was broken.
    public var code: String
    /// The same in words.
    public var detail: String
    /// Where in the query string the fault is; nil for a fault of the body.
    public var place: QueryPlace?

    /// An issue made of its parts.
    public init(pointer: String, code: String, detail: String, place: QueryPlace? = nil) {
      self.pointer = pointer
      self.code = code
      self.detail = detail
      self.place = place
    }

    /// Characters of a parameter's name and of a token that are repeated to the client.
    private static let repeatedCharactersMax = 64

    func write(to writer: inout JSONWriter) {
      writer.beginObject()
      writer.member("pointer", pointer)
      writer.member("code", code)
      writer.member("detail", detail)
      if let place {
        writer.member("parameter", String(place.parameter.prefix(Self.repeatedCharactersMax)))
        if let token = place.token {
          writer.member("token", String(token.prefix(Self.repeatedCharactersMax)))
        }
        if let position = place.position { writer.member("position", .integer(position)) }
      }
      writer.endObject()
    }
  }

  /// The kind of error.
  public var code: Code
  /// What happened this time, in words for the person who sent the request.
  public var detail: String
  /// The members at fault.
  public var issues: [Issue]
  /// Further members of the document, such as `requiredPermission`.
  public var members: JSONObject
  /// Header fields that belong to the error, such as `Retry-After`.
  public var headers: [String: String]

  /// A problem of the given kind.
  public init(
    _ code: Code, _ detail: String, issues: [Issue] = [], members: JSONObject = JSONObject(),
    headers: [String: String] = [:]
  ) {
    self.code = code
    self.detail = detail
    self.issues = issues
    self.members = members
    self.headers = headers
  }

  /// The response that carries the problem.
  public func response(requestID: String, instance: String) -> HTTPResponse {
    var writer = JSONWriter(capacity: 512)
    writer.beginObject()
    writer.member("type", "/docs/errors#\(code.name)")
    writer.member("title", code.title)
    writer.member("status", .integer(code.status))
    writer.member("detail", detail)
    writer.member("instance", instance)
    writer.member("code", code.name)
    writer.member("requestId", requestID)
    writer.member("error", detail)
    if !issues.isEmpty {
      writer.name("errors")
      writer.beginArray()
      for issue in issues { issue.write(to: &writer) }
      writer.endArray()
    }
    for member in members.members { writer.member(member.name, member.value) }
    writer.endObject()
    var fields: HTTPHeaders = ["Content-Type": "application/problem+json"]
    for (name, value) in headers.sorted(by: { $0.key < $1.key }) { fields.add(name, value) }
    return HTTPResponse(status: code.status, headers: fields, body: .bytes(writer.bytes))
  }
}
