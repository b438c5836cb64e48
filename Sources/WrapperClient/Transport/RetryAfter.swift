internal import Values

/// Reads `Retry-After`, which is a number of seconds or a date such as
/// `Sun, 06 Nov 1994 08:49:37 GMT` (IMF-fixdate, RFC 9110 section 5.6.7).
enum RetryAfter {
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// The whole seconds from `now` to the date that `text` is; any other text as it stands.
  static func seconds(_ text: String, at now: Timestamp) -> String {
    guard let moment = moment(text) else { return text }
    let milliseconds = max(0, moment.milliseconds - now.milliseconds)
    return "\((milliseconds + 999) / 1000)"
  }

  private static func moment(_ text: String) -> Timestamp? {
    let parts = text.split(separator: " ")
    guard parts.count == 6, parts[5] == "GMT", parts[1].count == 2,
      let month = months.firstIndex(of: String(parts[2]))
    else { return nil }
    let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
    return Timestamp(rfc3339: "\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z")
  }
}
