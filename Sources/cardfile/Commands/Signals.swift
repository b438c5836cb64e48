internal import Dispatch
internal import Glibc
internal import Synchronization

/// SIGTERM, SIGINT and SIGHUP as events; SIGPIPE is ignored, since a client may leave at any time.
struct Signals {
  private let sources: [any DispatchSourceSignal]
  private let stopped: AsyncStream<Void>
  private let state: State

  private struct Reloading {
    var reload: (@Sendable () -> Void)?
    var isWanted = false
  }

  /// What has come so far.
  private final class State: Sendable {
    let isStopping = Atomic<Bool>(false)
    let reloading = Mutex(Reloading())

    func reload() {
      let reload = reloading.withLock { reloading in
        if reloading.reload == nil { reloading.isWanted = true }
        return reloading.reload
      }
      reload?()
    }
  }

  /// Takes over the signals.
  ///
  /// Returns when every signal is heard. Dispatch takes a signal over a little later than it is
  /// told to; one that comes before still does what the system does by default, and none is lost.
  static func take() async -> Signals {
    signal(SIGPIPE, SIG_IGN)
    let (stream, continuation) = AsyncStream<Void>.makeStream()
    let state = State()
    let queue = DispatchQueue(label: "signals")
    let registrations = DispatchGroup()
    let sources = [SIGTERM, SIGINT, SIGHUP].map { number in
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        if number == SIGHUP { return state.reload() }
        state.isStopping.store(true, ordering: .releasing)
        continuation.yield()
      }
      registrations.enter()
      source.setRegistrationHandler { registrations.leave() }
      source.resume()
      return source
    }
    await withCheckedContinuation { isHeard in
      registrations.notify(queue: queue) { isHeard.resume() }
    }
    return Signals(sources: sources, stopped: stream, state: state)
  }

  /// Runs `reload` for each SIGHUP from now on, and at once for one that has come already.
  func onReload(_ reload: @escaping @Sendable () -> Void) {
    let isWanted = state.reloading.withLock { reloading in
      reloading.reload = reload
      return reloading.isWanted
    }
    if isWanted { reload() }
  }

  /// Tells whether the end has been asked for, from any thread.
  var isStopping: @Sendable () -> Bool {
    { [state] in state.isStopping.load(ordering: .acquiring) }
  }

  /// Returns at the first SIGTERM or SIGINT, or at once when one has come already.
  func waitForStop() async {
    for await _ in stopped { return }
  }
}
