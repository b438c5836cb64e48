internal import Synchronization

/// Counts what became of the feed's events.
final class FeedTally: Sendable {
  private struct State {
    var applied = 0
    var rejected: [RejectionReason: Int] = [:]
    var rejectedAnswers = 0
  }

  private let state = Mutex(State())

  init() {}

  /// Events that were taken.
  var applied: Int { state.withLock { $0.applied } }
  /// Events that were dropped, by reason.
  var rejected: [RejectionReason: Int] { state.withLock { $0.rejected } }
  /// Answers that were refused as a whole.
  var rejectedAnswers: Int { state.withLock { $0.rejectedAnswers } }

  func countApplied(_ count: Int) {
    state.withLock { $0.applied += count }
  }

  func count(_ reason: RejectionReason) {
    state.withLock { $0.rejected[reason, default: 0] += 1 }
  }

  func countRejectedAnswer() {
    state.withLock { $0.rejectedAnswers += 1 }
  }
}
