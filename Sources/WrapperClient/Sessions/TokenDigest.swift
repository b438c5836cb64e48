internal import Cryptography

/// The SHA-256 of a token: what is remembered of it, so that memory never holds tokens.
struct TokenDigest: Hashable, Sendable {
  private let words: [4 of UInt64]

  init(_ token: String) {
    let bytes = SHA256.hash(Array(token.utf8))
    words = [4 of UInt64] { index in
      bytes[index * 8..<index * 8 + 8].reduce(0) { $0 << 8 | UInt64($1) }
    }
  }

  /// The id of a session that the Wrapper did not name.
  var sessionID: String {
    let digits = String(words[0], radix: 16)
    return "token:" + String(repeating: "0", count: 16 - digits.count) + digits
  }

  static func == (left: TokenDigest, right: TokenDigest) -> Bool {
    left.words.indices.allSatisfy { left.words[$0] == right.words[$0] }
  }

  func hash(into hasher: inout Hasher) {
    // Sixty-four bits of a digest tell tokens apart well enough for a table.
    hasher.combine(words[0])
  }
}
