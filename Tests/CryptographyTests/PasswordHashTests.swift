import Cryptography
import Testing
import Values

@Suite struct PasswordHashTests {
  @Test("a password fits its own hash and no other")
  func verifies() throws {
    let hash = try #require(PasswordHash.make("correct horse é", random: .system))
    #expect(hash.hasPrefix("$y$"))
    #expect(PasswordHash.verify("correct horse é", hash))
    #expect(!PasswordHash.verify("correct horse e", hash))
    #expect(!PasswordHash.verify("", hash))
  }

  @Test("the same password has another hash each time")
  func salts() {
    #expect(
      PasswordHash.make("secret", random: .system) != PasswordHash.make("secret", random: .system))
  }

  @Test("a password with a zero byte or beyond the bound is refused, not cut")
  func bounds() throws {
    #expect(PasswordHash.make("ab\0cd", random: .system) == nil)
    #expect(PasswordHash.make(String(repeating: "x", count: 512), random: .system) == nil)
    let longest = String(repeating: "x", count: PasswordHash.passwordBytesMax)
    let hash = try #require(PasswordHash.make(longest, random: .system))
    #expect(PasswordHash.verify(longest, hash))
    #expect(!PasswordHash.verify(longest + "x", hash))
    #expect(!PasswordHash.verify(String(longest.dropLast()), hash))
    let short = try #require(PasswordHash.make("ab", random: .system))
    #expect(!PasswordHash.verify("ab\0cd", short))
  }

  @Test(
    "what is no yescrypt hash fits no password",
    arguments: [
      "", "*0", "*", "$y$", "$y$j9T$", "$1$abc$def", "abJnggxhB/yWI", "$6$salt$x", "$y$\0",
      "password",
    ])
  func foreignHashes(hash: String) {
    #expect(!PasswordHash.verify("", hash))
    #expect(!PasswordHash.verify("password", hash))
  }
}
