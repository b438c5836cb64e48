internal import Dispatch
internal import Glibc
internal import Synchronization

/// How a probe's write ended, from the writer's thread to the one that waits for it.
final class ProbeOutcome: Sendable {
  private let result = Mutex<Result<Int64??, any Error>?>(nil)
  private let isDone = DispatchSemaphore(value: 0)

  func finish(_ result: Result<Int64??, any Error>) {
    self.result.withLock { $0 = result }
    isDone.signal()
  }

  func wait(seconds: Double) throws -> Int64? {
    guard isDone.wait(timeout: .now() + seconds) == .success,
      let result = result.withLock({ $0 })
    else { throw DatabaseError.overloaded }
    return try result.get() ?? nil
  }
}

/// The size of a file in bytes, 0 when there is none.
func fileSize(_ path: String) -> Int64 {
  var status = stat()
  guard stat(path, &status) == 0 else { return 0 }
  return Int64(status.st_size)
}
