internal import JSON
internal import SQLite

/// Sums of money by currency, which are never added across.
///
/// They are exact for any number of records: 128 bits hold what no 64 bits of SQLite's would.
struct CurrencySums {
  /// Hundredths of a cent, so that a sum weighted by percent is rounded once, at the end.
  private var units: [String: Int128] = [:]

  /// Adds an amount of cents, of which `percent` in a hundred count.
  mutating func add(_ cents: Int128, _ currency: String, percent: Int64 = 100) {
    units[currency, default: 0] += cents * Int128(percent)
  }

  /// What was added in `currency`, in hundredths of a cent.
  subscript(currency: String) -> Int128 { units[currency] ?? 0 }

  /// `{"EUR": 1200.5}`, by the currency's code; halves of a cent are rounded to the even one.
  var json: JSONValue {
    .object(
      JSONObject(
        units.sorted { $0.key < $1.key }.map { currency, units in
          (currency, .number(Self.number(units)))
        }))
  }

  private static func number(_ units: Int128) -> JSONNumber {
    let (whole, rest) = units.magnitude.quotientAndRemainder(dividingBy: 100)
    let cents = rest > 50 || (rest == 50 && !whole.isMultiple(of: 2)) ? whole + 1 : whole
    let fraction = cents % 100
    let digits = fraction < 10 ? "0\(fraction)" : "\(fraction)"
    let sign = units < 0 && cents > 0 ? "-" : ""
    return JSONNumber(unchecked: "\(sign)\(cents / 100).\(digits)")
  }

  /// The two columns that together hold the sum of `column`: SQLite refuses to add up to more than
  /// 64 bits hold, which parts of the numbers never reach.
  static func columns(_ column: String) -> String {
    "sum(\(column) >> \(lowBits)), sum(\(column) & \((1 << lowBits) - 1))"
  }

  /// The sum in the row's two columns from `place`; nil when there was nothing to add.
  static func cents(_ row: borrowing Statement, at place: Int) -> Int128? {
    guard let high = row.integer(place), let low = row.integer(place + 1) else { return nil }
    return Int128(high) << lowBits + Int128(low)
  }

  private static let lowBits = 24
}
