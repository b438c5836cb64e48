import JSON

/// What the API should hold of all kinds of records, as plainly as it can be written.
struct LifeModel {
  enum Kind: String, CaseIterable {
    case contact, company, lead, deal, task, note, interaction

    var path: String { self == .company ? "/api/companies" : "/api/\(rawValue)s" }

    /// Whether it goes with what it hangs from: a task only tells what it is about.
    var hangs: Bool { self == .note || self == .interaction }

    /// The member whose words a search finds.
    var title: String {
      switch self {
      case .contact: "lastName"
      case .company: "name"
      case .lead, .deal, .task: "title"
      case .note: "body"
      case .interaction: "subject"
      }
    }

    /// The members that refer to a record of one kind.
    var references: [String: Kind] {
      switch self {
      case .contact: ["companyId": .company]
      case .lead: ["contactId": .contact]
      case .deal: ["contactId": .contact, "companyId": .company]
      case .interaction: ["dealId": .deal]
      default: [:]
      }
    }

    /// What stands in members that a client does not set.
    var defaults: [String: JSONValue] {
      let common: [String: JSONValue] = ["tags": []]
      let own: [String: JSONValue] =
        switch self {
        case .contact: ["lifecycle": "lead", "email": .null, "companyId": .null]
        case .company: [:]
        case .lead: ["status": "new", "contactId": .null]
        case .deal:
          [
            "stage": "new", "value": .null, "currency": .null, "contactId": .null,
            "companyId": .null, "assignedTo": .null,
          ]
        case .task:
          [
            "status": "open", "dueAt": .null, "assignedTo": .null, "entityType": .null,
            "entityId": .null,
          ]
        case .note: ["visibility": "public"]
        case .interaction: ["dealId": .null]
        }
      return common.merging(own) { $1 }
    }
  }

  /// The kinds that others hang from or are about.
  static let parents: [Kind] = [.contact, .company, .lead, .deal]

  /// A line of a record's history.
  struct Entry: Equatable {
    let action: String
    let by: String
    let version: Int64
    /// Nil where others may not know.
    let changes: [String: JSONValue]?
  }

  struct Stored {
    let kind: Kind
    var members: [String: JSONValue]
    let creator: String
    var version: Int64 = 1
    var isTrashed = false
    /// What it went into the trash with.
    var trashedWith: String?
    var history: [Entry] = []
    /// How often a deal has gone from one stage to another.
    var moves = 0

    subscript(_ name: String) -> String? { members[name]?.string }
    var isPrivate: Bool { members["visibility"] == "private" }
    var tags: [String] { (members["tags"]?.array ?? []).compactMap(\.string) }
    var words: [String] { (self[kind.title] ?? "").split(separator: " ").map(String.init) }
    var status: String? {
      guard kind == .deal, let stage = self["stage"] else { return self["status"] }
      return ["won", "lost"].contains(stage) ? stage : "open"
    }
    var isOpenTask: Bool { kind == .task && ["open", "in_progress"].contains(self["status"]) }
    var isOverdue: Bool { isOpenTask && self["dueAt"]?.hasPrefix("2020") == true }

    func refers(to id: String) -> Bool { self["entityId"] == id }
  }

  /// Reaches all of the tenant, what a team owns, and what is one's own.
  static let users = ["ada", "mara", "olga"]
  static let owners = users + ["sam", "pia"]
  private static let maras = ["mara", "sam", "vic", "ida"]

  private(set) var records: [String: Stored] = [:]

  func reaches(_ user: String, _ stored: Stored) -> Bool {
    if stored.isPrivate, stored.creator != user { return false }
    let isTheirs =
      stored["ownerId"] == user || stored.creator == user || stored["assignedTo"] == user
    return switch user {
    case "ada": true
    case "mara": isTheirs || stored["ownerId"].map(Self.maras.contains) ?? false
    default: isTheirs
    }
  }

  func isVisible(_ id: String?, to user: String) -> Bool {
    guard let stored = id.flatMap({ records[$0] }) else { return false }
    return !stored.isTrashed && reaches(user, stored)
  }

  func visible(_ kind: Kind, to user: String) -> [String: Stored] {
    records.filter { $0.value.kind == kind && !$0.value.isTrashed && reaches(user, $0.value) }
  }

  private func isTaken(_ stored: Stored, besides id: String) -> Bool {
    guard let email = stored["email"]?.lowercased() else { return false }
    return records.contains {
      $0.key != id && $0.value.kind == .contact && !$0.value.isTrashed
        && $0.value["email"]?.lowercased() == email
    }
  }

  /// Whether all that `after` refers to, and `before` did not, can be read.
  private func isReadable(_ after: Stored, _ before: Stored?, by user: String) -> Bool {
    (after.kind.references.keys + ["entityId"]).allSatisfy { name in
      guard let id = after[name], id != before?[name] else { return true }
      return isVisible(id, to: user)
    }
  }

  // MARK: Changes, each with the status that it is answered with

  /// `id` is what the server gave; `isBelow` says that the path names what it hangs from.
  mutating func create(
    _ kind: Kind, _ members: [String: JSONValue], isBelow: Bool, by user: String, id: () -> String
  ) -> Int {
    var all = kind.defaults.merging(members) { $1 }
    all["ownerId"] = all["ownerId"] ?? .string(user)
    var stored = Stored(kind: kind, members: all, creator: user)
    if isBelow, !isVisible(stored["entityId"], to: user) { return 404 }
    guard isReadable(stored, nil, by: user) else { return 422 }
    if isTaken(stored, besides: "") { return 409 }
    let changes = members.filter { $0.value != .null && $0.value != [] }
      .mapValues { value -> JSONValue in ["to": value] }
    stored.history = [
      Entry(action: "create", by: user, version: 1, changes: stored.isPrivate ? nil : changes)
    ]
    records[id()] = stored
    return 201
  }

  mutating func update(_ id: String, _ members: [String: JSONValue], by user: String) -> Int {
    guard isVisible(id, to: user), let before = records[id] else { return 404 }
    var after = before
    after.members.merge(members) { $1 }
    guard isReadable(after, before, by: user) else { return 422 }
    if isTaken(after, besides: id) { return 409 }
    if after["stage"] != before["stage"] { after.moves += 1 }
    note(&after, before, by: user)
    records[id] = after
    return 200
  }

  /// Counts the change and keeps what it was, if it was one.
  private func note(_ after: inout Stored, _ before: Stored, by user: String) {
    var changes: [String: JSONValue] = [:]
    for (name, to) in after.members where before.members[name] != to {
      changes[name] = ["from": before.members[name] ?? .null, "to": to]
    }
    guard !changes.isEmpty else { return }
    after.version += 1
    let isHidden = before.isPrivate || after.isPrivate
    after.history.append(
      Entry(
        action: "update", by: user, version: after.version, changes: isHidden ? nil : changes))
  }

  mutating func tag(_ id: String, _ tags: [String], adds: Bool, by user: String) -> Int {
    let old = records[id]?.tags ?? []
    let folded = Set(tags.map(Self.folded))
    let new =
      adds
      ? old + tags.filter { !old.map(Self.folded).contains(Self.folded($0)) }
      : old.filter { !folded.contains(Self.folded($0)) }
    return update(id, ["tags": .array(new.map { .string($0) })], by: user)
  }

  mutating func move(_ id: String, toTrash: Bool, by user: String) -> Int {
    guard var stored = records[id], stored.isTrashed != toTrash, reaches(user, stored) else {
      return 404
    }
    if !toTrash {
      if isTaken(stored, besides: id) { return 409 }
      if stored.kind.hangs, let parent = stored["entityId"], records[parent]?.isTrashed != false {
        return 409
      }
    }
    place(&stored, inTrash: toTrash, with: nil)
    stored.history.append(
      Entry(
        action: toTrash ? "delete" : "restore", by: user, version: stored.version, changes: [:]))
    records[id] = stored
    for (other, var hanging) in records where hanging.kind.hangs && hanging.refers(to: id) {
      guard toTrash ? !hanging.isTrashed : hanging.trashedWith == id else { continue }
      place(&hanging, inTrash: toTrash, with: id)
      records[other] = hanging
    }
    return 200
  }

  private func place(_ stored: inout Stored, inTrash: Bool, with parent: String?) {
    stored.isTrashed = inTrash
    stored.trashedWith = inTrash ? parent : nil
    stored.version += 1
  }

  mutating func purge(_ id: String, by user: String) -> Int {
    guard let stored = records[id], reaches(user, stored) else { return 404 }
    records[id] = nil
    for (other, before) in records {
      if before.kind.hangs, before.refers(to: id) {
        records[other] = nil
        continue
      }
      var after = before
      if before.refers(to: id) {
        after.members["entityId"] = .null
        after.members["entityType"] = .null
      }
      for name in before.kind.references.keys where before[name] == id {
        after.members[name] = .null
      }
      note(&after, before, by: user)
      records[other] = after
    }
    return 200
  }

  /// Without case and the accents that these tests know.
  static func folded(_ text: String) -> String {
    text.lowercased().replacing("é", with: "e").replacing("ä", with: "a")
      .replacing("ö", with: "o")
  }
}
