internal import Glibc

/// The lock that keeps a second process, or a second ``Database``, off the file.
///
/// It lies on `<path>.lock` by flock(2), which ends with the process however that ends. The file
/// holds the holder's process id as text and is never removed: between opening and locking, a
/// removed file would let two processes hold two locks.
struct ProcessLock: ~Copyable {
  private static let pidBytesMax = 16

  private let descriptor: Int32

  /// Takes the lock for the database file at `path` without waiting.
  ///
  /// - Throws: ``DatabaseError/locked(pid:)``, or the lock file's error as SQLite would say it.
  init(path: String) throws(DatabaseError) {
    descriptor = try Self.take(path + ".lock")
  }

  deinit {
    // Closing ends the lock.
    close(descriptor)
  }

  /// Lets the lock go.
  consuming func release() {}

  private static func take(_ path: String) throws(DatabaseError) -> Int32 {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .cannotOpen(path, errno) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let reason = errno
      let pid = holder(descriptor)
      close(descriptor)
      throw reason == EWOULDBLOCK ? .locked(pid: pid) : .cannotOpen(path, reason)
    }
    // The lock holds even when its text cannot be written; who is refused then does not learn by
    // whom.
    let text = Array("\(getpid())\n".utf8)
    _ = ftruncate(descriptor, 0)
    _ = pwrite(descriptor, text, text.count, 0)
    return descriptor
  }

  private static func holder(_ descriptor: Int32) -> Int32? {
    var bytes = [UInt8](repeating: 0, count: pidBytesMax)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    guard count > 0 else { return nil }
    return Int32(String(decoding: bytes[..<count].prefix { $0 != 0x0a }, as: UTF8.self))
  }
}
