import JSON

/// What the API should hold, as plainly as it can be written: dictionaries and rules.
struct RecordModel {
  struct Stored {
    var members: [String: JSONValue]
    var owner: String
    var creator: String
    var version: Int64
    var isTrashed = false
  }

  /// The two resources by their path.
  enum Kind: String, CaseIterable {
    case leads = "/api/leads"
    case contacts = "/api/contacts"

    /// Members that a PUT empties, with what stands there then.
    var defaults: [String: JSONValue] {
      switch self {
      case .leads: ["source": .null, "priority": "medium", "contactId": .null, "email": .null]
      case .contacts: ["lastName": .null, "lifecycle": "lead", "email": .null]
      }
    }

    var title: String { self == .leads ? "title" : "firstName" }
  }

  private(set) var records: [Kind: [String: Stored]] = [.leads: [:], .contacts: [:]]

  /// How far a user's permission reaches.
  enum Scope {
    case none, own, team, all
  }

  static let users = ["ada", "mara", "sam", "sue", "vic", "pia"]
  private static let maras = ["mara", "sam", "vic", "ida"]

  static func scope(_ user: String, _ kind: Kind, _ action: String) -> Scope {
    switch user {
    case "ada", "pia": .all
    case "mara": .team
    case "vic": action == "read" ? .all : .none
    default:
      switch action {
      case "create", "update": .own
      case "read": kind == .contacts ? .all : .own
      default: .none
      }
    }
  }

  static func reaches(_ scope: Scope, _ user: String, _ stored: Stored) -> Bool {
    let isOwn = stored.owner == user || stored.creator == user
    return switch scope {
    case .none: false
    case .own: isOwn
    case .team: isOwn || maras.contains(stored.owner)
    case .all: true
    }
  }

  func visible(_ kind: Kind, to user: String) -> [String: Stored] {
    let scope = Self.scope(user, kind, "read")
    return (records[kind] ?? [:]).filter {
      !$0.value.isTrashed && Self.reaches(scope, user, $0.value)
    }
  }

  /// Whether a live contact other than `id` has the address.
  private func isTaken(_ email: JSONValue?, besides id: String) -> Bool {
    guard let email = email?.string?.lowercased() else { return false }
    return (records[.contacts] ?? [:]).contains {
      $0.key != id && !$0.value.isTrashed
        && $0.value.members["email"]?.string?.lowercased() == email
    }
  }

  private func isReadable(_ reference: JSONValue?, by user: String) -> Bool {
    guard let id = reference?.string else { return true }
    return visible(.contacts, to: user)[id] != nil
  }

  /// The status of a create; `id` is what the server gave.
  mutating func create(
    _ kind: Kind, _ members: [String: JSONValue], by user: String, id: () -> String
  ) -> Int {
    guard Self.scope(user, kind, "create") != .none else { return 403 }
    if kind == .leads, !isReadable(members["contactId"], by: user) { return 422 }
    if kind == .contacts, isTaken(members["email"], besides: "") { return 409 }
    var all = kind.defaults.merging(members) { $1 }
    let owner = all.removeValue(forKey: "ownerId")?.string ?? user
    records[kind]?[id()] = Stored(members: all, owner: owner, creator: user, version: 1)
    return 201
  }

  /// The status that comes before any rule about contents; nil when there is none.
  private func refusal(
    _ kind: Kind, _ action: String, _ stored: Stored?, _ user: String
  ) -> Int? {
    let scope = Self.scope(user, kind, action)
    guard scope != .none else { return 403 }
    guard let stored else { return 404 }
    guard !Self.reaches(scope, user, stored) else { return nil }
    return Self.reaches(Self.scope(user, kind, "read"), user, stored) ? 403 : 404
  }

  /// The status of a PUT or PATCH.
  mutating func update(
    _ kind: Kind, _ id: String, _ members: [String: JSONValue], replaces: Bool, version: Int64?,
    by user: String
  ) -> Int {
    let stored = records[kind]?[id].flatMap { $0.isTrashed ? nil : $0 }
    if let status = refusal(kind, "update", stored, user) { return status }
    guard var stored else { return 404 }
    if let version, version != stored.version { return 412 }
    var all =
      replaces ? kind.defaults.merging(members) { $1 } : stored.members.merging(members) { $1 }
    let owner = all.removeValue(forKey: "ownerId")?.string ?? stored.owner
    if kind == .leads, all["contactId"] != stored.members["contactId"],
      !isReadable(all["contactId"], by: user)
    {
      return 422
    }
    if kind == .contacts, isTaken(all["email"], besides: id) { return 409 }
    if all != stored.members || owner != stored.owner { stored.version += 1 }
    stored.members = all
    stored.owner = owner
    records[kind]?[id] = stored
    return 200
  }

  /// The status of a move into the trash or out of it.
  mutating func move(_ kind: Kind, _ id: String, toTrash: Bool, by user: String) -> Int {
    let stored = records[kind]?[id].flatMap { $0.isTrashed != toTrash ? $0 : nil }
    if let status = refusal(kind, "delete", stored, user) { return status }
    guard var stored else { return 404 }
    if !toTrash, kind == .contacts, isTaken(stored.members["email"], besides: id) { return 409 }
    stored.isTrashed = toTrash
    stored.version += 1
    records[kind]?[id] = stored
    return 200
  }

  /// The status of a purge.
  mutating func purge(_ kind: Kind, _ id: String, by user: String) -> Int {
    if let status = refusal(kind, "purge", records[kind]?[id], user) { return status }
    records[kind]?[id] = nil
    guard kind == .contacts else { return 200 }
    for (lead, stored) in records[.leads] ?? [:]
    where stored.members["contactId"] == .string(id) {
      records[.leads]?[lead]?.members["contactId"] = .null
      records[.leads]?[lead]?.version += 1
    }
    return 200
  }
}
