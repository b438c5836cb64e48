internal import Database

extension RecordStore {
  /// Compares the sums over a tenant's log with the log.
  ///
  /// - Returns: What differs, in words, the first of it; none when all is well.
  /// - Throws: what reading the database throws.
  public func verifySums(tenantID: String) throws -> [String] {
    try verifyActivitySums(tenantID: tenantID, differencesMax: Limits.differencesListedMax)
      .map(\.description)
  }

  /// Adds up a tenant's log anew.
  ///
  /// - Throws: what the database throws.
  public func rebuildSums(tenantID: String) async throws {
    try await rebuildActivitySums(tenantID: tenantID)
  }
}
