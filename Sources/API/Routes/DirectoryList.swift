internal import CRM
internal import HTTP
internal import JSON
internal import SQLite
internal import WrapperClient

/// A page of one of the directory's lists, asked for as a page of every other list is.
struct DirectoryList: Sendable {
  let directory: DirectoryAdministration
  let subject: DirectoryAction.Subject

  /// The page that the request asks for.
  ///
  /// - Parameter path: Where the list is in the directory.
  /// - Throws: 400 for parameters and cursors that are not valid, and what the directory refuses.
  func response(_ path: String, _ context: RequestContext) async throws -> HTTPResponse {
    let filters = subject == .users ? ["active", "q"] : []
    let values = try context.queryValues(PageParameters.names + filters)
    let page = try PageParameters(values)
    guard subject == .users else { return try await bounded(path, values, context) }
    _ = try RequestContext.flag(values, "active")
    let binding = Cursor.binding(
      tenantID: context.tenantID, resource: "directory users",
      parts: filters.map { "\($0)=\(values[$0] ?? "")" })
    var query = ["limit=\(page.limit)", "offset=\(page.offset)"]
    if let cursor = page.cursor {
      let last = try Cursor.decode(cursor, binding: binding, count: 1)
      guard case .text(let last) = last[0] else {
        throw Problem(.invalidCursor, "The cursor does not belong to this list.")
      }
      query.append("cursor=\(PercentEncoding.encode(last))")
    }
    for name in filters {
      if let value = values[name] { query.append("\(name)=\(PercentEncoding.encode(value))") }
    }
    if page.wantsCount || page.page != nil { query.append("count=true") }
    let target = "\(path)?\(query.joined(separator: "&"))"
    return try await directory.send(.get, target, context).relayed { bytes in
      var body = try JSONParser.parse(bytes).object ?? JSONObject()
      let next = page.page == nil ? body["nextCursor"]?.string : nil
      body["nextCursor"] = JSONValue(next.map { Cursor.encode([.text($0)], binding: binding) })
      if let number = page.page {
        body["page"] = .integer(number)
        body["pageSize"] = .integer(page.limit)
      }
      return .personal(JSONValue.object(body).bytes)
    }
  }

  /// A page of a list that is short enough to be read whole.
  private func bounded(
    _ path: String, _ values: [String: String], _ context: RequestContext
  ) async throws -> HTTPResponse {
    let list = MemoryList<JSONValue>(
      name: "directory \(subject.rawValue)", key: { ($0["id"]?.string ?? "", "") },
      json: { $0 })
    return try await directory.send(.get, path, context).relayed { bytes in
      try list.response(
        JSONParser.parse(bytes)["data"]?.array ?? [], values, tenantID: context.tenantID)
    }
  }
}

extension WrapperReply {
  /// The directory's answer to a read as this server's: with its tag, and 304 where the client
  /// holds it already.
  ///
  /// - Throws: what the directory refused, and what `make` throws.
  func relayed(_ make: ([UInt8]) throws -> HTTPResponse) throws -> HTTPResponse {
    guard status == 200 || status == 304 else { throw Problem(relayed: self) }
    var response: HTTPResponse
    if status == 200 {
      response = try make(body)
    } else {
      response = HTTPResponse(
        status: 304,
        headers: ["Vary": "Authorization, Accept-Encoding", "Cache-Control": "private, no-cache"])
    }
    if let etag { response.headers.add("ETag", etag) }
    return response
  }
}
