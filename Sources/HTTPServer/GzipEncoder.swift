internal import CZlib
internal import Glibc
internal import HTTP
internal import Synchronization

/// Compresses whole bodies with gzip (RFC 1952) at level 1.
///
/// A deflate state takes 256 KiB and is costly to make, so a few are kept and used again.
final class GzipEncoder: Sendable {
  /// Compressed bytes in memory of malloc(3), which whoever gets them must free.
  struct Output {
    let start: UnsafeMutableRawPointer
    let count: Int
  }

  private static let level: Int32 = 1
  /// The largest window, 16 more for a gzip header.
  private static let windowBits: Int32 = 15 + 16
  private static let memoryLevel: Int32 = 8
  /// The states that are kept while nobody uses them.
  private static let idleStatesMax = 8

  private let idleStates = Mutex<[DeflateState]>([])

  /// `bytes` compressed, nil when that makes them no smaller or memory is short.
  func encode(_ bytes: [UInt8]) -> Output? {
    guard let state = idleStates.withLock({ $0.popLast() }) ?? DeflateState() else { return nil }
    let output = state.encode(bytes)
    idleStates.withLock {
      if $0.count < Self.idleStatesMax { $0.append(state) }
    }
    return output
  }

  // Safety: a state is used by one thread at a time, the one that took it out of the mutex's array.
  private final class DeflateState: @unchecked Sendable {
    /// On the heap, since zlib checks that its stream has not moved.
    private let stream: UnsafeMutablePointer<z_stream>

    init?() {
      stream = .allocate(capacity: 1)
      stream.initialize(to: z_stream())
      let result = deflateInit2_(
        stream, GzipEncoder.level, Z_DEFLATED, GzipEncoder.windowBits, GzipEncoder.memoryLevel,
        Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
      guard result == Z_OK else {
        stream.deallocate()
        return nil
      }
    }

    deinit {
      deflateEnd(stream)
      stream.deallocate()
    }

    func encode(_ bytes: [UInt8]) -> Output? {
      guard bytes.count <= Int(UInt32.max), deflateReset(stream) == Z_OK,
        let memory = malloc(bytes.count)
      else { return nil }
      let isWhole = bytes.withUnsafeBufferPointer { source in
        stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
        stream.pointee.avail_in = UInt32(bytes.count)
        stream.pointee.next_out = memory.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(bytes.count)
        return deflate(stream, Z_FINISH) == Z_STREAM_END
      }
      guard isWhole else {
        free(memory)
        return nil
      }
      return Output(start: memory, count: bytes.count - Int(stream.pointee.avail_out))
    }
  }
}

/// What a client says of content codings (RFC 9110 section 12.5.3).
enum AcceptEncoding {
  /// Whether gzip may be sent: named, or covered by an asterisk, and not with a weight of zero.
  static func allowsGzip(_ headers: HTTPHeaders) -> Bool {
    var named: Bool?
    var any: Bool?
    for value in headers.values("Accept-Encoding") {
      for item in value.utf8.split(separator: UInt8(ascii: ",")) {
        let parts = item.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        let coding = token(parts[0])
        let isWanted = !parts.dropFirst().contains { isZeroWeight($0) }
        if coding == "gzip" || coding == "x-gzip" {
          named = isWanted
        } else if coding == "*" {
          any = isWanted
        }
      }
    }
    return named ?? any ?? false
  }

  private static func token(_ bytes: Substring.UTF8View) -> String {
    var text: [UInt8] = []
    for byte in bytes where byte != UInt8(ascii: " ") && byte != UInt8(ascii: "\t") {
      text.append((UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte)
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// `q=0`, `q=0.0` and so on.
  private static func isZeroWeight(_ parameter: Substring.UTF8View) -> Bool {
    let text = token(parameter)
    guard text.hasPrefix("q=") else { return false }
    return Double(text.dropFirst(2)).map { $0 <= 0 } ?? true
  }
}
