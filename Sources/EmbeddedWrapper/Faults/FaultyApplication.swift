internal import HTTP
internal import Synchronization

/// An application whose answers come late or not at all, as a plan says.
///
/// What is refused before anything runs, such as a wrong key, is refused as ever.
struct FaultyApplication: HTTPApplication {
  private let application: WrapperApplication
  private let plan: FaultPlan
  private let lot: FaultLot

  init(_ application: WrapperApplication, _ plan: FaultPlan) {
    self.application = application
    self.plan = plan
    lot = FaultLot(seed: plan.seed)
  }

  func route(_ head: HTTPRequestHead) -> HTTPRouting {
    let routing = application.route(head)
    guard case .handle(let body, let handler) = routing else { return routing }
    let fails = lot.draw(share: plan.failRate)
    return .handle(body: body) { [self] request in
      do {
        try await Task.sleep(for: .milliseconds(plan.latencyMilliseconds))
      } catch {
        // The server stops, or the client has left.
        return unavailable(request.head)
      }
      return fails ? unavailable(request.head) : await handler(request)
    }
  }

  func refusal(_ problem: Problem, requestID: String, path: String) -> HTTPResponse {
    application.refusal(problem, requestID: requestID, path: path)
  }

  func completed(_ exchange: HTTPExchange) {
    application.completed(exchange)
  }

  private func unavailable(_ head: HTTPRequestHead) -> HTTPResponse {
    refusal(
      Problem(.wrapperUnavailable, "This Wrapper fails on purpose."),
      requestID: head.requestID, path: head.path)
  }
}

/// Draws the requests that fail, the same ones for the same seed (SplitMix64).
final class FaultLot: Sendable {
  private let state: Atomic<UInt64>

  init(seed: UInt64) {
    state = Atomic(seed)
  }

  /// Whether the next request is among `share` of all.
  func draw(share: Double) -> Bool {
    var mixed = state.wrappingAdd(0x9e37_79b9_7f4a_7c15, ordering: .relaxed).newValue
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    mixed ^= mixed >> 31
    return Double(mixed >> 11) / 9_007_199_254_740_992 < share
  }
}
