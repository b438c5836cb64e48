internal import Values

/// A place in the feed: the event that was the last one seen.
///
/// The event's time stands beside its number, because a file that was restored from an older copy
/// counts the same numbers a second time, for other events.
struct FeedCursor: Sendable, Hashable {
  /// Before the first event of all.
  static let start = FeedCursor(number: 0, milliseconds: 0)

  let number: Int64
  let milliseconds: Int64

  init(number: Int64, milliseconds: Int64) {
    self.number = number
    self.milliseconds = milliseconds
  }

  /// The place of the event with the given number and time.
  init(number: Int64, createdAt: String) {
    self.init(
      number: number, milliseconds: Timestamp(rfc3339: createdAt)?.milliseconds ?? 0)
  }

  /// Reads what ``text`` wrote; nil for anything else.
  init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let number = Int64(parts[0]), let milliseconds = Int64(parts[1]),
      number >= 0, milliseconds >= 0
    else { return nil }
    self.init(number: number, milliseconds: milliseconds)
  }

  /// The place as clients keep it, and the id of the event there.
  var text: String { "\(number)-\(milliseconds)" }
}
