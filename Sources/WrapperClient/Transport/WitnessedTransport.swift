internal import Synchronization

/// Sends calls, and knows whether the Wrapper ever answered one as somebody who may ask.
final class WitnessedTransport: WrapperSending {
  private let transport: any WrapperSending
  private let answered = Atomic(false)

  init(_ transport: any WrapperSending) {
    self.transport = transport
  }

  /// Whether one good answer came since the start.
  var hasAnswered: Bool { answered.load(ordering: .relaxed) }

  func send(_ call: WrapperCall) async -> Result<WrapperAnswer, TransportFailure> {
    let result = await transport.send(call)
    if case .success(let answer) = result, Self.isGood(answer.status) {
      answered.store(true, ordering: .relaxed)
    }
    return result
  }

  func close() { transport.close() }

  /// Whether it is an answer to the question: also that there is no such thing, but not that the
  /// key is refused.
  private static func isGood(_ status: Int) -> Bool {
    (200..<500).contains(status) && ![401, 403, 429].contains(status)
  }
}
