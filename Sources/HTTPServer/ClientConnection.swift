internal import CMicrohttpd
internal import Glibc
internal import Synchronization

/// One open connection: who is at the other end, until when it must have got further, and whether
/// libmicrohttpd has put it aside.
///
/// A connection is *suspended* while its request waits for something that libmicrohttpd does not
/// know of: a handler, a consumer of the body, a producer of the answer. Only a thread of
/// libmicrohttpd suspends, in a callback for this connection; any thread may wake it. After that
/// libmicrohttpd calls again, and the callback looks anew at what there is to do, so a needless
/// wake does no harm.
final class ClientConnection: Sendable {
  let remoteAddress: String
  /// Whether it came when there were enough already.
  let isExcess: Bool
  /// Whether it comes from another user than may use the Unix-domain socket.
  let isForeign: Bool

  private struct Gate {
    var isSuspended = false
    /// Suspended, or woken and not yet called again.
    var isAway = false
    /// The server stops: nothing waits any more.
    var isClosed = false
    var request: ServedRequest?
    /// What the handshake was given; GnuTLS refers to it without owning it.
    var certificate: TLSCertificate?
  }

  // Safety: used by the connection's own callbacks, and to resume while it is suspended; both keep
  // libmicrohttpd from freeing it.
  private nonisolated(unsafe) let handle: OpaquePointer
  private let descriptor: Int32
  private let core: ServerCore
  private let gate = Mutex(Gate())
  /// Nanoseconds on the monotonic clock after which the connection is cut.
  private let deadline: Atomic<UInt64>

  init(
    handle: OpaquePointer, descriptor: Int32, remoteAddress: String, isExcess: Bool,
    isForeign: Bool, deadline: UInt64, core: ServerCore
  ) {
    self.handle = handle
    self.descriptor = descriptor
    self.remoteAddress = remoteAddress
    self.isExcess = isExcess
    self.isForeign = isForeign
    self.deadline = Atomic(deadline)
    self.core = core
  }

  // MARK: The time that is left

  /// Sets the moment after which the connection is cut; nil for none.
  func mustProgress(by nanoseconds: UInt64?) {
    deadline.store(nanoseconds ?? .max, ordering: .relaxed)
  }

  func isOverdue(at nanoseconds: UInt64) -> Bool {
    deadline.load(ordering: .relaxed) < nanoseconds
  }

  /// Ends both directions, which libmicrohttpd then notices and closes.
  ///
  /// Called only while the registry's lock keeps the descriptor from being closed and used again.
  func cut() {
    mustProgress(by: nil)
    _ = shutdown(descriptor, Int32(SHUT_RDWR))
  }

  /// Lets the client send what it still has after its last answer; told before libmicrohttpd closes
  /// the descriptor.
  func linger() {
    core.lingering.add(descriptor)
  }

  // MARK: Suspending

  /// Told at the begin of each callback of the connection.
  func enter() {
    let wasAway = gate.withLock { gate in
      defer { gate.isAway = false }
      return gate.isAway
    }
    if wasAway { core.tally.leaveSuspended() }
  }

  /// Puts the connection aside unless there is something to do.
  ///
  /// `isReady` runs under the gate's lock and ``wake()`` takes the same lock after the fact, so
  /// that what becomes ready in between is not missed.
  ///
  /// - Returns: Whether it was put aside; the callback must then return without doing anything.
  func suspend(unless isReady: () -> Bool) -> Bool {
    gate.withLock { gate in
      guard !gate.isClosed, !isReady() else { return false }
      gate.isSuspended = true
      gate.isAway = true
      core.tally.enterSuspended()
      MHD_suspend_connection(handle)
      return true
    }
  }

  /// Lets libmicrohttpd call again, if the connection is suspended.
  func wake() {
    gate.withLock { gate in
      guard gate.isSuspended else { return }
      gate.isSuspended = false
      MHD_resume_connection(handle)
    }
  }

  /// Whether nothing may wait any more.
  var isClosed: Bool { gate.withLock(\.isClosed) }

  /// The server stops: whatever waits is woken and finds that it must end.
  func close() {
    let request = gate.withLock { gate in
      gate.isClosed = true
      return gate.request
    }
    request?.abandon()
    wake()
  }

  // MARK: What belongs to the connection

  func begin(_ request: ServedRequest) {
    gate.withLock { $0.request = request }
  }

  func endRequest() {
    gate.withLock { $0.request = nil }
  }

  /// The certificate of the moment, kept as long as the connection.
  func certificateForHandshake() -> TLSCertificate? {
    let certificate = core.currentCertificate
    gate.withLock { $0.certificate = certificate }
    return certificate
  }
}

/// The open connections of a server.
final class ConnectionRegistry: Sendable {
  private struct Connections {
    var open: [ObjectIdentifier: ClientConnection] = [:]
    var isClosed = false
  }

  private let connections = Mutex(Connections())
  private let timedOut = Atomic<Int>(0)

  var count: Int { connections.withLock { $0.open.count } }
  var timedOutCount: Int { timedOut.load(ordering: .relaxed) }

  func insert(_ connection: ClientConnection) {
    let isClosed = connections.withLock { connections in
      connections.open[ObjectIdentifier(connection)] = connection
      return connections.isClosed
    }
    if isClosed { connection.close() }
  }

  /// Told before libmicrohttpd closes the connection's descriptor.
  func remove(_ connection: ClientConnection) {
    _ = connections.withLock { $0.open.removeValue(forKey: ObjectIdentifier(connection)) }
  }

  /// Cuts every connection whose time is over.
  func sweep(at nanoseconds: UInt64) {
    connections.withLock { connections in
      for connection in connections.open.values where connection.isOverdue(at: nanoseconds) {
        timedOut.add(1, ordering: .relaxed)
        connection.cut()
      }
    }
  }

  /// Closes all gates, also those of connections still to come.
  func closeAll() {
    let open = connections.withLock { connections in
      connections.isClosed = true
      return Array(connections.open.values)
    }
    for connection in open { connection.close() }
  }
}
