internal import Synchronization

/// Grants and operation codes that all tenants share: the same few hundred texts would otherwise
/// stand in memory once for each role of each tenant.
///
/// Only what has a known form is shared, so that it names nobody, and only so many: the rest simply
/// has a copy of its own.
enum SharedTexts {
  private static let texts = Mutex<Set<String>>([])
  private static let inlineTextBytes = 15

  /// `text`, in the copy that everybody holds.
  static func grant(_ text: String) -> String {
    guard text.utf8.count > inlineTextBytes, text.utf8.count <= Limits.sharedTextBytesMax,
      PermissionGrant(text) != nil
    else { return text }
    return texts.withLock { texts in
      if let index = texts.firstIndex(of: text) { return texts[index] }
      if texts.count < Limits.sharedTextsMax { texts.insert(text) }
      return text
    }
  }

  /// Whether everybody holds the same copy of `text`.
  static func contains(_ text: String) -> Bool {
    text.hasPrefix("crm.") && texts.withLock { $0.contains(text) }
  }
}

/// Lets the equal texts and lists of one answer be one in memory: departments, titles, places and
/// the roles that many have.
final class TextPool {
  private var texts: Set<String> = []
  private var lists: Set<[String]> = []

  func share(_ text: String) -> String {
    guard text.utf8.count > 15 else { return text }
    return texts.insert(text).memberAfterInsert
  }

  func share(_ list: [String]) -> [String] {
    lists.insert(list).memberAfterInsert
  }
}
