internal import CRM
internal import HTTP
internal import Synchronization
internal import WrapperClient

/// How many files or exports are on their way in and out: each keeps some chunks in memory and a
/// connection busy for as long as its client likes.
final class FileTransfers: Sendable {
  private struct Counts {
    var total = 0
    var byUser: [String: Int] = [:]
  }

  private let totalMax: Int
  private let perUserMax: Int
  private let counts = Mutex(Counts())

  init(
    totalMax: Int = CRM.Limits.transfersMax, perUserMax: Int = CRM.Limits.transfersPerUserMax
  ) {
    self.totalMax = totalMax
    self.perUserMax = perUserMax
  }

  /// Counts one more.
  ///
  /// - Returns: What is to be called once, when the file has arrived or never will.
  /// - Throws: 503 `overloaded` when there are enough, of this user or in all.
  func begin(_ context: RequestContext) throws(Problem) -> @Sendable () -> Void {
    let user = "\(context.tenantID)/\(context.session.userID)"
    let isTaken = counts.withLock { counts in
      guard counts.total < totalMax, counts.byUser[user, default: 0] < perUserMax
      else { return false }
      counts.total += 1
      counts.byUser[user, default: 0] += 1
      return true
    }
    guard isTaken else {
      throw Problem(
        .overloaded, "Too many files are being sent at the moment.",
        headers: ["Retry-After": "1"])
    }
    return { [self] in end(user) }
  }

  private func end(_ user: String) {
    counts.withLock { counts in
      counts.total -= 1
      let count = counts.byUser[user, default: 1] - 1
      counts.byUser[user] = count > 0 ? count : nil
    }
  }
}
