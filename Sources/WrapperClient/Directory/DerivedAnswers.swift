/// What was worked out from a directory already, packed into few bytes.
///
/// A decision is a number of two bytes: with 20 users and 30 permissions a tenant would otherwise
/// hold some 60 KB of texts.
struct DerivedAnswers {
  /// The decisions of each user, by the number of the permission.
  private var decisions: [String: [UInt16]] = [:]
  private var decisionCount = 0
  private var permissions: [String: Int] = [:]
  private var sources: [String] = []
  private var contexts: [String: ActivityContext] = [:]
  private var teams: [String: [String]] = [:]
  /// The heads of `permissions` objects: users of the same roles have the same one.
  private var heads: [[UInt8]: [UInt8]] = [:]
  private var contentBytes = 0

  /// An estimate of what all of it occupies.
  var heldBytes: Int {
    contentBytes + HeldBytes.dictionary(decisions) + HeldBytes.dictionary(permissions)
      + decisions.values.reduce(0) { $0 + HeldBytes.array($1) } + HeldBytes.array(sources)
      + HeldBytes.dictionary(contexts) + HeldBytes.dictionary(teams) + HeldBytes.dictionary(heads)
  }

  func decision(userID: String, permission: String) -> PermissionDecision? {
    guard let row = decisions[userID], let asked = permissions[permission], asked < row.count,
      row[asked] & 1 == 1
    else { return nil }
    let packed = Int(row[asked])
    return PermissionDecision(
      isAllowed: packed & 2 != 0, scope: PermissionScope(rawValue: packed >> 2 & 3) ?? .own,
      source: sources[packed >> 4])
  }

  mutating func remember(
    _ decision: PermissionDecision, userID: String, permission: String
  ) {
    if decisionCount >= Limits.decisionsPerTenantMax { forgetDecisions() }
    // Few sources: a tenant has as many as it has roles.
    var source = sources.firstIndex(of: decision.source)
    if source == nil, sources.count < Self.sourcesMax {
      contentBytes += HeldBytes.text(decision.source)
      source = sources.count
      sources.append(decision.source)
    }
    guard let source else { return }
    let asked = permissions[permission] ?? permissions.count
    if asked == permissions.count {
      permissions[permission] = asked
      contentBytes += HeldBytes.text(permission)
    }
    if decisions[userID] == nil { contentBytes += HeldBytes.text(userID) }
    var row = decisions.removeValue(forKey: userID) ?? []
    while row.count <= asked {
      row.append(0)
      decisionCount += 1
    }
    let packed =
      1 | (decision.isAllowed ? 2 : 0) | decision.scope.rawValue << 2 | source << 4
    row[asked] = UInt16(packed)
    decisions[userID] = row
  }

  func context(for userID: String) -> ActivityContext? { contexts[userID] }

  /// - Returns: the context with what it shares with others.
  mutating func remember(_ context: ActivityContext, for userID: String) -> ActivityContext {
    if contexts.count >= Limits.contextsPerTenantMax {
      contentBytes -= contexts.values.reduce(0) { $0 + $1.heldBytes }
      contexts = [:]
    }
    var context = context
    if let head = heads[context.permissionsHead] {
      context.permissionsHead = head
    } else if heads.count < Limits.contextsPerTenantMax {
      heads[context.permissionsHead] = context.permissionsHead
      contentBytes += HeldBytes.array(context.permissionsHead)
    }
    contexts[userID] = context
    contentBytes += context.heldBytes
    return context
  }

  func team(unitID: String) -> [String]? { teams[unitID] }

  mutating func remember(team: [String], unitID: String) {
    if teams[unitID] == nil { contentBytes += HeldBytes.array(team) }
    teams[unitID] = team
  }

  /// As many as fit beside the other bits of a decision.
  private static let sourcesMax = 1 << 12

  private mutating func forgetDecisions() {
    let texts = [Array(decisions.keys), Array(permissions.keys), sources].joined()
    contentBytes -= texts.reduce(0) { $0 + HeldBytes.text($1) }
    decisions = [:]
    decisionCount = 0
    permissions = [:]
    sources = []
  }
}
