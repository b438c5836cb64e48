// The socket constants and structs belong to whichever module the compiler loads first, so both are
// imported.
internal import CMicrohttpd
internal import Glibc

/// A socket that listens: TCP, or a Unix-domain socket.
///
/// Made here rather than by libmicrohttpd, so that the address can be chosen and the port be known.
struct ListeningSocket {
  let descriptor: Int32
  /// The TCP port; 0 for a Unix-domain socket.
  let port: UInt16
  /// Where a Unix-domain socket lies.
  private let path: String?

  init(_ configuration: HTTPServerConfiguration) throws(HTTPServerError) {
    if let path = configuration.socketPath {
      self.init(descriptor: try UnixSocket.listen(at: path), port: 0, path: path)
    } else {
      try self.init(address: configuration.address, port: configuration.port)
    }
  }

  private init(address: String, port: UInt16) throws(HTTPServerError) {
    var version4 = sockaddr_in()
    var version6 = sockaddr_in6()
    if inet_pton(AF_INET, address, &version4.sin_addr) == 1 {
      version4.sin_family = sa_family_t(AF_INET)
      version4.sin_port = port.bigEndian
      self = try Self.bound(version4, family: AF_INET)
    } else if inet_pton(AF_INET6, address, &version6.sin6_addr) == 1 {
      version6.sin6_family = sa_family_t(AF_INET6)
      version6.sin6_port = port.bigEndian
      self = try Self.bound(version6, family: AF_INET6)
    } else {
      throw .invalidAddress(address)
    }
  }

  private init(descriptor: Int32, port: UInt16, path: String? = nil) {
    self.descriptor = descriptor
    self.port = port
    self.path = path
  }

  /// Takes the name away, so that nobody comes any more who finds the server by it.
  func removeName() {
    if let path { _ = unlink(path) }
  }

  func close() {
    removeName()
    _ = Glibc.close(descriptor)
  }

  private static func bound<Address>(
    _ address: Address, family: Int32
  ) throws(HTTPServerError) -> ListeningSocket {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(family, kind, 0)
    guard descriptor >= 0 else { throw .system(call: "socket", code: errno) }
    do throws(HTTPServerError) {
      var yes: Int32 = 1
      let flagSize = socklen_t(MemoryLayout<Int32>.size)
      // A restart must not wait until the connections of the last run are forgotten.
      _ = setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, flagSize)
      if family == AF_INET6 {
        _ = setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &yes, flagSize)
      }
      var address = address
      let size = socklen_t(MemoryLayout<Address>.size)
      let isBound = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
      }
      guard isBound == 0 else { throw HTTPServerError.system(call: "bind", code: errno) }
      guard listen(descriptor, Int32(HTTPLimits.backlogConnections)) == 0 else {
        throw HTTPServerError.system(call: "listen", code: errno)
      }
      return ListeningSocket(descriptor: descriptor, port: try boundPort(descriptor))
    } catch {
      _ = Glibc.close(descriptor)
      throw error
    }
  }

  private static func boundPort(_ descriptor: Int32) throws(HTTPServerError) -> UInt16 {
    var storage = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        getsockname(descriptor, $0, &size)
      }
    }
    guard result == 0 else { throw .system(call: "getsockname", code: errno) }
    return SocketAddress.port(storage)
  }
}

/// What is read out of the kernel's addresses.
enum SocketAddress {
  static func port(_ storage: sockaddr_storage) -> UInt16 {
    withUnsafeBytes(of: storage) { bytes in
      // In sockaddr_in as in sockaddr_in6 the port is the two bytes behind the family.
      UInt16(bytes[2]) << 8 | UInt16(bytes[3])
    }
  }

  /// The address in text, without port; an IPv4 address mapped into IPv6 as IPv4.
  static func text(_ address: UnsafePointer<sockaddr>?) -> String {
    guard let address else { return "unknown" }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let size = socklen_t(text.count)
    let raw = UnsafeRawPointer(address)
    switch Int32(address.pointee.sa_family) {
    case AF_INET:
      var host = raw.loadUnaligned(as: sockaddr_in.self).sin_addr
      guard inet_ntop(AF_INET, &host, &text, size) != nil else { return "unknown" }
    case AF_INET6:
      var host = raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr
      guard inet_ntop(AF_INET6, &host, &text, size) != nil else { return "unknown" }
    case AF_UNIX:
      return "local"
    default:
      return "unknown"
    }
    let end = text.firstIndex(of: 0) ?? text.endIndex
    let name = String(decoding: text[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return name.hasPrefix("::ffff:") && name.contains(".") ? String(name.dropFirst(7)) : name
  }
}
