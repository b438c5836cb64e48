// The socket constants and structs belong to whichever module the compiler loads first, so both are
// imported.
internal import CMicrohttpd
internal import Glibc

/// Unix-domain stream sockets by path: the listening end, and the connecting one.
enum UnixSocket {
  /// Listens at `path`, where only this process's user may connect.
  ///
  /// A socket that nobody listens on any more, left by a process that was killed, is replaced.
  static func listen(at path: String) throws(HTTPServerError) -> Int32 {
    let descriptor = try open(flags: SOCK_NONBLOCK.rawValue)
    do throws(HTTPServerError) {
      // The file takes its mode from the descriptor, so that it is never wider, not even for a
      // moment.
      guard fchmod(descriptor, 0o600) == 0 else { throw .system(call: "fchmod", code: errno) }
      var failure = try call(path, onAddress: { bind(descriptor, $0, $1) })
      if failure == EADDRINUSE, isAbandoned(path) {
        _ = unlink(path)
        failure = try call(path, onAddress: { bind(descriptor, $0, $1) })
      }
      guard failure == 0 else { throw HTTPServerError.system(call: "bind", code: failure) }
      guard Glibc.listen(descriptor, Int32(HTTPLimits.backlogConnections)) == 0 else {
        let code = errno
        _ = unlink(path)
        throw HTTPServerError.system(call: "listen", code: code)
      }
      return descriptor
    } catch {
      _ = close(descriptor)
      throw error
    }
  }

  /// Connects to who listens at `path`; each read and write may take `timeoutSeconds`.
  static func connect(to path: String, timeoutSeconds: Int) throws(HTTPServerError) -> Int32 {
    let descriptor = try open(flags: 0)
    do throws(HTTPServerError) {
      var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
      let size = socklen_t(MemoryLayout<timeval>.size)
      _ = setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, size)
      _ = setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, size)
      let failure = try call(path, onAddress: { Glibc.connect(descriptor, $0, $1) })
      guard failure == 0 else { throw HTTPServerError.system(call: "connect", code: failure) }
      return descriptor
    } catch {
      _ = close(descriptor)
      throw error
    }
  }

  /// Whether who connected is this process's own user, or root.
  static func isPeerTrusted(_ descriptor: Int32) -> Bool {
    // struct ucred: process, user, group.
    var credentials: (pid: UInt32, user: UInt32, group: UInt32) = (0, .max, .max)
    var size = socklen_t(MemoryLayout.size(ofValue: credentials))
    guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 else {
      return false
    }
    return credentials.user == geteuid() || credentials.user == 0
  }

  private static func open(flags: UInt32) throws(HTTPServerError) -> Int32 {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | flags)
    let descriptor = socket(AF_UNIX, kind, 0)
    guard descriptor >= 0 else { throw .system(call: "socket", code: errno) }
    return descriptor
  }

  /// Whether a socket is at `path` that refuses connections; another file is never touched.
  private static func isAbandoned(_ path: String) -> Bool {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return false }
    do throws(HTTPServerError) {
      _ = close(try connect(to: path, timeoutSeconds: 1))
      return false
    } catch {
      return error == .system(call: "connect", code: ECONNREFUSED)
    }
  }

  /// Calls `body` with the address of `path`, whatever its length: an address holds 107 bytes, so a
  /// longer path goes by a descriptor of its folder.
  ///
  /// - Returns: The errno of the call, 0 when it succeeded.
  private static func call(
    _ path: String, onAddress body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) throws(HTTPServerError) -> Int32 {
    var address = sockaddr_un()
    if fill(&address, path) { return result(of: address, body) }
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    let folder = slash.map { String(path[..<$0]) } ?? "."
    let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(call: "open", code: errno) }
    defer { _ = close(descriptor) }
    guard fill(&address, "/proc/self/fd/\(descriptor)/\(name)") else {
      throw .system(call: "bind", code: ENAMETOOLONG)
    }
    return result(of: address, body)
  }

  /// Writes the path into the address, if it fits with the null byte behind it.
  private static func fill(_ address: inout sockaddr_un, _ path: String) -> Bool {
    address.sun_family = sa_family_t(AF_UNIX)
    return withUnsafeMutableBytes(of: &address.sun_path) { place in
      let bytes = Array(path.utf8)
      guard bytes.count < place.count, !bytes.contains(0) else { return false }
      place.copyBytes(from: bytes + [0])
      return true
    }
  }

  private static func result(
    of address: sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 ? 0 : errno
      }
    }
  }
}
