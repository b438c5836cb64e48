import Testing
import Values

@Suite struct FixedPointTests {
  @Test(
    "numbers are read without losing a digit",
    arguments: [
      ("0", 2, 0), ("-0", 2, 0), ("12.34", 2, 1234), ("-12.3", 2, -1230), ("1e3", 2, 100_000),
      ("1.50", 1, 15), ("125e-2", 2, 125), ("0.0001", 4, 1), ("1.2300e2", 0, 123), ("100e-2", 0, 1),
      ("92233720368547758.07", 2, 9_223_372_036_854_775_807),
      ("-92233720368547758.07", 2, -9_223_372_036_854_775_807), ("0e99", 2, 0), ("5E+1", 0, 50),
    ])
  func reads(text: String, scale: Int, units: Int64) throws {
    #expect(try FixedPoint.units(text, scale: scale) == units)
  }

  @Test("a digit too many, a number too large and no number are told apart")
  func refuses() {
    for text in ["0.001", "1e-3", "12.345", "0.1e-2"] {
      #expect(throws: FixedPoint.ParseError.tooManyDecimals) {
        try FixedPoint.units(text, scale: 2)
      }
    }
    for text in ["92233720368547758.08", "1e30", "99999999999999999999"] {
      #expect(throws: FixedPoint.ParseError.outOfRange) { try FixedPoint.units(text, scale: 2) }
    }
    for text in [
      "1e-9223372036854775808", "", "-", "abc", "1.2.3", "1e", "1e999", "1e5e5", "0x10", "１", "1,5",
      "--1", "1 ",
    ] {
      #expect(throws: FixedPoint.ParseError.notANumber, "\(text)") {
        try FixedPoint.units(text, scale: 2)
      }
    }
  }

  @Test("text comes back as the same number for every scale")
  func roundTrips() throws {
    var generator = SplitMix(state: 3)
    for scale in 0...18 {
      for _ in 0..<200 {
        let bits = Int.random(in: 0..<63, using: &generator)
        let units = Int64.random(in: Int64.min + 1...Int64.max, using: &generator) >> bits
        #expect(
          try FixedPoint.units(FixedPoint.text(units: units, scale: scale), scale: scale) == units)
      }
    }
    #expect(FixedPoint.text(units: 5_000_000, scale: 2) == "50000")
    #expect(FixedPoint.text(units: 1000, scale: 4) == "0.1")
    #expect(FixedPoint.text(units: -1234, scale: 2) == "-12.34")
    #expect(FixedPoint.text(units: .min, scale: 2) == "-92233720368547758.08")
  }
}
