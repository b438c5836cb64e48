import Cryptography
import Testing
import Values

@Suite struct HashTests {
  @Test("SHA-256 gives the digests of FIPS 180-4")
  func digests() {
    #expect(
      Hexadecimal.text(SHA256.hash([]))
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      Hexadecimal.text(SHA256.hash(Array("abc".utf8)))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }

  @Test("pieces give the digest of the whole, however it is cut")
  func pieces() {
    let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    for size in [1, 7, 64, 4096, 20_000] {
      var hasher = SHA256Hasher()
      var rest = bytes[...]
      while !rest.isEmpty {
        hasher.update(Array(rest.prefix(size)))
        hasher.update([])
        rest = rest.dropFirst(size)
      }
      #expect(hasher.finish() == SHA256.hash(bytes))
    }
  }

  @Test("a hasher that is dropped unfinished lets its memory go")
  func dropped() {
    for _ in 0..<1000 {
      var hasher = SHA256Hasher()
      hasher.update([1])
    }
  }

  @Test("HMAC gives the codes of RFC 4231")
  func authenticationCodes() {
    let code = HMACSHA256.code(
      for: Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8))
    #expect(
      Hexadecimal.text(code)
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    let long = HMACSHA256.code(
      for: Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
      key: [UInt8](repeating: 0xaa, count: 131))
    #expect(
      Hexadecimal.text(long)
        == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    #expect(HMACSHA256.code(for: [], key: []).count == 32)
  }

  @Test("equal is equal, and a difference in any place or length is one")
  func comparison() {
    #expect(ConstantTime.areEqual([], []))
    #expect(ConstantTime.areEqual([1, 2, 3], [1, 2, 3]))
    #expect(!ConstantTime.areEqual([1, 2, 3], [1, 2, 4]))
    #expect(!ConstantTime.areEqual([0, 2, 3], [1, 2, 3]))
    #expect(!ConstantTime.areEqual([1, 2], [1, 2, 3]))
    #expect(!ConstantTime.areEqual([], [0]))
  }
}
