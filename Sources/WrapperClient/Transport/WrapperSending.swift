/// What carries calls to the Wrapper and brings its answers back.
///
/// The program has one that speaks HTTP; a simulation puts a Wrapper of its own in its place.
protocol WrapperSending: Sendable {
  /// Sends `call` and waits for the whole answer, at most `call.seconds`.
  func send(_ call: WrapperCall) async -> Result<WrapperAnswer, TransportFailure>

  /// Breaks what is under way; what comes later is not sent.
  func close()
}
