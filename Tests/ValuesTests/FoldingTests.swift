import Testing
import Values

@Suite struct FoldingTests {
  @Test(
    "case and accents go, the letters stay",
    arguments: [
      ("", ""), ("Plain ASCII 123", "plain ascii 123"), ("É", "e"), ("Éric Straße", "eric strasse"),
      ("İstanbul", "istanbul"), ("Iğdır", "igdir"), ("E\u{301}", "e"), ("STRASSE", "strasse"),
      ("ẞ", "ss"), ("Ørsted Łódź", "orsted lodz"), ("Ærø Œuvre", "aero oeuvre"),
      ("Þór Đặng Ðe", "thor dang de"), ("Nguyễn Văn", "nguyen van"), ("ΜΆΪΟΣ", "μαιοσ"),
      ("μάιος", "μαιοσ"), ("Ёлка", "елка"), ("Å", "a"), ("K", "k"), ("Z̤ͫ͢algo", "zalgo"),
    ])
  func folds(text: String, folded: String) {
    #expect(Folding.fold(text) == folded)
  }

  @Test(
    "marks that carry meaning of their own stay",
    arguments: ["हिन्दी", "ภาษาไทย", "が", "한국어", "東京", "עברית", "😀👩‍👩‍👧"])
  func keeps(text: String) {
    #expect(Folding.fold(text) == text)
  }

  @Test("folding twice changes nothing, and both normal forms fold to the same bytes")
  func idempotent() {
    var generator = SplitMix(state: 7)
    for _ in 0..<3000 {
      var scalars = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0..<12, using: &generator) {
        let limit: UInt32 = Bool.random(using: &generator) ? 0x250 : 0x11_0000
        if let scalar = Unicode.Scalar(UInt32.random(in: 0..<limit, using: &generator)) {
          scalars.append(scalar)
        }
      }
      let text = String(scalars)
      let folded = Folding.fold(text)
      #expect(Array(Folding.fold(folded).utf8) == Array(folded.utf8), "\(text.debugDescription)")
    }
    #expect(
      Array(Folding.fold("\u{e9}\u{4f60}").utf8) == Array(Folding.fold("e\u{301}\u{4f60}").utf8))
  }

  @Test("lower case keeps accents and composes them")
  func lowercases() {
    #expect(Folding.lowercased("ÉRIC@Example.COM") == "éric@example.com")
    #expect(Array(Folding.lowercased("E\u{301}").utf8) == Array("\u{e9}".utf8))
    #expect(Folding.lowercased("ABC") == "abc")
  }
}

/// A small generator with a seed, so that a failure can be repeated (Steele, Lea, Flood 2014).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}
