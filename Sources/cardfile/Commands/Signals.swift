internal import Dispatch
internal import Glibc

/// SIGTERM, SIGINT and SIGHUP as events; SIGPIPE is ignored, since a client may leave at any time.
struct Signals {
  private let sources: [any DispatchSourceSignal]
  private let stopped: AsyncStream<Void>

  /// Takes over the signals; `reload` runs for each SIGHUP.
  ///
  /// Returns when every signal is heard. Dispatch takes a signal over a little later than it is
  /// told to; one that comes before still does what the system does by default, and none is lost.
  static func take(reload: @escaping @Sendable () -> Void) async -> Signals {
    signal(SIGPIPE, SIG_IGN)
    let (stream, continuation) = AsyncStream<Void>.makeStream()
    let queue = DispatchQueue(label: "signals")
    let registrations = DispatchGroup()
    let sources = [SIGTERM, SIGINT, SIGHUP].map { number in
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        if number == SIGHUP { reload() } else { continuation.yield() }
      }
      registrations.enter()
      source.setRegistrationHandler { registrations.leave() }
      source.resume()
      return source
    }
    await withCheckedContinuation { isHeard in
      registrations.notify(queue: queue) { isHeard.resume() }
    }
    return Signals(sources: sources, stopped: stream)
  }

  /// Returns at the first SIGTERM or SIGINT.
  func waitForStop() async {
    for await _ in stopped { return }
  }
}
