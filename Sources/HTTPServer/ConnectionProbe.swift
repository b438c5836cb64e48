// The socket constants and structs belong to whichever module the compiler loads first, so both are
// imported.
internal import CMicrohttpd
internal import Glibc

/// Finds out whether somebody takes TCP connections at an address, by making one and dropping it.
public enum ConnectionProbe {
  /// What was found.
  public enum Outcome: Sendable, Equatable {
    /// A connection was made.
    case accepted
    /// Every address of the host refused, or the host has none.
    case refused
    /// Nothing was heard in time.
    case silent
  }

  /// The most addresses of one host that are tried.
  private static let addressesMax = 8

  /// Tries every address of `host` at the same time, so that one that is silent hides no other.
  ///
  /// Blocks its thread, for as long as the name takes to be looked up and `timeoutSeconds` more.
  ///
  /// - Parameters:
  ///   - host: A name or a numeric address, without brackets.
  ///   - port: The port.
  ///   - timeoutSeconds: How long all attempts together may take.
  /// - Returns: What the first connection or the last refusal says.
  public static func run(host: String, port: UInt16, timeoutSeconds: Double) -> Outcome {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = Int32(AI_NUMERICSERV)
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, "\(port)", &hints, &found) == 0 else { return .refused }
    defer { freeaddrinfo(found) }
    var attempts: [pollfd] = []
    defer { for attempt in attempts where attempt.fd >= 0 { _ = close(attempt.fd) } }
    var next = found
    while let address = next?.pointee, attempts.count < addressesMax {
      next = address.ai_next
      switch begin(address) {
      case .made: return .accepted
      case .pending(let descriptor):
        attempts.append(pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0))
      case .failed: continue
      }
    }
    return wait(for: &attempts, timeoutSeconds: timeoutSeconds)
  }

  private enum Attempt {
    case made
    case pending(Int32)
    case failed
  }

  private static func begin(_ address: addrinfo) -> Attempt {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(address.ai_family, kind, 0)
    guard descriptor >= 0 else { return .failed }
    let result = connect(descriptor, address.ai_addr, address.ai_addrlen)
    if result != 0, errno == EINPROGRESS { return .pending(descriptor) }
    _ = close(descriptor)
    return result == 0 ? .made : .failed
  }

  /// Waits for the first of the attempts that succeeds; those that fail are left out of the next
  /// wait, as poll(2) does with negative descriptors.
  private static func wait(for attempts: inout [pollfd], timeoutSeconds: Double) -> Outcome {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(timeoutSeconds)
    while attempts.contains(where: { $0.fd >= 0 }) {
      let left = clock.now.duration(to: end) / .milliseconds(1)
      guard left > 0 else { return .silent }
      guard poll(&attempts, nfds_t(attempts.count), Int32(left.rounded(.up))) >= 0 else {
        if errno == EINTR { continue }
        return .refused
      }
      for index in attempts.indices where attempts[index].revents != 0 {
        if error(of: attempts[index].fd) == 0 { return .accepted }
        _ = close(attempts[index].fd)
        attempts[index].fd = -1
        attempts[index].revents = 0
      }
    }
    return .refused
  }

  /// How the attempt ended, as an errno.
  private static func error(of descriptor: Int32) -> Int32 {
    var code: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else { return errno }
    return code
  }
}
