internal import Cryptography
internal import SQLite
internal import Synchronization
internal import Values

/// The words that stand for a tenant, its users and its kinds of records in the full-text index.
///
/// A document bears the words of those who may find it, and each MATCH those of the caller: so the
/// index itself cuts a search by its scope, however many other records have the word.
struct SearchReach: Sendable {
  /// The letters that begin each word of the tenant's documents.
  ///
  /// Two tenants may share them; the words of the column `reach` keep them apart.
  let letters: String
  private let tenantID: String
  private let tenant: String

  init(tenantID: String) {
    let hash = SHA256.hash(Array(tenantID.utf8))
    self.tenantID = tenantID
    tenant = Hexadecimal.text(hash.prefix(6))
    letters = String(decoding: hash[6..<9].map { Self.alphabet[Int($0 & 31)] }, as: UTF8.self)
  }

  private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

  /// The words of the document of `record`.
  func words(_ record: Record) -> [String] {
    let entityType = record.resource.description.entityType
    if let creator = record.privateTo { return [alone(entityType, creator)] }
    let owner = record.ownerID
    var words = [everybody(entityType)]
    if let owner { words.append(self.owner(owner)) }
    var users: [String] = []
    for field in record.resource.userFields {
      guard let user = record[field.name].text, user != owner, !users.contains(user) else {
        continue
      }
      users.append(user)
      words.append(participant(user))
    }
    return words
  }

  /// The expression that finds the documents of the given kinds, each as far as its scope reaches.
  func match(_ scopes: [(resource: Resource, scope: RecordScope)]) -> String {
    let alternatives = alternatives(scopes).map { kinds, users in
      let kinds = kinds.map { "\"\($0)\"" }.joined(separator: " OR ")
      let users = users.map { "\"\($0)\"" }.joined(separator: " OR ")
      return users.isEmpty ? kinds : "((\(kinds)) AND (\(users)))"
    }
    return "reach : (\(alternatives.joined(separator: " OR ")))"
  }

  /// The same as a condition on a row `d` of search_documents; nil where a scope has so many users
  /// that the index is the shorter way.
  func condition(_ scopes: [(resource: Resource, scope: RecordScope)]) -> SQLFragment? {
    var condition = SQLFragment("")
    func append(_ words: [String]) {
      let found = words.map { _ in "instr(' ' || d.reach || ' ', ?) > 0" }
        .joined(separator: " OR ")
      condition.append(SQLFragment("(\(found))", words.map { .text(" \($0) ") }))
    }
    let alternatives = alternatives(scopes)
    guard alternatives.allSatisfy({ $0.users.count <= Limits.scopeBranchesMax }) else { return nil }
    for (place, (kinds, users)) in alternatives.enumerated() {
      condition.sql += place == 0 ? "(" : " OR ("
      append(kinds)
      if !users.isEmpty {
        condition.sql += " AND "
        append(users)
      }
      condition.sql += ")"
    }
    return SQLFragment("(\(condition.sql))", condition.values)
  }

  /// Of each, a document must have one of the kinds and, where there are any, one of the users.
  ///
  /// All are of letters and digits alone, so nothing in a word can end the quotation.
  private func alternatives(
    _ scopes: [(resource: Resource, scope: RecordScope)]
  ) -> [(kinds: [String], users: [String])] {
    var groups: [(scope: RecordScope, words: [String])] = []
    var alternatives: [(kinds: [String], users: [String])] = []
    for (resource, scope) in scopes {
      let entityType = resource.description.entityType
      let word = everybody(entityType)
      if let place = groups.firstIndex(where: { $0.scope == scope }) {
        groups[place].words.append(word)
      } else {
        groups.append((scope, [word]))
      }
      if resource.description.privacy != nil, let userID = scope.userID {
        alternatives.append(([alone(entityType, userID)], []))
      }
    }
    return alternatives + groups.map { ($0.words, users($0.scope)) }
  }

  /// The words of users one of whom a record must have; none where any will do.
  private func users(_ scope: RecordScope) -> [String] {
    guard let userID = scope.userID else { return [] }
    switch scope.reach {
    case .tenant: return []
    case .own: return [owner(userID), participant(userID)]
    case .team(let members):
      return [owner(userID), participant(userID)]
        + members.filter { $0 != userID }.map(owner)
    }
  }

  /// Of documents that a scope of the whole tenant reaches.
  private func everybody(_ entityType: String) -> String { "t\(tenant)\(Self.plain(entityType))" }

  /// Of documents of private records.
  private func alone(_ entityType: String, _ userID: String) -> String {
    "p\(hash(userID))\(Self.plain(entityType))"
  }

  private func owner(_ userID: String) -> String { "o\(hash(userID))" }

  /// Of who created a record or is assigned to it, and does not own it.
  private func participant(_ userID: String) -> String { "c\(hash(userID))" }

  private func hash(_ userID: String) -> String {
    Self.hashes.text(of: "\(tenantID)\u{0}\(userID)")
  }

  /// The same few users own and create most records.
  private static let hashes = KnownHashes()

  private static func plain(_ entityType: String) -> String {
    entityType.contains("_") ? entityType.replacing("_", with: "") : entityType
  }
}

/// Hashes that were asked for lately.
private final class KnownHashes: Sendable {
  private static let countMax = 4096

  private let texts = Mutex<[String: String]>([:])

  func text(of input: String) -> String {
    if let text = texts.withLock({ $0[input] }) { return text }
    let text = Hexadecimal.text(SHA256.hash(Array(input.utf8)).prefix(8))
    texts.withLock { texts in
      if texts.count >= Self.countMax { texts.removeAll() }
      texts[input] = text
    }
    return text
  }
}
