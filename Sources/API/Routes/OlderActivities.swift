internal import CRM
internal import JSON
internal import Values
internal import WrapperClient

/// What lists of a user's activities get from the Wrapper: entries older than all that are held
/// here, because the file is young or they were removed from it.
struct OlderActivities: Sendable {
  /// Entries that one call asks for at most.
  private static let limitMax = 1000

  let store: RecordStore
  let wrapper: Wrapper

  /// What was found.
  struct Found: Sendable {
    /// Newest first, without any that is held here.
    var entries: [JSONObject] = []
    /// Whether there may be more that nobody could tell of.
    var isIncomplete = false
  }

  /// The entries behind `rows` that are missing on the page, and one more where there is one.
  ///
  /// Only of one user, newest first, and whatever unit they were in: the Wrapper's entries are
  /// asked for by user and do not name their unit.
  func find(
    behind rows: ActivityRows, _ query: ActivityQuery, tenantID: String, reach: ActivityReach
  ) async throws -> Found {
    let filter = query.filter
    guard query.isDescending, query.page.page == nil, !rows.hasMore, !filter.namesUnit,
      let userID = Self.user(filter, reach)
    else { return Found() }
    let border = try store.oldestActivity(tenantID: tenantID)
    if let since = filter.since, let border, since >= border { return Found() }
    // Another entry of the oldest moment may have been removed.
    var until = border.map { $0.advanced(byMilliseconds: 1) }
    if let wanted = filter.until, until.map({ wanted < $0 }) ?? true { until = wanted }
    var passed = 0
    var behind: (String, String)?
    if case .behindOlder(let timestamp, let id, let before) = query.start {
      passed = before
      behind = (timestamp, id)
      if let time = Timestamp(rfc3339: timestamp), until.map({ time < $0 }) ?? true {
        until = time.advanced(byMilliseconds: 1)
      }
    }
    let missing = query.page.limit - rows.count + 1
    // Those that are held here come first where the Wrapper knows no `until`.
    let held = try store.activityCount(
      tenantID: tenantID, userID: userID, since: filter.since, max: Self.limitMax)
    let limit = filter.isNarrow ? Self.limitMax : min(missing + passed + held, Self.limitMax)
    let given = await wrapper.olderActivities(
      tenantID: tenantID, userID: userID, since: filter.since, until: until, limit: limit,
      includeDetails: !query.shown.isDisjoint(with: [
        "userContext", "permissions", "metadata", "compliance",
      ]))
    guard let given else { return Found(isIncomplete: true) }
    let last = until?.rfc3339
    let wanted = given.filter { entry in
      let key = Self.key(entry)
      return filter.means(entry) && last.map { key.0 < $0 } ?? true
        && behind.map { key < $0 } ?? true
    }
    let known = try store.heldActivities(wanted.map { Self.key($0).1 }, tenantID: tenantID)
    let entries = wanted.filter { !known.contains(Self.key($0).1) }
      .sorted { Self.key($0) > Self.key($1) }
    return Found(
      entries: Array(entries.prefix(missing)),
      isIncomplete: entries.count < missing && given.count >= Self.limitMax)
  }

  /// Whose entries are listed; nil for those of several.
  private static func user(_ filter: ActivityFilter, _ reach: ActivityReach) -> String? {
    if let userID = filter.userID { return reach.contains(userID) ? userID : nil }
    guard case .users(let ids) = reach, ids.count == 1 else { return nil }
    return ids.first
  }

  private static func key(_ entry: JSONObject) -> (String, String) {
    (entry["timestamp"]?.string ?? "", entry["id"]?.string ?? "")
  }
}
