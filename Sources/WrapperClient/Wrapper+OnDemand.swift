internal import HTTP
public import JSON

extension Wrapper {
  /// Who a user is: as the collections say, or fetched when they do not hold the user or an event
  /// said that they are out of date.
  ///
  /// What is held has to do when the Wrapper does not answer in the time of a request.
  ///
  /// - Returns: nil for a user whom the Wrapper does not know either.
  /// - Throws: ``WrapperError`` as ``tenant(_:)``, and ``WrapperError/unavailable`` when the user
  ///   is not known here and the Wrapper does not answer.
  public func profile(
    tenantID: String, userID: String
  ) async throws(WrapperError) -> DirectoryUser? {
    let directory = try await tenant(tenantID)
    let held = directory.user(userID)
    if let held, !isOutdated(.employees, tenantID) { return held }
    let key = OnDemandCache.Key(kind: .employee, tenantID: tenantID, id: userID)
    do throws(WrapperError) {
      guard let answer = try await find(key, .profiles) else { return held }
      return try directory.person(userID, answer)
    } catch {
      guard let held else { throw error }
      return held
    }
  }

  /// Who a user is and what they hold: as ``profile(tenantID:userID:)``, and for a user whom the
  /// collections lack with the roles and grants that the Wrapper tells of the user alone.
  ///
  /// It is for showing; no decision rests on it.
  public func person(
    tenantID: String, userID: String
  ) async throws(WrapperError) -> DirectoryUser? {
    let directory = try await tenant(tenantID)
    guard let user = try await profile(tenantID: tenantID, userID: userID) else { return nil }
    guard directory.user(userID) == nil,
      let whole = try await comprehensiveProfile(tenantID: tenantID, userID: userID),
      // Without permissions and roles it tells no more than the profile does.
      let answer = try? UserAnswer(
        JSONValue.object(whole).bytes, userID: userID, tenantID: tenantID)
    else { return user }
    return answer.user(tenantID: tenantID)
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
  /// the unit or an event said that it is out of date.
  ///
  /// What is held has to do when the Wrapper does not answer in the time of a request.
  ///
  /// - Returns: nil for a unit that the Wrapper does not know either.
  /// - Throws: ``WrapperError`` as ``profile(tenantID:userID:)``.
  public func hierarchy(
    tenantID: String, unitID: String
  ) async throws(WrapperError) -> JSONValue? {
    let held = try await tenant(tenantID).hierarchy(of: unitID)
    if let held, !isOutdated(.organization, tenantID) { return held }
    let key = OnDemandCache.Key(kind: .hierarchy, tenantID: tenantID, id: unitID)
    do throws(WrapperError) {
      return try await find(key, .hierarchy).map { .object($0) } ?? held
    } catch {
      guard let held else { throw error }
      return held
    }
  }

  /// Whether an event said that what is held of the collection is not right any more.
  private func isOutdated(_ collection: WrapperCollection, _ tenantID: String) -> Bool {
    tenants[tenantID]?.isOutdated(collection) ?? false
  }

  private func find(
    _ key: OnDemandCache.Key, _ tier: OperationalTier
  ) async throws(WrapperError) -> JSONObject? {
    let environment = environment
    let sync = tenants[key.tenantID]
    let (finding, isHit) = await environment.onDemand.find(
      key, lifeSeconds: tier.lifeSeconds(environment.configuration),
      waitSeconds: environment.configuration.requestSeconds
    ) {
      await OnDemandFetch(environment: environment, sync: sync).fetch(key)
    }
    use(of: key.tenantID)?.count(tier, isHit: isHit)
    switch finding {
    case .found(let answer, _): return answer
    case .missing, .foreign: return nil
    case .failed: throw .unavailable
    }
  }
}

/// Asks for one person or one unit.
struct OnDemandFetch: Sendable {
  let environment: SyncEnvironment
  /// Who holds what is known of the tenant, beside which the answer is judged.
  let sync: TenantSync?

  func fetch(_ key: OnDemandCache.Key) async -> OnDemandCache.Finding {
    // Clients take these two out of a path, which would be another question then.
    guard !["", ".", ".."].contains(key.id) else { return .missing }
    let id = key.kind == .activities ? key.id : PercentEncoding.encode(key.id)
    let path =
      switch key.kind {
      case .employee: "/api/employees/\(id)"
      case .comprehensive: "/api/users/\(id)/comprehensive"
      case .hierarchy: "/api/organizations/\(id)/hierarchy"
      case .activities: "/api/activities?\(id)"
      }
    let call = WrapperCall(path: path, tenantID: key.tenantID)
    guard case .success(let answer) = await environment.transport.send(call) else {
      return .failed
    }
    guard answer.status == 200 else { return answer.status == 404 ? .missing : .failed }
    do throws(AnswerRejection) {
      let object = try SnapshotReader(tenantID: key.tenantID).single(key, answer.body)
      if try isOwn(object, key) {
        return .found(object, maxAgeSeconds: answer.maxAgeSeconds)
      }
      sync?.refuseSingle("it is about somebody or something else")
      return .foreign
    } catch {
      sync?.refuseSingle(error.reason)
      return .failed
    }
  }

  /// Whether the answer is about what was asked for, and that is the tenant's own.
  ///
  /// A Wrapper that takes any id, whoever asks, must not show one tenant what is another's. People
  /// name their tenant; a unit need not, but it belongs to an organisation that is known.
  ///
  /// - Throws: ``AnswerRejection`` while no organisation is known that it could belong to.
  private func isOwn(
    _ answer: JSONObject, _ key: OnDemandCache.Key
  ) throws(AnswerRejection) -> Bool {
    if let tenantID = answer["tenantId"], !tenantID.isNull, tenantID.string != key.tenantID {
      return false
    }
    if key.kind == .activities {
      return (answer["activities"]?.array ?? []).allSatisfy { entry in
        entry["tenantId"].map { $0.isNull || $0.string == key.tenantID } ?? true
      }
    }
    guard key.kind == .hierarchy else {
      return answer["userId"]?.string == key.id && answer["tenantId"]?.string == key.tenantID
    }
    guard answer["entityId"]?.string == key.id else { return false }
    if answer["tenantId"]?.string == key.tenantID { return true }
    guard let directory = sync?.wholeDirectory(), !directory.holdsNoUnits else {
      throw AnswerRejection("the organisation is not known that it belongs to")
    }
    return ["organizationId", "parentEntityId"].contains { name in
      answer[name]?.string.map { directory.holds(unit: $0) } ?? false
    }
  }
}

extension SnapshotReader {
  /// An answer about one person or one unit, whoever it is about.
  ///
  /// - Throws: ``AnswerRejection`` when it is malformed.
  func single(
    _ key: OnDemandCache.Key, _ body: [UInt8]
  ) throws(AnswerRejection) -> JSONObject {
    let value: JSONValue
    do {
      value = try JSONParser.parse(body)
    } catch {
      throw AnswerRejection("no JSON: \(error.reason) at byte \(error.offset)")
    }
    if key.kind == .activities, let list = (value["data"] ?? value).array {
      return JSONObject([("activities", .array(list))])
    }
    guard case .object(let object) = value["data"] ?? value else {
      throw AnswerRejection("the answer is no object")
    }
    if key.kind == .activities, object["activities"]?.array == nil {
      throw AnswerRejection("activities is no list")
    }
    if key.kind == .employee || key.kind == .comprehensive { _ = try profile(object, over: nil) }
    return object
  }
}
