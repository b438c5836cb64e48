/// Every bound of the embedded Wrapper's feed and administration.
enum Limits {
  /// The most events that are kept.
  static let eventsMax: Int64 = 100_000
  /// How long events are kept.
  static let eventsKeptDays: Int64 = 7
  /// The most old events that one change takes away, so that none of them is slow.
  static let eventsForgottenAtOnceMax: Int64 = 1_000
  /// The most events of one answer.
  static let eventsPerAnswerMax = 500
  /// The most that the events of one answer hold, in bytes; one event goes out whatever its size.
  static let eventBytesPerAnswerMax = 4 * 1024 * 1024
  /// The longest that a request waits for an event.
  static let feedWaitSecondsMax = 60.0
  /// The most requests that wait for an event at the same time.
  static let feedWaitersMax = 1_000
  /// The most tenants whose channels one request names.
  static let feedTenantsMax = 100
  /// Batches of activities that are smaller appear on the feed, where that is wanted.
  static let announcedBatchEntriesMax = 99
  /// The most users of one page of the directory.
  static let usersPerPageMax = 1_000
  /// The users of one page when nothing is said.
  static let usersPerPage = 100
  /// The most roles of one tenant.
  static let rolesMax: Int64 = 1_000
  /// The most units of one tenant.
  static let unitsMax: Int64 = 10_000
  /// The most grants that a user or a role holds.
  static let grantsMax = 500
  /// The most sessions of one user; the oldest ends when another one begins.
  static let sessionsPerUserMax = 100
  /// Failed sign-ins of one account, or from one address, in a minute.
  static let signInFailuresPerMinuteMax = 10
  /// Sign-ins of one account, or from one address, that are under way beside the failures.
  static let signInsAtOnceMax = 20
  /// Accounts and addresses whose failures are remembered, unless all of them are recent.
  static let signInRecordsMax = 20_000
  /// The highest number behind the id of a tenant that is named like others.
  static let tenantNumberMax = 100
}
