internal import Foundation
internal import Glibc

/// Starts and ends the programs that the benchmark drives.
enum ChildProcess {
  /// Runs `process` with no signal blocked.
  ///
  /// A child inherits the signal mask of the thread that starts it, and the threads that run
  /// Swift's tasks block nearly all of them: such a child would never hear SIGTERM.
  static func start(_ process: Process) throws {
    var none = sigset_t()
    var previous = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &previous)
    defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
    try process.run()
  }

  /// Calls `body`, and kills the process when it takes longer than `seconds`.
  static func withDeadline<T>(
    of seconds: Double, killing process: Process, _ body: () throws -> T
  ) rethrows -> T {
    let identifier = process.processIdentifier
    let deadline = DispatchWorkItem { [process] in
      if process.isRunning { kill(identifier, SIGKILL) }
    }
    DispatchQueue.global().asyncAfter(deadline: .now() + seconds, execute: deadline)
    defer { deadline.cancel() }
    return try body()
  }
}
