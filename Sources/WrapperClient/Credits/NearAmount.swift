internal import JSON

/// Which way an amount goes that lies between two units.
enum AmountRounding: Sendable {
  /// To the smaller one: what may be spent.
  case down
  /// To the larger one: what is or was spent.
  case up
}

extension JSONNumber {
  /// The number as units of 10^-scale, although the Wrapper may have reckoned in binary fractions.
  ///
  /// `0.6000000000000001` is 0.6; what is more than noise goes to the safe side.
  func units(scale: Int, rounding: AmountRounding) -> Int64? {
    if let units = units(scale: scale) { return units }
    guard let value = double else { return nil }
    var factor = 1.0
    for _ in 0..<scale { factor *= 10 }
    let scaled = value * factor
    guard scaled.magnitude <= Double(Limits.amountUnitsMax) else { return nil }
    let nearest = scaled.rounded()
    let noise = max(Limits.amountNoise, value.magnitude * Limits.amountNoiseShare) * factor
    if (scaled - nearest).magnitude <= noise { return Int64(nearest) }
    return Int64(scaled.rounded(rounding == .down ? .down : .up))
  }
}
