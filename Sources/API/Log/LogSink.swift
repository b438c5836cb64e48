internal import Foundation

/// Gathers lines and hands them on from its own thread.
///
/// Safety: `@unchecked Sendable` because `pending` and `isClosed` are touched only under
/// `condition`, which a Mutex of the standard library cannot wait on.
final class LogSink: @unchecked Sendable {
  private let condition = NSCondition()
  private var pending: [UInt8] = []
  private var dropped = 0
  private var isClosed = false
  private var hasEnded = false

  /// Bytes that wait at most; a log that nobody takes must not fill the memory.
  private static let pendingBytesMax = 4 * 1024 * 1024

  /// How long lines are gathered before they are written: waking the thread for each would cost
  /// more than the line.
  private static let gatherSeconds = 0.02

  init(_ output: @escaping @Sendable ([UInt8]) -> Void) {
    let thread = Thread { [self] in run(output) }
    thread.name = "log"
    thread.start()
  }

  func append(_ line: [UInt8]) {
    condition.lock()
    defer { condition.unlock() }
    guard !isClosed, pending.count + line.count <= Self.pendingBytesMax else {
      dropped += 1
      return
    }
    let wasEmpty = pending.isEmpty
    pending += line
    if wasEmpty { condition.signal() }
  }

  /// Waits until everything is handed on.
  func close() {
    condition.lock()
    isClosed = true
    condition.broadcast()
    while !hasEnded { condition.wait() }
    condition.unlock()
  }

  private func run(_ output: ([UInt8]) -> Void) {
    var isRunning = true
    while isRunning {
      condition.lock()
      while pending.isEmpty, !isClosed { condition.wait() }
      let deadline = Date(timeIntervalSinceNow: Self.gatherSeconds)
      while !isClosed, condition.wait(until: deadline) {}
      var block: [UInt8] = []
      swap(&block, &pending)
      if dropped > 0 {
        block += Array(
          "\(dropped) log lines were dropped: they came faster than they were taken\n".utf8)
        dropped = 0
      }
      isRunning = !isClosed
      condition.unlock()
      if !block.isEmpty { output(block) }
    }
    condition.lock()
    hasEnded = true
    condition.broadcast()
    condition.unlock()
  }
}
