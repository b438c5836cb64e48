internal import HTTP
internal import JSON
internal import Values

/// People and things may be named as a person knows them.
extension DirectoryCall {
  /// The id of a user, named by id or e-mail address.
  func id(ofUser text: String) async throws -> String {
    if text.contains("@") {
      let folded = Folding.lowercased(text)
      let users = try await list("users?q=\(PercentEncoding.encode(text))")
      let found = users.first { Folding.lowercased($0["email"]?.string ?? "") == folded }
      guard let id = found?["id"]?.string else {
        throw CommandFailure.failed("nobody has the address \(text)")
      }
      return id
    }
    let answer = try await access.send(
      .get, "/api/directory/users/\(PercentEncoding.encode(text))", tenantID: tenantID)
    guard answer.status == 200, let id = answer.body["data"]?["id"]?.string else {
      throw CommandFailure.failed("there is no user \(text): name an id or an e-mail address")
    }
    return id
  }

  func id(ofRole text: String) async throws -> String {
    try await id(of: text, in: "roles", what: "role")
  }

  func id(ofUnit text: String) async throws -> String {
    try await id(of: text, in: "units", what: "unit")
  }

  /// The names of a list's entries by id.
  func names(_ path: String) async throws -> [String: String] {
    var names: [String: String] = [:]
    for entry in try await list(path) {
      if let id = entry["id"]?.string { names[id] = entry["name"]?.string }
    }
    return names
  }

  /// An id, or a name that only one has.
  private func id(of text: String, in path: String, what: String) async throws -> String {
    let entries = try await list(path)
    if entries.contains(where: { $0["id"]?.string == text }) { return text }
    let folded = Folding.lowercased(text)
    let named = entries.filter { Folding.lowercased($0["name"]?.string ?? "") == folded }
    guard let id = named.first?["id"]?.string else {
      let names = entries.compactMap { $0["name"]?.string }.prefix(20).joined(separator: ", ")
      throw CommandFailure.failed(
        "there is no \(what) \(text)" + (names.isEmpty ? "" : "; there are \(names)"))
    }
    guard named.count == 1 else {
      let ids = named.compactMap { $0["id"]?.string }.joined(separator: ", ")
      throw CommandFailure.failed("several \(what)s are named \(text): say which of \(ids)")
    }
    return id
  }
}
