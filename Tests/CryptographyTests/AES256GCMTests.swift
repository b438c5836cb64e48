import Cryptography
import Synchronization
import Testing
import Values

@Suite struct AES256GCMTests {
  private let key = (0..<32).map { UInt8($0) }

  @Test("only a key of 32 bytes makes a cipher")
  func keys() {
    #expect(AES256GCM(key: []) == nil)
    #expect(AES256GCM(key: Array(key.dropLast())) == nil)
    #expect(AES256GCM(key: key + [0]) == nil)
    #expect(AES256GCM(key: key) != nil)
  }

  @Test("the ciphertext of test case 14 of the GCM specification")
  func knownAnswer() throws {
    let cipher = try #require(AES256GCM(key: [UInt8](repeating: 0, count: 32)))
    let box = cipher.seal([UInt8](repeating: 0, count: 16), random: RandomSource { 0 })
    #expect(
      Hexadecimal.text(box.dropFirst(12))
        == "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
  }

  // Test cases 15 and 16 of the GCM specification (McGrew and Viega), with their nonce.
  private static let vectorKey =
    "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
  private static let vectorNonce = "cafebabefacedbaddecaf888"
  private static let vectorPlaintext = """
    d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
    1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255
    """
  private static let vectorCiphertext = """
    522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
    8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad
    """

  @Test(
    "the boxes of test cases 15 and 16 of the GCM specification open to their text",
    arguments: [
      (64, "", "b094dac5d93471bdec1a502270e3cc6c"),
      (60, "feedfacedeadbeeffeedfacedeadbeefabaddad2", "76fc6ece0f4e1768cddf8853bb2d551b"),
    ])
  func knownBoxes(count: Int, context: String, tag: String) throws {
    let cipher = try #require(AES256GCM(key: bytes(Self.vectorKey)))
    let box =
      bytes(Self.vectorNonce) + bytes(Self.vectorCiphertext).prefix(count) + bytes(tag)
    #expect(
      cipher.open(box, context: bytes(context)) == Array(bytes(Self.vectorPlaintext).prefix(count))
    )
  }

  @Test("sealing gives the boxes of test cases 15 and 16 when the nonce is theirs")
  func knownSeals() throws {
    let cipher = try #require(AES256GCM(key: bytes(Self.vectorKey)))
    // The source gives words, and their bytes come lowest first.
    let nonce = bytes(Self.vectorNonce)
    let words = Mutex(
      [nonce.prefix(8), nonce.dropFirst(8)].map { part in
        part.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      })
    let random = RandomSource { words.withLock { $0.isEmpty ? 0 : $0.removeFirst() } }
    let box = cipher.seal(
      Array(bytes(Self.vectorPlaintext).prefix(60)),
      context: bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2"), random: random)
    #expect(
      box
        == bytes(Self.vectorNonce) + bytes(Self.vectorCiphertext).prefix(60)
        + bytes("76fc6ece0f4e1768cddf8853bb2d551b"))
  }

  @Test("a box opens only in the context that it was sealed in")
  func context() throws {
    let cipher = try #require(AES256GCM(key: key))
    let box = cipher.seal(Array("secret".utf8), context: Array("here".utf8), random: .system)
    #expect(box.count == "secret".utf8.count + 28)
    #expect(cipher.open(box, context: Array("here".utf8)) == Array("secret".utf8))
    #expect(cipher.open(box, context: Array("there".utf8)) == nil)
    #expect(cipher.open(box) == nil)
  }

  @Test("what was sealed opens again, and each time looks different")
  func roundTrips() throws {
    let cipher = try #require(AES256GCM(key: key))
    for count in [0, 1, 15, 16, 17, 1000, 70_000] {
      let plaintext = RandomSource.system.bytes(count)
      let box = cipher.seal(plaintext, random: .system)
      #expect(box.count == count + 28)
      #expect(cipher.open(box) == plaintext)
      #expect(cipher.seal(plaintext, random: .system) != box)
    }
  }

  @Test("a changed bit, a missing byte or another key opens nothing")
  func tampering() throws {
    let cipher = try #require(AES256GCM(key: key))
    let box = cipher.seal(Array("secret".utf8), random: .system)
    for index in box.indices {
      var changed = box
      changed[index] ^= 1
      #expect(cipher.open(changed) == nil)
    }
    for count in 0..<box.count { #expect(cipher.open(Array(box.prefix(count))) == nil) }
    #expect(cipher.open(box + [0]) == nil)
    let other = try #require(AES256GCM(key: key.reversed()))
    #expect(other.open(box) == nil)
  }

  /// No bytes for a text that is not hexadecimal, which then equal nothing.
  private func bytes(_ hexadecimal: String) -> [UInt8] { Hexadecimal.bytes(hexadecimal) ?? [] }
}
