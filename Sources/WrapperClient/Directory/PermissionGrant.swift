/// Whose records a grant reaches; wider ones compare greater.
public enum PermissionScope: Int, Sendable, Hashable, Comparable {
  /// Records that the user owns, created or is assigned to.
  case own
  /// Records of the user's organisation unit and the units below it.
  case team
  /// Every record of the tenant.
  case tenant

  /// The word that clients see: `own`, `team` or `tenant`.
  public var text: String {
    switch self {
    case .own: "own"
    case .team: "team"
    case .tenant: "tenant"
    }
  }

  /// Whether `left` reaches less far than `right`.
  public static func < (left: PermissionScope, right: PermissionScope) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// What the tenant's grants say to one permission of one user.
public struct PermissionDecision: Sendable, Hashable {
  /// Whether the user may.
  public let isAllowed: Bool
  /// How far; meaningless when the user may not.
  public let scope: PermissionScope
  /// Where the widest grant stands: `direct` or `role:<name>`; `none` when the user may not.
  public let source: String

  /// A decision made of its parts.
  public init(isAllowed: Bool, scope: PermissionScope, source: String) {
    self.isAllowed = isAllowed
    self.scope = scope
    self.source = source
  }

  /// The answer to a user without a matching grant.
  public static let denied = PermissionDecision(isAllowed: false, scope: .own, source: "none")
}

/// One grant: `crm.<resource|*>.<action|*>`, optionally ending in `:own` or `:team`, or `*` alone.
///
/// `crm.admin` and `crm.impersonate`, which name no resource, are granted by their own name and by
/// `*`, never by a wildcard below `crm`.
struct PermissionGrant: Sendable, Hashable {
  private enum Pattern: Hashable {
    case everything
    /// A nil part is the wildcard.
    case action(resource: String?, action: String?)
    case word(String)
  }

  let scope: PermissionScope
  private let pattern: Pattern

  /// Nil for a text of another form: such grants are kept by their owner and never match.
  init?(_ text: String) {
    if text == "*" {
      pattern = .everything
      scope = .tenant
      return
    }
    let halves = text.split(separator: ":", omittingEmptySubsequences: false)
    switch halves.count {
    case 1: scope = .tenant
    case 2 where halves[1] == "own": scope = .own
    case 2 where halves[1] == "team": scope = .team
    default: return nil
    }
    let parts = halves[0].split(separator: ".", omittingEmptySubsequences: false)
    guard parts.first == "crm" else { return nil }
    if parts.count == 2, Self.isWord(parts[1]) {
      pattern = .word(String(parts[1]))
    } else if parts.count == 3, parts.dropFirst().allSatisfy({ $0 == "*" || Self.isWord($0) }) {
      pattern = .action(
        resource: parts[1] == "*" ? nil : String(parts[1]),
        action: parts[2] == "*" ? nil : String(parts[2]))
    } else {
      return nil
    }
  }

  /// Whether the grant reaches the permission that was split into `parts` at its dots.
  func covers(_ parts: [Substring]) -> Bool {
    switch pattern {
    case .everything:
      true
    case .word(let word):
      parts.count == 2 && parts[0] == "crm" && parts[1] == word
    case .action(let resource, let action):
      parts.count == 3 && parts[0] == "crm" && (resource.map { parts[1] == $0 } ?? true)
        && (action.map { parts[2] == $0 } ?? true)
    }
  }

  /// Whether whatever `other` grants is granted by this one too.
  func includes(_ other: PermissionGrant) -> Bool {
    guard scope >= other.scope else { return false }
    return switch (pattern, other.pattern) {
    case (.everything, _): true
    case (.word(let word), .word(let wanted)): word == wanted
    case (.action(let resource, let action), .action(let wantedResource, let wantedAction)):
      (resource == nil || resource == wantedResource) && (action == nil || action == wantedAction)
    default: false
    }
  }

  /// Those of `grants` that `held` already includes.
  static func narrowed(_ grants: [String], to held: [String]) -> [String] {
    let texts = Set(held)
    let wider = held.compactMap { PermissionGrant($0) }
    return grants.filter { text in
      if texts.contains(text) { return true }
      guard let grant = PermissionGrant(text) else { return false }
      return wider.contains { $0.includes(grant) }
    }
  }

  private static func isWord(_ text: Substring) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }
}
