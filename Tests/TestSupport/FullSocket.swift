import Glibc

/// A listening socket on loopback whose queue is full: the kernel drops what else wants to connect
/// without a word, as a firewall does.
public final class FullSocket: Sendable {
  /// Where it listens.
  public let port: UInt16
  private let descriptors: [Int32]

  /// Listens and fills the queue.
  public init() throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard listener >= 0 else { throw TestClientError.system(call: "socket", code: errno) }
    var descriptors = [listener]
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    guard inet_pton(AF_INET, "127.0.0.1", &address.sin_addr) == 1 else {
      throw TestClientError.malformed("127.0.0.1")
    }
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(listener, address, size) == 0 && listen(listener, 0) == 0
          && getsockname(listener, address, &size) == 0
      }
    }
    guard isListening else { throw TestClientError.system(call: "listen", code: errno) }
    // The queue holds one more than it was asked to; the rest of these wait already.
    for _ in 0..<4 {
      let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
      let client = socket(AF_INET, kind, 0)
      guard client >= 0 else { throw TestClientError.system(call: "socket", code: errno) }
      descriptors.append(client)
      _ = withUnsafePointer(to: &address) { address in
        address.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(client, $0, size) }
      }
      var waiting = pollfd(fd: client, events: Int16(POLLOUT), revents: 0)
      _ = poll(&waiting, 1, 100)
    }
    port = address.sin_port.bigEndian
    self.descriptors = descriptors
  }

  deinit {
    for descriptor in descriptors { _ = close(descriptor) }
  }
}
