internal import CRM
internal import HTTP
internal import JSON
internal import SQLite

/// Pages of a list that lies in memory, in the manner of those that lie in the file.
struct MemoryList<Element> {
  /// The list's name, which its cursors are bound to.
  let name: String
  /// What an element is sorted by; the second part tells equals apart.
  let key: (Element) -> (String, String)
  var isDescending = false
  let json: (Element) -> JSONValue

  /// The page that `values` ask for: `{"data": […], "nextCursor": …}`.
  ///
  /// - Throws: 400 for parameters and cursors that are not valid.
  func response(
    _ elements: [Element], _ values: [String: String], tenantID: String
  ) throws(Problem) -> HTTPResponse {
    let page = try PageParameters(values)
    let binding = Cursor.binding(
      tenantID: tenantID, resource: name,
      parts: values.filter { !PageParameters.names.contains($0.key) }
        .map { "\($0.key)=\($0.value)" }.sorted())
    var keyed = elements.map { (key: key($0), element: $0) }
    keyed.sort { isDescending ? $0.key > $1.key : $0.key < $1.key }
    var rest = keyed[...]
    if let cursor = page.cursor {
      let last = try Cursor.decode(cursor, binding: binding, count: 2).map { value in
        if case .text(let text) = value { text } else { "" }
      }
      let after = (last[0], last[1])
      rest = rest.drop { isDescending ? $0.key >= after : $0.key <= after }
    }
    rest = rest.dropFirst(page.offset)
    let shown = rest.prefix(page.limit)
    var body = JSONObject([("data", .array(shown.map { json($0.element) }))])
    body["nextCursor"] = .null
    if page.page == nil, rest.count > shown.count, let last = shown.last {
      body["nextCursor"] = .string(
        Cursor.encode([.text(last.key.0), .text(last.key.1)], binding: binding))
    }
    if page.wantsCount || page.page != nil { body["total"] = .integer(keyed.count) }
    if let number = page.page {
      body["page"] = .integer(number)
      body["pageSize"] = .integer(page.limit)
    }
    return .personal(JSONValue.object(body).bytes)
  }
}
