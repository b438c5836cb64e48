/// A request whose time is taken.
struct MeasuredRequest: Equatable {
  /// What the time is held against.
  enum Kind {
    case list, search, deals, statistics
  }

  let kind: Kind
  let name: String
  let path: String

  private init(_ kind: Kind, _ name: String, _ path: String) {
    self.kind = kind
    self.name = name
    // Only what a URL does not carry as it is; nothing here has a percent sign of its own.
    self.path = path.replacing("[", with: "%5B").replacing("]", with: "%5D")
      .replacing(" ", with: "%20")
  }

  /// Milliseconds within which a request of this kind is answered; nil where that depends on how
  /// much is asked for.
  var millisecondsMax: Double? { kind == .search || kind == .statistics ? 20 : nil }

  static let all = [
    MeasuredRequest(.list, "contacts, newest first", "/api/contacts"),
    MeasuredRequest(
      .list, "contacts of an owner", "/api/contacts?ownerId=\(TenantCompanies.userID(1, 4))"),
    MeasuredRequest(.list, "contacts with a tag", "/api/contacts?tags=vip"),
    MeasuredRequest(
      .list, "contacts by lifecycle of 90 days",
      "/api/contacts?lifecycle=customer&createdAt[gte]=-90d"),
    MeasuredRequest(
      .list, "contacts by part of a name", "/api/contacts?lastName[contains]=rosenw"),
    MeasuredRequest(.list, "contacts by name", "/api/contacts?sort=lastName,firstName"),
    MeasuredRequest(
      .list, "contacts by lifecycle, counted", "/api/contacts?lifecycle=customer&count=true"),
    MeasuredRequest(.list, "contacts, all counted", "/api/contacts?count=true"),
    MeasuredRequest(
      .list, "open deals from 5,000, largest first",
      "/api/deals?status=open&value[gte]=5000&sort=-value"),
    MeasuredRequest(.list, "overdue tasks", "/api/tasks?overdue=true&sort=dueAt"),
    MeasuredRequest(.search, "search: a word of every contact", "/api/search?q=gmbh"),
    MeasuredRequest(.search, "search: one letter", "/api/search?q=a"),
    MeasuredRequest(.search, "search: three words", "/api/search?q=anna rosenberger software"),
    MeasuredRequest(.search, "search: two frequent beginnings", "/api/search?q=gm be"),
    MeasuredRequest(.search, "search: a rare address", "/api/search?q=clara.bergmann"),
    MeasuredRequest(.search, "search: digits of a phone", "/api/search?q=030 1234"),
    MeasuredRequest(.search, "search: no such word", "/api/search?q=xyzzy"),
    MeasuredRequest(.search, "contacts with a frequent word", "/api/contacts?q=gmbh"),
    MeasuredRequest(.search, "contacts with two words", "/api/contacts?q=anna software"),
    MeasuredRequest(.deals, "board", "/api/deals/board"),
    MeasuredRequest(.deals, "forecast", "/api/deals/forecast"),
    MeasuredRequest(.statistics, "stats", "/api/stats"),
    MeasuredRequest(.statistics, "dashboard, 30 days", "/api/stats/dashboard?period=30d"),
    MeasuredRequest(.statistics, "dashboard, a year", "/api/stats/dashboard?period=1y"),
    MeasuredRequest(.statistics, "performance, 30 days", "/api/stats/performance?period=30d"),
    MeasuredRequest(.statistics, "performance, a year", "/api/stats/performance?period=1y"),
  ]
}
