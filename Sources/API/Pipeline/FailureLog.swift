internal import CRM
internal import HTTP
internal import Synchronization
internal import Values
internal import WrapperClient

/// Tells the activity log of mutations that were refused or failed.
final class FailureLog: Sendable {
  private let store: RecordStore
  private let time: TimeSource
  private let log: Log

  /// Validation failures in the current minute, by user.
  private let recent = Mutex<(minute: Int64, counts: [String: Int])>((0, [:]))
  /// Validation failures that are logged per user and minute; more are only counted.
  private static let validationFailuresPerMinute = 10

  init(store: RecordStore, time: TimeSource, log: Log) {
    self.store = store
    self.time = time
    self.log = log
  }

  /// Writes `<operation>.failed`, unless nobody is known to have failed (401), the server could not
  /// write anyway (503, 507), or the user has failed by bad input too often this minute.
  func note(_ problem: Problem, _ context: RequestContext) async {
    guard ![401, 429, 503, 507].contains(problem.code.status), !context.operation.isEmpty else {
      return
    }
    if problem.code.status == 422 || problem.code.status == 400,
      !isRare(context.session.userID, context.tenantID)
    {
      return
    }
    do {
      // A failed attempt to act for others is the caller's own.
      try await store.logFailure(
        of: context.mutation(), entityID: context.parameters.value(of: "id"), problem: problem)
    } catch {
      log.write(.warning, "a refusal could not be logged as an activity: \(error)")
    }
  }

  private func isRare(_ userID: String, _ tenantID: String) -> Bool {
    let minute = time.now().milliseconds / 60_000
    let key = "\(tenantID)/\(userID)"
    return recent.withLock { recent in
      if recent.minute != minute { recent = (minute, [:]) }
      let count = recent.counts[key, default: 0] + 1
      recent.counts[key] = count
      return count <= Self.validationFailuresPerMinute
    }
  }
}
