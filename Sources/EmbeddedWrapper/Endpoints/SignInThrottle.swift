internal import HTTP
internal import Synchronization
internal import Values

/// Counts failed sign-ins by account and by address, and refuses after too many in a minute.
///
/// Attempts under way count too, so that many guesses at once gain nothing over one after another.
final class SignInThrottle: Sendable {
  /// How an attempt ended.
  enum Outcome: Sendable {
    case succeeded
    case failed
    /// The password was not looked at.
    case untried
  }

  /// An attempt under way.
  struct Attempt: Sendable {
    fileprivate let account: String
    fileprivate let address: String?

    fileprivate var keys: [String] { [account] + (address.map { [$0] } ?? []) }
  }

  private struct Record {
    /// When the latest failures were, in nanoseconds, oldest first.
    var failures: [UInt64] = []
    var underWay = 0
  }

  private let time: TimeSource
  private let records = Mutex<[String: Record]>([:])

  init(time: TimeSource) {
    self.time = time
  }

  /// Begins an attempt, which ``end(_:_:)`` ends.
  ///
  /// - Throws: 429 `rate_limited` with the seconds to wait.
  func begin(account: String, address: String?) throws(Problem) -> Attempt {
    let attempt = Attempt(
      account: "account " + String(Folding.lowercased(account).prefix(Self.keyCharactersMax)),
      address: address.map { "address \($0)" })
    let now = time.monotonicNanoseconds()
    let wait = records.withLock { records -> UInt64? in
      if records.count > Limits.signInRecordsMax { Self.forget(&records, now: now) }
      let waits = attempt.keys.compactMap { Self.wait(records[$0], now: now) }
      guard waits.isEmpty else { return waits.max() }
      for key in attempt.keys { records[key, default: Record()].underWay += 1 }
      return nil
    }
    guard let wait else { return attempt }
    throw Problem(
      .rateLimited, "Too many attempts to sign in failed; wait a little.",
      headers: ["Retry-After": String(wait / 1_000_000_000 + 1)])
  }

  /// Ends an attempt; a success clears the account, but not the address, from which others may
  /// still be tried.
  func end(_ attempt: Attempt, _ outcome: Outcome) {
    let now = time.monotonicNanoseconds()
    records.withLock { records in
      for key in attempt.keys {
        var record = records[key] ?? Record(underWay: 1)
        record.underWay -= 1
        if outcome == .failed {
          record.failures = (record.failures + [now]).suffix(Limits.signInFailuresPerMinuteMax)
        }
        if outcome == .succeeded, key == attempt.account { record.failures = [] }
        let isEmpty = record.failures.isEmpty && record.underWay == 0
        records[key] = isEmpty ? nil : record
      }
    }
  }

  private static let windowNanoseconds: UInt64 = 60_000_000_000
  private static let keyCharactersMax = 254

  /// The nanoseconds until another attempt may begin; nil when it may now.
  private static func wait(_ record: Record?, now: UInt64) -> UInt64? {
    guard let record else { return nil }
    let recent = record.failures.filter { now &- $0 < windowNanoseconds }
    if let oldest = recent.first, recent.count >= Limits.signInFailuresPerMinuteMax {
      return windowNanoseconds - (now &- oldest)
    }
    let isCrowded =
      record.underWay + recent.count
      >= Limits.signInFailuresPerMinuteMax + Limits.signInsAtOnceMax
    return isCrowded ? 1_000_000_000 : nil
  }

  /// Each failure costs a hash, of which two run at a time: more than the bound cannot be recent,
  /// and what is not is worth nothing any more.
  private static func forget(_ records: inout [String: Record], now: UInt64) {
    records = records.filter { _, record in
      record.underWay > 0 || record.failures.contains { now &- $0 < windowNanoseconds }
    }
  }
}
