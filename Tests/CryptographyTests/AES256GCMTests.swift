import Cryptography
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
}
