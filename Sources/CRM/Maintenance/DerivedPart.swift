internal import Database
internal import JSON
internal import SQLite

/// What is kept beside records and entries although it follows from them, and can so be made anew.
public enum DerivedPart: String, Sendable, CaseIterable {
  /// The sums over the activity log.
  case rollups
  /// The counts of records.
  case counters
  /// The words of full text.
  case search
}

extension RecordStore {
  /// Makes a derived part anew, and logs that for each tenant.
  ///
  /// - Parameters:
  ///   - part: What to make anew. The words of full text are one index of all tenants.
  ///   - tenantID: Of whom; nil for all.
  ///   - caller: Who asked for it, in the log of a tenant.
  /// - Returns: The tenants.
  /// - Throws: what the database throws; the tenants before are done.
  @discardableResult
  public func rebuild(
    _ part: DerivedPart, tenantID: String? = nil,
    by caller: @Sendable (_ tenantID: String) -> Caller
  ) async throws -> [String] {
    let tenants = try logTenants(tenantID)
    if part == .search { try await updateSearchFormat(isForced: true) }
    for tenant in tenants {
      switch part {
      case .rollups: try await rebuildActivitySums(tenantID: tenant)
      case .counters: try await rebuildCounters(tenantID: tenant)
      case .search: break
      }
      let mutation = Mutation(
        caller: caller(tenant), operation: "crm.maintenance.rebuild", scope: .server,
        permissions: "{}")
      _ = try await execute(mutation) { _, _ in
        MutationOutcome(
          status: 200, entityType: "maintenance", entityID: part.rawValue, data: [],
          metadata: JSONObject([("command", .string("cardfile rebuild \(part.rawValue)"))]))
      }
    }
    return tenants
  }

  /// The tenants that are to be looked at: all with a log, or the one that was named.
  ///
  /// - Throws: what reading the database throws.
  public func logTenants(_ tenantID: String? = nil) throws -> [String] {
    if let tenantID { return [tenantID] }
    return try database.read(deadlineSeconds: Limits.verificationSeconds) { connection in
      try LogTenants.all(connection)
    }
  }

  /// Compares what full text knows of a tenant's records with the records.
  ///
  /// - Returns: What differs, in words, the first of it; none when all is well.
  /// - Throws: what reading the database throws.
  public func verifySearchDocuments(tenantID: String) throws -> [String] {
    try database.read(deadlineSeconds: Limits.verificationSeconds) { connection in
      var differences: [String] = []
      for resource in catalog.resources where resource.isSearchable {
        let type = resource.description.entityType
        var stored: [String: [SQLiteValue]] = [:]
        var last = ""
        while differences.count < Limits.differencesListedMax {
          stored = try SearchDocument.stored(type, tenantID, after: last, connection)
          let records = try connection.all(
            """
            SELECT \(resource.columns) FROM \(resource.description.table) AS t
            WHERE t.tenant_id = ? AND t.id > ? AND t.deleted_at IS NULL ORDER BY t.id LIMIT ?
            """, [.text(tenantID), .text(last), .integer(Limits.verifiedPerStep)]
          ) { Record(resource, row: $0) }
          let end = records.count < Limits.verifiedPerStep ? nil : records.last?.id
          for record in records {
            let document = stored.removeValue(forKey: record.id)
            if document != SearchDocument(record).columns {
              differences.append("\(type) \(record.id) is not found by its words")
            }
          }
          // What is left of this stretch belongs to no record that can be found.
          for id in stored.keys.sorted() where end.map({ id <= $0 }) ?? true {
            differences.append("\(type) \(id) is found and not there")
          }
          guard let end else { break }
          last = end
        }
      }
      return Array(differences.prefix(Limits.differencesListedMax))
    }
  }

  /// Lets full text compare its index with the words that it was made of, which holds up the
  /// writer.
  ///
  /// - Returns: Whether they agree.
  /// - Throws: what the database throws.
  public func verifySearchIndex() async throws -> Bool {
    do {
      _ = try await database.write { connection in
        try connection.run(
          "INSERT INTO search_index (search_index, rank) VALUES ('integrity-check', 1)")
      }
      return true
    } catch DatabaseError.corrupt {
      return false
    } catch let error as SQLiteError where error.isCorrupt {
      return false
    }
  }

  /// What SQLite itself finds wrong with the file: its structure, its indexes, its foreign keys.
  ///
  /// - Returns: What is wrong, in SQLite's words, the first of it; none when all is well.
  /// - Throws: what reading the database throws.
  public func verifyFile() throws -> [String] {
    try database.read(deadlineSeconds: Limits.verificationSeconds) { connection in
      let structure = try connection.all(
        "PRAGMA integrity_check(\(Limits.differencesListedMax))"
      ) { $0.text(0) ?? "" }
      let keys = try connection.all(
        """
        SELECT "table", rowid, parent FROM pragma_foreign_key_check
        LIMIT \(Limits.differencesListedMax)
        """
      ) { row in
        "row \(row.integer(1) ?? 0) of \(row.text(0) ?? "") refers to a missing row of "
          + (row.text(2) ?? "")
      }
      return structure.filter { $0 != "ok" } + keys
    }
  }
}
