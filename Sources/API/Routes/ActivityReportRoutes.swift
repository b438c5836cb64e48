internal import CRM
internal import HTTP
internal import JSON
internal import WrapperClient

/// What people did, in numbers: of one user, and of any part of the organisation.
struct ActivityReportRoutes: Sendable {
  let store: RecordStore

  var endpoints: [Endpoint] {
    [
      user("", .userActivity) { try activity($0, of: $1) },
      user("/report", .userActivityReport) { try report($0, of: $1) },
      user("/dashboard", .userActivityDashboard) { try dashboard($0, of: $1) },
      Endpoint(
        .get, "/api/reports/organizational-activity", access: .permission("crm.reports.read"),
        .organizationalActivity, handler: .inline { try organization($0) }),
    ]
  }

  /// A question about one user, for those who may see what that user did.
  private func user(
    _ path: String, _ documentation: EndpointDocumentation,
    _ handle: @escaping @Sendable (RequestContext, String) throws -> HTTPResponse
  ) -> Endpoint {
    Endpoint(
      .get, "/api/users/{userId}/activity\(path)", access: .signedIn, documentation,
      handler: .inline { context in
        let userID = context.parameters["userId"]
        try requireReach(context, to: userID)
        return try handle(context, userID)
      })
  }

  /// - Throws: 403 when the caller may not see what the user did, 404 when nobody knows the user.
  private func requireReach(_ context: RequestContext, to userID: String) throws {
    guard userID != context.session.userID else { return }
    switch context.activityReach {
    case .users(let ids):
      guard ids.contains(userID) else { throw Problem.insufficientPermissions(Self.permission) }
    case .tenant:
      // Whoever was removed is still known by what they did.
      guard
        try context.directory.user(userID) != nil
          || store.hasActivity(tenantID: context.tenantID, userID: userID)
      else { throw Problem.noSuchUser }
    }
  }

  private static let permission = "crm.activities.read"

  private func activity(_ context: RequestContext, of userID: String) throws -> HTTPResponse {
    let values = try context.queryValues(
      ["limit", "since", "until", "tz", "includeDetails"])
    let page = try PageParameters(values)
    let person = context.directory.context(for: userID)
    return .personal(
      try store.userActivity(
        query(values, context, periodDefault: Self.activityPeriod), tenantID: context.tenantID,
        userID: userID, count: page.limit,
        hasDetails: RequestContext.flag(values, "includeDetails") ?? true,
        seenBy: context.session.userID, userContext: person.userContextJSON,
        entityPath: person.entityPath))
  }

  /// How far back the list of a user's entries goes when nothing is said.
  static let activityPeriod = "7d"

  private func report(_ context: RequestContext, of userID: String) throws -> HTTPResponse {
    let values = try context.queryValues(ActivityReportQuery.names)
    return .personal(
      try store.activityReport(
        query(values, context), tenantID: context.tenantID, userID: userID
      ).bytes)
  }

  private func dashboard(_ context: RequestContext, of userID: String) throws -> HTTPResponse {
    let values = try context.queryValues(ActivityReportQuery.names)
    return .personal(
      try store.activityDashboard(
        query(values, context), tenantID: context.tenantID, userID: userID,
        seenBy: context.session.userID,
        userContext: context.directory.context(for: userID).userContextJSON))
  }

  private func organization(_ context: RequestContext) throws -> HTTPResponse {
    let values = try context.queryValues(
      ActivityReportQuery.names + ["departmentId", "includeUserDetails"])
    let query = try query(values, context)
    let hasDetails = try RequestContext.flag(values, "includeUserDetails") ?? false
    let directory = context.directory
    let departmentID = values["departmentId"]
    let (units, hierarchy) = try part(departmentID, of: directory)
    let subject: ActivitySubject =
      switch context.decision.scope {
      case .tenant: units.map { .units($0) } ?? .tenant
      case .team: .users(directory.teamMembers(of: context.session.userID), units: units)
      case .own: .users([context.session.userID], units: units)
      }
    return .personal(
      try store.organizationalReport(
        query, tenantID: context.tenantID, subject: subject, departmentID: departmentID,
        hierarchy: hierarchy, name: { directory.user($0)?.name },
        details: { hasDetails ? Self.details($0, directory) : [] }
      ).bytes)
  }

  /// The ids of the unit and of all below it today, nil for all; and its place.
  ///
  /// The tenant's own id stands for its whole organisation.
  ///
  /// - Throws: 404 for a unit that nobody knows.
  private func part(
    _ departmentID: String?, of directory: TenantDirectory
  ) throws(Problem) -> (units: [String]?, hierarchy: JSONValue) {
    if let departmentID, let hierarchy = directory.hierarchy(of: departmentID) {
      return (directory.subtree(of: departmentID).sorted(), hierarchy)
    }
    guard departmentID == nil || departmentID == directory.tenantID else {
      throw .noSuchUnit
    }
    return (nil, directory.organization ?? .null)
  }

  /// What a report may tell of a user beside the name.
  private static func details(
    _ userID: String, _ directory: TenantDirectory
  ) -> [(String, JSONValue)] {
    let user = directory.user(userID)
    let context = directory.context(for: userID)
    return [
      ("email", JSONValue(user?.email)), ("title", JSONValue(user?.title)),
      ("department", .string(context.department)), ("departmentId", JSONValue(context.unitID)),
      ("entityPath", .string(context.entityPath)),
    ]
  }

  private func query(
    _ values: [String: String], _ context: RequestContext,
    periodDefault: String = StatisticsQuery.periodDefault
  ) throws(Problem) -> ActivityReportQuery {
    try ActivityReportQuery(
      values, timeZone: context.directory.timeZone, now: context.request.head.receivedAt,
      periodDefault: periodDefault)
  }
}
