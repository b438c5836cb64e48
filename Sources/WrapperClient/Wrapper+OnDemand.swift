internal import HTTP
public import JSON

extension Wrapper {
  /// Who a user is: as the collections say, or fetched when they do not hold the user.
  ///
  /// - Returns: nil for a user whom the Wrapper does not know either.
  /// - Throws: ``WrapperError`` as ``tenant(_:)``, and ``WrapperError/unavailable`` when the user
  ///   is not known here and the Wrapper does not answer.
  public func profile(
    tenantID: String, userID: String
  ) async throws(WrapperError) -> DirectoryUser? {
    if let user = try await tenant(tenantID).user(userID) { return user }
    let key = OnDemandCache.Key(kind: .employee, tenantID: tenantID, id: userID)
    guard let answer = try await find(key, .profiles) else { return nil }
    do {
      let profile = try SnapshotReader(tenantID: tenantID).profile(answer, over: nil)
      return DirectoryUser(id: userID, profile: profile, grants: nil, roles: [:])
    } catch {
      throw .unavailable
    }
  }

  /// All that the Wrapper says of a user, permissions and roles included.
  ///
  /// It is fetched for each question.
  ///
  /// - Returns: nil for a user whom it does not know.
  /// - Throws: ``WrapperError/unavailable`` when it does not answer.
  public func comprehensiveProfile(
    tenantID: String, userID: String
  ) async throws(WrapperError) -> JSONObject? {
    _ = try await tenant(tenantID)
    let key = OnDemandCache.Key(kind: .comprehensive, tenantID: tenantID, id: userID)
    return try await find(key, .profiles)
  }

  /// A unit with everything below it: as the organisation says, or fetched when it does not hold
  /// the unit.
  ///
  /// - Returns: nil for a unit that the Wrapper does not know either.
  /// - Throws: ``WrapperError`` as ``profile(tenantID:userID:)``.
  public func hierarchy(
    tenantID: String, unitID: String
  ) async throws(WrapperError) -> JSONValue? {
    if let unit = try await tenant(tenantID).hierarchy(of: unitID) { return unit }
    let key = OnDemandCache.Key(kind: .hierarchy, tenantID: tenantID, id: unitID)
    return try await find(key, .hierarchy).map { .object($0) }
  }

  private func find(
    _ key: OnDemandCache.Key, _ tier: OperationalTier
  ) async throws(WrapperError) -> JSONObject? {
    let environment = environment
    let (finding, isHit) = await environment.onDemand.find(
      key, lifeSeconds: tier.lifeSeconds(environment.configuration),
      waitSeconds: environment.configuration.requestSeconds
    ) {
      await OnDemandFetch(environment: environment).fetch(key)
    }
    use(of: key.tenantID)?.count(tier, isHit: isHit)
    switch finding {
    case .found(let answer, _): return answer
    case .missing: return nil
    case .failed: throw .unavailable
    }
  }
}

/// Asks for one person or one unit.
struct OnDemandFetch: Sendable {
  let environment: SyncEnvironment

  func fetch(_ key: OnDemandCache.Key) async -> OnDemandCache.Finding {
    let id = PercentEncoding.encode(key.id)
    let path =
      switch key.kind {
      case .employee: "/api/employees/\(id)"
      case .comprehensive: "/api/users/\(id)/comprehensive"
      case .hierarchy: "/api/organizations/\(id)/hierarchy"
      }
    let call = WrapperCall(path: path, tenantID: key.tenantID)
    guard case .success(let answer) = await environment.transport.send(call) else {
      return .failed
    }
    guard answer.status == 200 else { return answer.status == 404 ? .missing : .failed }
    do throws(AnswerRejection) {
      let object = try SnapshotReader(tenantID: key.tenantID).single(key, answer.body)
      return .found(object, maxAgeSeconds: answer.maxAgeSeconds)
    } catch {
      environment.log(
        .warning, "tenant \(key.tenantID): an answer about one of its own: \(error.reason)")
      return .failed
    }
  }
}

extension SnapshotReader {
  /// An answer about one person or one unit.
  ///
  /// - Throws: ``AnswerRejection`` when it is malformed, names another tenant, or answers another
  ///   question.
  func single(
    _ key: OnDemandCache.Key, _ body: [UInt8]
  ) throws(AnswerRejection) -> JSONObject {
    let value: JSONValue
    do {
      value = try JSONParser.parse(body)
    } catch {
      throw AnswerRejection("no JSON: \(error.reason) at byte \(error.offset)")
    }
    let content = value["data"] ?? value
    guard case .object(let object) = content else {
      throw AnswerRejection("the answer is no object")
    }
    switch object["tenantId"] {
    case nil, .null, .string(key.tenantID)?: break
    default: throw AnswerRejection("the answer names another tenant")
    }
    let name = key.kind == .hierarchy ? "entityId" : "userId"
    guard object[name]?.string == key.id else {
      throw AnswerRejection("the answer is about something else")
    }
    if key.kind != .hierarchy { _ = try profile(object, over: nil) }
    return object
  }
}
