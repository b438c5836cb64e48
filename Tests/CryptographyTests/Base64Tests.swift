import Cryptography
import Testing
import Values

@Suite struct Base64Tests {
  @Test(
    "the examples of RFC 4648 section 10",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
      ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
  func examples(text: String, encoded: String) {
    #expect(Base64.encode(Array(text.utf8)) == encoded)
    #expect(Base64.decode(encoded) == Array(text.utf8))
  }

  @Test("every length of random bytes comes back, in both alphabets")
  func roundTrips() {
    for count in 0..<200 {
      let bytes = RandomSource.system.bytes(count)
      #expect(Base64.decode(Base64.encode(bytes)) == bytes)
      #expect(Base64.decodeURL(Base64.encodeURL(bytes)) == bytes)
      #expect(!Base64.encodeURL(bytes).contains { "+/=".contains($0) })
    }
  }

  @Test(
    "text that the encoder would not write is refused",
    arguments: [
      "Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zh==", "Zm9=", "Zm 8=", "Zm8=\n", "Zm8=Zm8=",
      "Zm8-", "Zm8é", "Z=g=",
    ])
  func refusals(text: String) {
    #expect(Base64.decode(text) == nil)
  }

  @Test(
    "URL-safe text with padding, another alphabet or leftover bits is refused",
    arguments: ["Zg==", "Zh", "Z", "Zm9vZ", "Zm8+", "Zm8/", "Zm8 ", "Zm9"])
  func refusalsURL(text: String) {
    #expect(Base64.decodeURL(text) == nil)
  }
}
