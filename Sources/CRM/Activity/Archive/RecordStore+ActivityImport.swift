internal import Cryptography
internal import Database
public import JSON
internal import SQLite
internal import Values

/// What became of an entry that was brought.
public enum ActivityImportOutcome: Sendable, Equatable {
  /// It is in the log.
  case added
  /// The log holds it already.
  case duplicate
  /// It cannot be taken.
  case rejected(reason: String)
}

/// The log is not what an archive goes on from.
public struct ArchiveDoesNotContinue: Error {}

extension RecordStore {
  /// The operation under which imports are logged.
  public static let activityImportOperation = "crm.activities.import"

  /// Takes entries over from an archive as they are, with their hashes: they become the next of
  /// the chain.
  ///
  /// - Parameter place: The end of the chain that they follow.
  /// - Returns: the end of the chain as it is then.
  /// - Throws: ``ArchiveDoesNotContinue`` when the chain does not end at `place`,
  ///   ``ArchiveFault`` when they do not fit; nothing of them is kept then.
  public func restoreActivities(
    _ entries: [ArchivedActivity], tenantID: String, after place: ActivityPlace
  ) async throws -> ActivityPlace {
    var check = ArchiveCheck(after: place)
    for entry in entries {
      guard entry.tenantID == tenantID else {
        throw ArchiveFault("it belongs to the tenant \(entry.tenantID)")
      }
      try check.take(entry)
    }
    return try await database.write { [log] connection in
      guard try ActivityPlace(of: tenantID, in: connection) == place else {
        throw ArchiveDoesNotContinue()
      }
      return try log.restore(entries, after: place, in: connection)
    }
  }

  /// The hash of the entry at a place of the chain; nil when there is none.
  public func activityHash(tenantID: String, seq: Int64) throws -> [UInt8]? {
    try database.read { connection in
      try connection.first(
        "SELECT hash FROM crm_activities WHERE tenant_id = ? AND seq = ?",
        [.text(tenantID), .integer(seq)]
      ) { $0.blob(0) ?? [] }
    }
  }

  /// Appends entries of another log or another program as new ones, marked as imported.
  ///
  /// They keep their time and what they cost, which is not charged. An id is kept when it is well
  /// formed and free. An entry that the log holds already is left out.
  ///
  /// - Parameters:
  ///   - entries: The entries; the tenant that they name does not count.
  ///   - isTrial: Whether nothing is written.
  /// - Returns: what became of each, in order.
  /// - Throws: what the database throws; nothing is kept then.
  public func importActivities(
    _ entries: [ArchivedActivity], tenantID: String, isTrial: Bool = false
  ) async throws -> [ActivityImportOutcome] {
    let now = time.now()
    let brought = entries.map { entry in
      Result { () throws(ArchiveFault) in
        try entry.imported(tenantID: tenantID, at: now, salt: random.bytes(16))
      }
    }
    return try await database.write { [log] connection in
      var outcomes: [ActivityImportOutcome] = []
      var fresh: [ArchivedActivity] = []
      var taken: [String: ArchivedActivity] = [:]
      for result in brought {
        switch result {
        case .failure(let fault): outcomes.append(.rejected(reason: fault.reason))
        case .success(var entry):
          if let other = try taken[entry.id] ?? Self.entry(entry.id, in: connection) {
            guard !other.isSame(as: entry) else {
              outcomes.append(.duplicate)
              continue
            }
            entry.id = ""
          }
          if entry.id.isEmpty {
            entry.id = log.nextID(userID: entry.userID, at: entry.timestamp)
            entry.seal()
          }
          taken[entry.id] = entry
          fresh.append(entry)
          outcomes.append(.added)
        }
      }
      if !isTrial {
        _ = try log.restore(
          fresh, after: ActivityPlace(of: tenantID, in: connection), in: connection)
      }
      return outcomes
    }
  }

  /// Appends sealed entries of one tenant as the next of its chain, without shipping them.
  ///
  /// - Throws: what the database throws; nothing is kept then.
  public func appendActivities(_ entries: [ArchivedActivity]) async throws {
    guard let tenantID = entries.first?.tenantID else { return }
    try await database.write { [log] connection in
      _ = try log.restore(
        entries, after: ActivityPlace(of: tenantID, in: connection), in: connection)
    }
  }

  /// Logs that entries were brought into the log by the one who holds the file.
  ///
  /// - Parameter details: How many lines became what.
  public func noteActivityImport(tenantID: String, _ details: JSONObject) async throws {
    _ = try await note(
      commandMutation(Self.activityImportOperation, tenantID: tenantID), details)
  }

  /// What a command of this program does to the log, on behalf of who holds the file.
  public func commandMutation(_ operation: String, tenantID: String) -> Mutation {
    let permissions: JSONValue = [
      "grantedPermissions": [], "roles": [],
      "operationContext": [
        "requiredPermission": .string(operation), "hasPermission": true,
        "permissionSource": "command",
      ],
    ]
    return Mutation(
      caller: .system(tenantID: tenantID), operation: operation, scope: .server,
      permissions: permissions.text)
  }

  /// As much of the entry of an id as tells whether another is the same; ids are unique over all
  /// tenants.
  private static func entry(
    _ id: String, in connection: borrowing Connection
  ) throws(SQLiteError) -> ArchivedActivity? {
    guard !id.isEmpty else { return nil }
    return try connection.first(
      """
      SELECT tenant_id, user_id, operation, timestamp, entity_type, entity_id, credit_units
      FROM crm_activities WHERE id = ?
      """, [.text(id)]
    ) { row in
      var entry = ArchivedActivity(
        id: id, tenantID: row.text(0) ?? "", userID: row.text(1) ?? "",
        operation: row.text(2) ?? "",
        timestamp: row.text(3).flatMap { Timestamp(rfc3339: $0) } ?? Timestamp(milliseconds: 0))
      entry.entityType = row.text(4)
      entry.entityID = row.text(5)
      entry.creditUnits = row.integer(6) ?? 0
      return entry
    }
  }
}

extension ArchivedActivity {
  /// Bytes of the names and ids of an entry that is brought.
  private static let nameBytesMax = 255
  private static let idBytesMax = 512

  /// Whether both tell of one and the same deed.
  fileprivate func isSame(as other: ArchivedActivity) -> Bool {
    tenantID == other.tenantID && userID == other.userID && operation == other.operation
      && timestamp == other.timestamp && entityType == other.entityType
      && entityID == other.entityID && creditUnits == other.creditUnits
  }

  /// The same as an entry of this log: sealed anew, without an id where its own is not well formed.
  fileprivate func imported(
    tenantID: String, at now: Timestamp, salt: [UInt8]
  ) throws(ArchiveFault) -> ArchivedActivity {
    if coreHash != nil, personalHash != nil, let part = changedPart,
      part == "coreHash" || !isWithheld
    {
      throw ArchiveFault("it was changed since it was exported: its \(part) does not fit")
    }
    for (name, text) in [
      ("userId", userID), ("operation", operation), ("entityType", entityType ?? ""),
      ("entityId", entityID ?? ""), ("sessionId", sessionID ?? ""), ("unitId", unitID ?? ""),
    ] {
      guard text.utf8.count <= Self.nameBytesMax,
        text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f })
      else {
        throw ArchiveFault(
          "\(name) must have at most \(Self.nameBytesMax) bytes and no control characters")
      }
    }
    var entry = self
    entry.tenantID = tenantID
    entry.seq = nil
    entry.hash = nil
    entry.source = .imported
    entry.receivedAt = now
    entry.isWithheld = false
    entry.salt = salt
    if !hasUsableID { entry.id = "" }
    entry.fillContexts()
    entry.seal()
    return entry
  }

  /// `activity:<ms>:<userId>`, with or without a number behind.
  private var hasUsableID: Bool {
    let parts = id.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
    return parts.count == 3 && parts[0] == "activity" && !parts[1].isEmpty
      && parts[1].allSatisfy { ("0"..."9").contains($0) } && parts[2].hasPrefix(userID)
      && id.utf8.count <= Self.idBytesMax
      && id.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
  }

  /// The JSON as this server writes it, on one line; `{}` for none.
  private static func canonical(_ json: String?) -> String {
    // It was read as an object before.
    json.flatMap { try? JSONParser.parse($0) }?.text ?? "{}"
  }

  /// What an entry without contexts says of its user, and where it belongs by the contexts.
  private mutating func fillContexts() {
    // It was read as an object before.
    let context = userContext.flatMap { try? JSONParser.parse($0) }
    let hierarchy = context?["hierarchy"]
    let organization = hierarchy?["organizationId"]?.string
    let department = hierarchy?["departmentId"]?.string
    if unitID == nil, let unit = department ?? organization, unit.utf8.count <= 255 {
      unitID = unit
      unitPath = "/" + [organization, department].compactMap(\.self).joined(separator: "/") + "/"
    }
    if userContext == nil {
      let context: JSONValue = [
        "user": ["id": .string(userID), "name": "Unknown User", "email": "unknown@example.com"],
        "department": "Unknown", "hierarchy": [:], "entityPath": .string("Unknown → \(userID)"),
      ]
      userContext = context.text
    }
    userContext = Self.canonical(userContext)
    permissions = Self.canonical(permissions)
    metadata = Self.canonical(metadata)
    compliance = Self.canonical(compliance)
    sessionID = sessionID ?? "unknown"
  }
}
