internal import Dispatch
internal import Values

/// Looks again and again for connections whose time is over.
///
/// libmicrohttpd knows only a limit for doing nothing at all, under which one byte a second keeps a
/// connection for ever.
final class DeadlineSweeper: Sendable {
  // Safety: a dispatch source may be used from any thread; its type does not say so yet.
  private nonisolated(unsafe) let timer: any DispatchSourceTimer

  /// Looks from now on, until ``stop()``.
  init(core: ServerCore) {
    timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "http-server-deadlines"))
    timer.setEventHandler { [registry = core.registry, time = core.time] in
      registry.sweep(at: time.monotonicNanoseconds())
    }
    let interval = DispatchTimeInterval.milliseconds(HTTPLimits.sweepMilliseconds)
    timer.schedule(deadline: .now() + interval, repeating: interval)
    timer.activate()
  }

  func stop() {
    timer.cancel()
  }
}
