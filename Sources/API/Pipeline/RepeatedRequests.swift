internal import CRM
internal import HTTP
internal import WrapperClient

/// Gives requests with an `Idempotency-Key` the answer that the first of them got.
///
/// Of two that race, the second waits for the first.
struct RepeatedRequests: Sendable {
  private let store: RecordStore
  private let turns = KeyTurns()

  init(store: RecordStore) {
    self.store = store
  }

  /// Runs `work`, unless an earlier request with the same key was executed.
  func once(
    _ context: RequestContext, _ key: IdempotencyKey?,
    _ work: @Sendable (RequestContext) async throws -> HTTPResponse
  ) async throws -> HTTPResponse {
    guard let key else { return try await work(context) }
    var context = context
    context.idempotencyKey = key
    let session = context.session
    let caller = try context.mutation().caller
    let name = [session.tenantID, session.userID, key.method, key.path, key.key]
      .joined(separator: "\u{0}")
    while true {
      if let answer = try store.replay(key, for: caller) { return answer.response }
      if turns.begin(name) {
        defer { turns.end(name) }
        // Whoever had the turn until now may have answered since.
        if let answer = try store.replay(key, for: caller) { return answer.response }
        return try await work(context)
      }
      guard await turns.wait(for: name) else {
        throw Problem(
          .conflict, "The first request with this Idempotency-Key is still under way.")
      }
    }
  }
}
