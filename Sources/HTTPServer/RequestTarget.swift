internal import Glibc
internal import HTTP

/// The target of a request line, taken before libmicrohttpd parses it, so that nothing is decoded.
struct RequestTarget {
  let path: String
  let query: String
  /// What is wrong with it.
  let problem: Problem?
  /// Where in memory it was, for ``HeadLayout``.
  let addresses: Range<UInt>

  /// The target at `line`, a C string that may be missing.
  init(_ line: UnsafePointer<CChar>?, limits: HTTPLimits) {
    guard let line else {
      self.init(0..<0, problem: Problem(.malformedRequest, "The request line is not complete."))
      return
    }
    let bytes = UnsafeRawBufferPointer(start: line, count: strlen(line))
    let start = UInt(bitPattern: line)
    let addresses = start..<(start + UInt(bytes.count))
    guard bytes.count <= limits.urlBytesMax else {
      self.init(
        addresses,
        problem: Problem(
          .uriTooLong, "The request target is longer than \(limits.urlBytesMax) bytes."))
      return
    }
    guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") }) else {
      self.init(
        addresses,
        problem: Problem(
          .malformedRequest, "The request target holds a character that must be escaped."))
      return
    }
    let target = Self.withoutAuthority(bytes)
    let mark = target.firstIndex(of: UInt8(ascii: "?"))
    let path = target[..<(mark ?? target.endIndex)]
    guard path.first == UInt8(ascii: "/") || path.elementsEqual("*".utf8) else {
      self.init(
        addresses,
        problem: Problem(.malformedRequest, "The request target does not begin with a slash."))
      return
    }
    guard !Self.holdsEscapedNull(path) else {
      self.init(addresses, problem: Problem(.malformedRequest, "The path holds %00."))
      return
    }
    self.init(
      addresses, path: String(decoding: path, as: UTF8.self),
      query: mark.map { String(decoding: target[($0 + 1)...], as: UTF8.self) } ?? "")
  }

  private init(
    _ addresses: Range<UInt>, path: String = "", query: String = "", problem: Problem? = nil
  ) {
    self.addresses = addresses
    self.path = path
    self.query = query
    self.problem = problem
  }

  /// A server must understand `http://host/path` too (RFC 9112 section 3.2.2).
  private static func withoutAuthority(
    _ target: UnsafeRawBufferPointer
  ) -> Slice<UnsafeRawBufferPointer> {
    guard target.first != UInt8(ascii: "/") else { return target[...] }
    for scheme in ["http://", "https://"]
    where target.count > scheme.utf8.count
      && zip(target, scheme.utf8).allSatisfy({ $0 == $1 || $0 | 0x20 == $1 })
    {
      let rest = target[scheme.utf8.count...]
      guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else { break }
      return rest[slash...]
    }
    return target[...]
  }

  private static func holdsEscapedNull(_ path: Slice<UnsafeRawBufferPointer>) -> Bool {
    var rest = path
    while let percent = rest.firstIndex(of: UInt8(ascii: "%")) {
      rest = rest[(percent + 1)...]
      if rest.prefix(2).elementsEqual("00".utf8) { return true }
    }
    return false
  }
}
