import EmbeddedWrapper
import JSON
import TestSupport

extension TestServer {
  /// Creates a record of any resource and gives its data.
  func created(_ path: String, _ members: JSONValue, as user: String = "ada") async throws
    -> JSONValue
  {
    let answer = try await send("POST", path, as: user, members)
    guard answer.status == 201 else { throw Unexpected(answer: "\(answer.status) \(answer.text)") }
    return answer.data
  }

  /// Creates a deal and gives its data.
  func deal(_ members: JSONValue, as user: String = "ada") async throws -> JSONValue {
    try await created("/api/deals", members, as: user)
  }

  /// Changes a record and gives its data.
  func changed(_ path: String, _ members: JSONValue, as user: String = "ada") async throws
    -> JSONValue
  {
    let answer = try await send("PATCH", path, as: user, members)
    guard answer.status == 200 else { throw Unexpected(answer: "\(answer.status) \(answer.text)") }
    return answer.data
  }

  /// Gives new users of `acme` the permissions each, and waits until the server knows of them.
  func addUsers(_ users: [(id: String, permissions: [String])]) async throws {
    for (id, permissions) in users {
      try await directory.createRole(
        tenantID: "acme", id: "role-\(id)", name: id, permissions: permissions)
      try await directory.createUser(
        tenantID: "acme",
        .init(id: id, email: "\(id)@acme.example", name: id, roleIDs: ["role-\(id)"]))
    }
    // The directory is looked at several times a second.
    for (id, _) in users {
      var isKnown = false
      for _ in 0..<500 where !isKnown {
        isKnown =
          try await send("GET", "/api/me", as: id).data["permissions"]?.array?.isEmpty == false
      }
      guard isKnown else { throw Unexpected(answer: "\(id) is not known") }
    }
  }
}
