import Cryptography
import Testing
import Values

@Suite struct Ed25519Tests {
  /// Seed, public key, message and signature of RFC 8032 section 7.1.
  private static let vectors = [
    (
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
      """
      e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e0652249015\
      55fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b
      """
    ),
    (
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
      """
      92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69d\
      a085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00
      """
    ),
  ]

  @Test("signatures are those of RFC 8032")
  func vectors() throws {
    for (seed, publicKey, message, signature) in Self.vectors {
      let key = try #require(Ed25519Key(seed: Hexadecimal.bytes(seed) ?? []))
      let message = try #require(Hexadecimal.bytes(message))
      #expect(Hexadecimal.text(key.publicKey) == publicKey)
      #expect(Hexadecimal.text(key.sign(message)) == signature)
      #expect(Ed25519.isValid(key.sign(message), of: message, by: key.publicKey))
    }
  }

  @Test("a bit turned over in signature, message or key makes the signature wrong")
  func wrong() throws {
    let key = try #require(Ed25519Key(seed: Array(0..<32)))
    let message = Array("a checkpoint".utf8)
    let signature = key.sign(message)
    for (length, change) in [(64, 0), (message.count, 1), (32, 2)] {
      for index in stride(from: 0, to: length, by: 5) {
        var parts = [signature, message, key.publicKey]
        parts[change][index] ^= 0x10
        #expect(!Ed25519.isValid(parts[0], of: parts[1], by: parts[2]))
      }
    }
    #expect(!Ed25519.isValid([], of: message, by: key.publicKey))
    #expect(!Ed25519.isValid(signature, of: message, by: []))
    #expect(!Ed25519.isValid(signature + [0], of: message, by: key.publicKey))
  }

  @Test("a key is read from base64, hexadecimal and PEM, and from nothing else")
  func formats() throws {
    let seed = Array(UInt8(1)...32)
    let key = try #require(Ed25519Key(seed: seed))
    let pem = """
      -----BEGIN PRIVATE KEY-----
      MC4CAQAwBQYDK2VwBCIEIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g
      -----END PRIVATE KEY-----

      """
    for text in [
      Base64.encode(seed), Hexadecimal.text(seed), Hexadecimal.text(seed).uppercased(), pem,
      pem.replacing("\n", with: "\\n"), " \(Base64.encode(seed))\n",
    ] {
      #expect(Ed25519Key(text: text)?.publicKey == key.publicKey, "\(text)")
    }
    for text in [
      "", "x", Base64.encode(Array(seed.dropLast())), Base64.encode(seed + [0]),
      String(Hexadecimal.text(seed).dropLast(2)), pem.replacing("PRIVATE", with: "PUBLIC"),
      pem.replacing("MC4C", with: "MC4D"),
    ] {
      #expect(Ed25519Key(text: text) == nil, "\(text)")
    }
    #expect(Ed25519Key(seed: []) == nil)
  }
}
