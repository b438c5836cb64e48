import JSON

// What lists, searches, statistics, boards and timelines should say of the model.
extension LifeModel {
  /// The live records that `user` reaches and whose words begin with those of `question`.
  func found(_ question: String, by user: String) -> [String] {
    records.filter { id, stored in
      isVisible(id, to: user)
        && question.split(separator: " ").allSatisfy { asked in
          stored.words.contains { Self.folded($0).hasPrefix(asked) }
        }
    }.keys.sorted()
  }

  /// How many records have each tag, whatever its spelling.
  func tags(of kind: Kind, for user: String) -> [String: Int] {
    visible(kind, to: user).values.reduce(into: [:]) { counts, stored in
      for tag in stored.tags { counts[Self.folded(tag), default: 0] += 1 }
    }
  }

  /// The queries of a list whose answers are known, with how many records each finds.
  func filters(_ kind: Kind, for user: String) -> [(query: String, count: Int)] {
    let live = visible(kind, to: user).values
    func count(_ isMeant: (Stored) -> Bool) -> Int { live.count(where: isMeant) }
    var filters: [(query: String, count: Int)] = [
      ("tags=vip", count { $0.tags.contains { Self.folded($0) == "vip" } }),
      ("tags[none]=vip", count { !$0.tags.contains { Self.folded($0) == "vip" } }),
      ("ownerId[in]=sam,olga", count { ["sam", "olga"].contains($0["ownerId"]) }),
      ("createdBy[ne]=ada", count { $0.creator != "ada" }),
      ("version[gt]=2", count { $0.version > 2 }),
      ("q=sol", count { $0.words.contains { $0.hasPrefix("sol") } }),
    ]
    switch kind {
    case .contact:
      filters.append(("lifecycle=customer", count { $0["lifecycle"] == "customer" }))
      filters.append(("email[isNull]=false", count { $0["email"] != nil }))
    case .company: break
    case .lead: filters.append(("status[in]=new,qualified", count { $0.isEarlyLead }))
    case .deal:
      filters.append(("stage=won", count { $0["stage"] == "won" }))
      filters.append(("value[gte]=300", count { ($0.members["value"]?.integer ?? 0) >= 300 }))
    case .task:
      filters.append(("overdue=true", count(\.isOverdue)))
      filters.append(("mine=true", count { ($0["assignedTo"] ?? $0["ownerId"]) == user }))
    case .note: filters.append(("visibility=private", count(\.isPrivate)))
    case .interaction: filters.append(("type=call", count { $0["type"] == "call" }))
    }
    return filters
  }

  /// `GET /api/stats`.
  func statistics(for user: String) -> JSONValue {
    func live(_ kind: Kind) -> [Stored] { Array(visible(kind, to: user).values) }
    func counted(_ kind: Kind, _ name: String, _ member: String) -> JSONValue {
      let groups = Dictionary(grouping: live(kind)) { $0[member] ?? "" }
      let counts = groups.sorted { $0.key < $1.key }.map { group in
        (group.key, JSONValue.integer(group.value.count))
      }
      return ["total": .integer(live(kind).count), name: .object(JSONObject(counts))]
    }
    let deals = Dictionary(grouping: live(.deal)) { $0.status ?? "" }
    return [
      "contacts": counted(.contact, "byLifecycle", "lifecycle"),
      "companies": .integer(live(.company).count),
      "leads": counted(.lead, "byStatus", "status"),
      "deals": [
        "open": .integer(deals["open"]?.count ?? 0), "won": .integer(deals["won"]?.count ?? 0),
        "lost": .integer(deals["lost"]?.count ?? 0), "openValue": Self.money(deals["open"] ?? []),
        "wonValue": Self.money(deals["won"] ?? []),
      ],
      "tasks": [
        "open": .integer(live(.task).count(where: \.isOpenTask)),
        "overdue": .integer(live(.task).count(where: \.isOverdue)),
      ],
      "interactions": counted(.interaction, "byType", "type"),
    ]
  }

  /// Sums of whole numbers by currency.
  static func money(_ deals: [Stored], percent: Int64 = 100) -> JSONValue {
    var sums: [String: Int64] = [:]
    for deal in deals {
      guard let value = deal.members["value"]?.integer, let currency = deal["currency"] else {
        continue
      }
      sums[currency, default: 0] += value * percent
    }
    return .object(
      JSONObject(
        sums.sorted { $0.key < $1.key }.map { ($0.key, .decimal(units: $0.value, scale: 2)) }))
  }

  /// The stages that deals come to here, with their probabilities.
  static let stages: [(name: String, percent: Int64)] = [
    ("new", 10), ("qualified", 25), ("proposal", 50), ("negotiation", 75), ("won", 100),
    ("lost", 0),
  ]

  /// What a timeline of a contact shows, each as its kind and id; of changes and stage changes how
  /// many there are.
  func timeline(of id: String, for user: String) -> [String: Int] {
    var shown: [String: Int] = [:]
    for (other, stored) in records where isVisible(other, to: user) {
      if stored["entityId"] == id || (stored.kind == .deal && stored["contactId"] == id) {
        shown["\(stored.kind.rawValue) \(other)"] = 1
        if stored.moves > 0 { shown["stage_change", default: 0] += stored.moves }
      }
    }
    shown["change"] = records[id]?.history.count
    return shown
  }

  /// `GET /api/stats/contacts/{id}/activity`, less what tells of times.
  func activity(of id: String, for user: String) -> JSONValue {
    func count(_ kind: Kind, _ isMeant: (Stored) -> Bool = { _ in true }) -> JSONValue {
      .integer(
        visible(kind, to: user).values.count {
          $0[kind == .deal ? "contactId" : "entityId"] == id && isMeant($0)
        })
    }
    return [
      "interactions": count(.interaction), "notes": count(.note),
      "openTasks": count(.task, \.isOpenTask),
      "deals": [
        "open": count(.deal) { $0.status == "open" }, "won": count(.deal) { $0.status == "won" },
        "lost": count(.deal) { $0.status == "lost" },
      ],
    ]
  }
}

extension LifeModel.Stored {
  fileprivate var isEarlyLead: Bool { ["new", "qualified"].contains(self["status"]) }
}
