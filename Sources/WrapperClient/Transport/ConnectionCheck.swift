internal import Dispatch
internal import Foundation
internal import HTTPServer
internal import Synchronization
internal import Values

/// Keeps calls from waiting out their whole time for a Wrapper that takes no connections: on Linux
/// URLSession knows no time for connecting.
///
/// Only where nothing was heard of the Wrapper lately a connection is tried before the next call,
/// one for all calls that come meanwhile; otherwise a check costs nothing.
final class ConnectionCheck: Sendable {
  private struct State {
    /// When the Wrapper last answered or took a connection, on the monotonic clock.
    var heardSeconds = -Double.infinity
    /// The attempt that is under way.
    var flight: Promise<ConnectionProbe.Outcome>?
  }

  private let host: String
  private let port: UInt16
  private let time: TimeSource
  private let state = Mutex(State())
  /// Where threads may block: looking a name up has no limit in time.
  private let queue = DispatchQueue(label: "cardfile.wrapper.connection")

  /// A check of who answers at `baseURL`; nil for an address that names no host.
  init?(baseURL: String, time: TimeSource) {
    guard let url = URL(string: baseURL), let host = url.host, !host.isEmpty else { return nil }
    let standard: UInt16 = url.scheme?.lowercased() == "http" ? 80 : 443
    guard let port = url.port.map({ UInt16(exactly: $0) }) ?? standard else { return nil }
    self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
    self.port = port
    self.time = time
  }

  /// Finds out whether a call may be sent.
  ///
  /// - Parameter seconds: The whole time of the call, of which this is a part.
  /// - Returns: why it may not; nil when it may.
  func refusal(withinSeconds seconds: Double) async -> TransportFailure? {
    guard let flight = flight() else { return nil }
    switch await flight.value(withinSeconds: min(seconds, Limits.connectSeconds)) {
    case .accepted: return nil
    case .refused: return .unreachable
    case .silent, nil: return seconds < Limits.connectSeconds ? .timeout : .noConnection
    }
  }

  /// The Wrapper answered something.
  func heard() {
    let now = time.monotonicSeconds
    state.withLock { $0.heardSeconds = now }
  }

  /// The Wrapper did not answer a call: the next one is not sent without a look.
  func doubt() {
    state.withLock { $0.heardSeconds = -.infinity }
  }

  /// The attempt to wait for; nil when the Wrapper was heard lately.
  private func flight() -> Promise<ConnectionProbe.Outcome>? {
    let now = time.monotonicSeconds
    return state.withLock { state in
      guard now - state.heardSeconds >= Limits.connectionTrustSeconds else { return nil }
      if let flight = state.flight { return flight }
      let flight = Promise<ConnectionProbe.Outcome>()
      state.flight = flight
      queue.async { [host, port] in
        let outcome = ConnectionProbe.run(
          host: host, port: port, timeoutSeconds: Limits.connectSeconds)
        self.land(outcome, flight)
      }
      return flight
    }
  }

  private func land(_ outcome: ConnectionProbe.Outcome, _ flight: Promise<ConnectionProbe.Outcome>)
  {
    let now = time.monotonicSeconds
    state.withLock { state in
      state.flight = nil
      if outcome == .accepted { state.heardSeconds = now }
    }
    flight.fulfil(outcome)
  }
}
