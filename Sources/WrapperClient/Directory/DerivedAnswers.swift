/// What was worked out from a directory already, packed into few bytes.
///
/// A decision is a number of four bytes under a number of eight: with 20 users and 30 permissions a
/// tenant would otherwise hold some 60 KB of texts.
struct DerivedAnswers {
  private var users: [String: UInt32] = [:]
  private var permissions: [String: UInt32] = [:]
  /// By user and permission: whether, how far, and the number of the source.
  private var decisions: [UInt64: UInt32] = [:]
  private var sources: [String] = []
  private var contexts: [String: ActivityContext] = [:]
  private var teams: [String: [String]] = [:]
  /// The heads of `permissions` objects: users of the same roles have the same one.
  private var heads: [[UInt8]: [UInt8]] = [:]
  private var contentBytes = 0

  /// An estimate of what all of it occupies.
  var heldBytes: Int {
    contentBytes + HeldBytes.dictionary(users) + HeldBytes.dictionary(permissions)
      + HeldBytes.dictionary(decisions) + HeldBytes.array(sources)
      + HeldBytes.dictionary(contexts) + HeldBytes.dictionary(teams) + HeldBytes.dictionary(heads)
  }

  func decision(userID: String, permission: String) -> PermissionDecision? {
    guard let user = users[userID], let asked = permissions[permission],
      let packed = decisions[Self.key(user, asked)]
    else { return nil }
    return PermissionDecision(
      isAllowed: packed & 1 == 1,
      scope: PermissionScope(rawValue: Int(packed >> 1 & 3)) ?? .own,
      source: sources[Int(packed >> 3)])
  }

  mutating func remember(
    _ decision: PermissionDecision, userID: String, permission: String
  ) {
    if decisions.count >= Limits.decisionsPerTenantMax { forgetDecisions() }
    let user = Self.index(of: userID, in: &users, &contentBytes)
    let asked = Self.index(of: permission, in: &permissions, &contentBytes)
    // Few sources: a tenant has as many as it has roles.
    let source =
      sources.firstIndex(of: decision.source)
      ?? {
        contentBytes += HeldBytes.text(decision.source)
        sources.append(decision.source)
        return sources.count - 1
      }()
    decisions[Self.key(user, asked)] =
      (decision.isAllowed ? 1 : 0) | UInt32(decision.scope.rawValue) << 1 | UInt32(source) << 3
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

  private mutating func forgetDecisions() {
    let texts = [Array(users.keys), Array(permissions.keys), sources].joined()
    contentBytes -= texts.reduce(0) { $0 + HeldBytes.text($1) }
    users = [:]
    permissions = [:]
    sources = []
    decisions = [:]
  }

  private static func key(_ user: UInt32, _ permission: UInt32) -> UInt64 {
    UInt64(user) << 32 | UInt64(permission)
  }

  private static func index(
    of text: String, in indexes: inout [String: UInt32], _ bytes: inout Int
  ) -> UInt32 {
    if let index = indexes[text] { return index }
    let index = UInt32(indexes.count)
    indexes[text] = index
    bytes += HeldBytes.text(text)
    return index
  }
}
