/// Phone numbers by their digits, however they are written.
///
/// A number is found by any of its ends, so also without its country code or its area code. What a
/// person types is brought to what all ways of writing have in common: without `+`, `00`, the 0 in
/// front of an area code and the `(0)` within.
enum PhoneDigits {
  /// Digits of a number that are looked at; the longest real ones have 15.
  static let digitsMax = 20
  /// The shortest end by which a number is found.
  static let endDigitsMin = 4
  /// The shortest question that may mean a phone number.
  static let questionDigitsMin = 3
  /// The shortest question behind `00` that is taken for a number with its country code.
  static let internationalDigitsMin = 5

  /// The digits of a number as it was written.
  static func digits(_ text: String) -> String {
    let number = text.contains("(0)") ? text.replacing("(0)", with: "") : text
    let digits = number.utf8.filter { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    return String(decoding: digits.prefix(digitsMax), as: UTF8.self)
  }

  /// Every end of a number that is long enough, the whole first.
  static func ends(_ text: String) -> [String] {
    let digits = digits(text)
    guard digits.count > endDigitsMin else { return digits.isEmpty ? [] : [digits] }
    return (0...digits.count - endDigitsMin).map { String(digits.dropFirst($0)) }
  }

  /// What some end of a number begins with when `text` means that number or its beginning; none
  /// when `text` is too short to tell.
  static func questions(_ text: String) -> [String] {
    let typed = digits(text)
    guard typed.count >= questionDigitsMin else { return [] }
    let isAbroad = typed.hasPrefix("00")
    let significant = typed.drop { $0 == "0" }
    var questions = [typed]
    // Two zeros may also be the beginning of a number's last digits.
    if significant.count >= (isAbroad ? internationalDigitsMin : questionDigitsMin - 1) {
      questions.append(String(significant))
      let national = significant.dropFirst(countryCodeDigits(significant)).drop { $0 == "0" }
      if isAbroad || text.contains("+"), national.count >= endDigitsMin {
        questions.append(String(national))
      }
    }
    return questions.count > 1 && questions[1] == typed
      ? Array(questions.dropFirst()) : questions
  }

  /// How many digits of an international number are its country code (ITU-T E.164, annex D).
  private static func countryCodeDigits(_ digits: Substring) -> Int {
    if digits.hasPrefix("1") || digits.hasPrefix("7") { return 1 }
    return twoDigitCodes.contains(String(digits.prefix(2))) ? 2 : 3
  }

  private static let twoDigitCodes: Set<String> = [
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47",
    "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65",
    "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
  ]
}
