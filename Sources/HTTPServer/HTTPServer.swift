internal import Dispatch
internal import Glibc
public import HTTP
internal import Synchronization
public import Values

/// An HTTP/1.1 server on libmicrohttpd.
///
/// A handler starts on the thread that received its request. If it never waits it is answered there
/// and then; if it does, the connection is put aside until it ends. A server starts once, and must
/// be stopped before it is let go.
public final class HTTPServer: Sendable {
  private struct Listener {
    let daemon: Daemon
    let socket: ListeningSocket
    let sweeper: DeadlineSweeper
  }

  private enum Phase {
    case new
    case running(Listener)
    case stopping
    case stopped
  }

  private struct Lifecycle {
    var phase = Phase.new
    /// Those who called ``stop(graceSeconds:)`` while another call was at it.
    var waiters: [CheckedContinuation<Void, Never>] = []
  }

  private let configuration: HTTPServerConfiguration
  private let core: ServerCore
  private let identityError: HTTPServerError?
  private let lifecycle = Mutex(Lifecycle())

  /// A server that does not listen yet.
  ///
  /// A certificate that cannot be read is reported by ``start()``.
  public init(
    configuration: HTTPServerConfiguration, application: any HTTPApplication,
    time: TimeSource = .system, random: RandomSource = .system
  ) {
    var certificate: TLSCertificate?
    var identityError: HTTPServerError?
    do throws(HTTPServerError) {
      certificate = try configuration.tls.map { identity throws(HTTPServerError) in
        try TLSCertificate(identity)
      }
    } catch {
      identityError = error
    }
    self.configuration = configuration
    self.identityError = identityError
    core = ServerCore(
      configuration: configuration, certificate: certificate, application: application,
      time: time, random: random)
  }

  /// Listens and serves from now on.
  ///
  /// - Returns: The port, which matters when the configuration left it open; 0 for a Unix-domain
  ///   socket.
  /// - Throws: ``HTTPServerError`` when the address, the certificate or the system stands against
  ///   it.
  public func start() throws(HTTPServerError) -> UInt16 {
    if let identityError { throw identityError }
    try lifecycle.withLock { lifecycle throws(HTTPServerError) in
      guard case .new = lifecycle.phase else { throw .alreadyStarted }
      lifecycle.phase = .stopped
    }
    DescriptorLimit.raise(to: core.limits.connectionsMax + HTTPLimits.descriptorsReserved)
    let socket = try ListeningSocket(configuration)
    do throws(HTTPServerError) {
      let daemon = try Daemon(
        core: core, descriptor: socket.descriptor, configuration: configuration)
      let listener = Listener(
        daemon: daemon, socket: socket, sweeper: DeadlineSweeper(core: core))
      lifecycle.withLock { $0.phase = .running(listener) }
    } catch {
      socket.close()
      throw error
    }
    return socket.port
  }

  /// Stops listening, lets requests end, and ends the threads.
  ///
  /// Requests that are under way have `graceSeconds`; after that handlers are cancelled and clients
  /// get 503 `overloaded`, or see a stream break. Handlers that ignore cancellation may still be
  /// running when this returns; what they answer is dropped. May be called more than once: every
  /// call returns when the server has stopped.
  public func stop(graceSeconds: Double) async {
    await withCheckedContinuation { continuation in
      let running = lifecycle.withLock { lifecycle -> Listener? in
        switch lifecycle.phase {
        case .running(let listener):
          lifecycle.phase = .stopping
          lifecycle.waiters.append(continuation)
          return listener
        case .stopping:
          lifecycle.waiters.append(continuation)
        case .new, .stopped:
          lifecycle.phase = .stopped
          continuation.resume()
        }
        return nil
      }
      guard let listener = running else { return }
      // Waiting for threads blocks, which a thread of the concurrency pool must not.
      DispatchQueue(label: "http-server-stop").async { [self] in
        end(listener, graceSeconds: graceSeconds)
      }
    }
  }

  /// Uses another certificate and key for handshakes from now on; open connections keep theirs.
  ///
  /// - Throws: ``HTTPServerError/invalidIdentity(_:)``, and the old one stays in use.
  public func reload(tls identity: TLSIdentity) throws(HTTPServerError) {
    core.use(try TLSCertificate(identity))
  }

  /// What there is to count.
  public var metrics: HTTPServerMetrics {
    HTTPServerMetrics(
      openConnections: core.registry.count, suspendedConnections: core.tally.suspendedCount,
      activeRequests: core.tally.activeCount, requests: core.tally.requestCount,
      refused: core.tally.refusedCount, timedOut: core.registry.timedOutCount)
  }

  private func end(_ listener: Listener, graceSeconds: Double) {
    listener.socket.removeName()
    core.beginStopping()
    core.tally.waitUntilInactive(deadline: .now() + max(0, graceSeconds))
    core.registry.closeAll()
    core.tally.waitUntilNoneSuspended()
    // What was just answered has yet to be sent.
    core.tally.waitUntilInactive(deadline: .now() + Double(HTTPLimits.farewellSeconds))
    // This closes the listening socket too.
    listener.daemon.stop()
    listener.sweeper.stop()
    let waiters = lifecycle.withLock { lifecycle in
      lifecycle.phase = .stopped
      defer { lifecycle.waiters = [] }
      return lifecycle.waiters
    }
    for waiter in waiters { waiter.resume() }
  }
}

/// The descriptors that the process may open.
enum DescriptorLimit {
  /// Raises the soft limit to `count`, or as far as the hard limit allows.
  static func raise(to count: Int) {
    var limit = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard getrlimit(resource, &limit) == 0,
      limit.rlim_cur < rlim_t(count)
    else { return }
    limit.rlim_cur = min(rlim_t(count), limit.rlim_max)
    _ = setrlimit(resource, &limit)
  }
}
