internal import Dispatch
internal import Glibc
internal import Synchronization

/// Reads on for clients that still send a body after their last answer was sent.
///
/// The kernel resets a connection that is closed while bytes wait unread, and many a client looks
/// for the answer only after it has sent everything: it would see a broken pipe in place of 401 or
/// 404.
final class LingeringConnections: Sendable {
  private let queue = DispatchQueue(label: "http-server-lingering")
  private let count = Atomic<Int>(0)
  private let limits: HTTPLimits

  init(_ limits: HTTPLimits) {
    self.limits = limits
  }

  /// Keeps the connection open for reading, after `descriptor` itself was closed, until the client
  /// ends it or a bound is reached.
  func add(_ descriptor: Int32) {
    guard count.add(1, ordering: .relaxed).newValue <= limits.lingeringConnectionsMax else {
      count.subtract(1, ordering: .relaxed)
      return
    }
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else {
      count.subtract(1, ordering: .relaxed)
      return
    }
    let reader = LingeringReader(copy, bytesMax: limits.drainBytesMax, queue: queue) { [self] in
      count.subtract(1, ordering: .relaxed)
    }
    reader.start()
    let deadline = DispatchTime.now() + .seconds(limits.lingeringSecondsMax)
    queue.asyncAfter(deadline: deadline) { reader.end() }
  }
}

/// One connection that is only read, and whose bytes are dropped.
private final class LingeringReader: Sendable {
  // Safety: a dispatch source may be used from any thread; its type does not say so yet.
  private nonisolated(unsafe) let source: any DispatchSourceRead
  private let descriptor: Int32
  private let bytesMax: Int
  private let readBytes = Atomic<Int>(0)

  private static let pieceBytes = 65_536

  init(
    _ descriptor: Int32, bytesMax: Int, queue: DispatchQueue,
    whenEnded: @escaping @Sendable () -> Void
  ) {
    self.descriptor = descriptor
    self.bytesMax = bytesMax
    source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
    source.setCancelHandler {
      _ = close(descriptor)
      whenEnded()
    }
  }

  func start() {
    // The source keeps the reader until it is cancelled, which the deadline sees to.
    source.setEventHandler { [self] in read() }
    source.activate()
  }

  func end() {
    source.cancel()
  }

  private func read() {
    withUnsafeTemporaryAllocation(byteCount: Self.pieceBytes, alignment: 1) { piece in
      let count = recv(descriptor, piece.baseAddress, piece.count, Int32(MSG_DONTWAIT))
      if count < 0, errno == EAGAIN || errno == EINTR { return }
      let sum = readBytes.add(max(0, count), ordering: .relaxed).newValue
      if count <= 0 || sum > bytesMax { end() }
    }
  }
}
