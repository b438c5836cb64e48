internal import CMicrohttpd
internal import HTTP

/// The header fields of a request, checked for everything that another program on the way could
/// read differently (RFC 9112 sections 3.2, 5 and 6.3).
///
/// libmicrohttpd itself takes the last of two lengths, joins folded fields and does not ask for a
/// host.
struct RequestFraming {
  private(set) var headers = HTTPHeaders(capacity: 12)
  /// The announced length of the body.
  private(set) var contentLength: Int?
  private(set) var isChunked = false
  /// What is wrong with the fields.
  private(set) var problem: Problem?

  private let limits: HTTPLimits
  private var layout: HeadLayout?
  private var byteCount = 0
  private var hostCount = 0

  /// Whether a body follows.
  var hasBody: Bool { isChunked || (contentLength ?? 0) > 0 }

  /// Reads the header fields of a connection's request in one pass.
  init(_ call: AccessCall, target: Range<UInt>, limits: HTTPLimits) {
    self.limits = limits
    layout = HeadLayout(
      call.handle, method: call.method, target: target, version: call.version)
    guard layout != nil else {
      problem = malformed("The request line holds a null byte.")
      return
    }
    withUnsafeMutablePointer(to: &self) {
      _ = MHD_get_connection_values_n(call.handle, .HEADER_KIND, collectField, $0)
    }
    guard problem == nil else { return }
    problem =
      layout?.isWhole == true
      ? check(version: call.version.map { String(cString: $0) } ?? "")
      : malformed("The header holds a field without a name.")
  }

  private func check(version: String) -> Problem? {
    switch version {
    case "HTTP/1.1":
      if hostCount == 0 { return malformed("HTTP/1.1 asks for a Host field.") }
    case "HTTP/1.0":
      if isChunked { return malformed("HTTP/1.0 has no Transfer-Encoding.") }
    default:
      return Problem(
        .init("http_version_not_supported", 505, "HTTP version not supported"),
        "This server speaks HTTP/1.1.")
    }
    if isChunked && contentLength != nil {
      return malformed("Content-Length and Transfer-Encoding exclude each other.")
    }
    return nil
  }

  /// Takes one field.
  ///
  /// - Returns: Whether the next one is wanted.
  fileprivate mutating func add(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Bool
  {
    problem = fault(name, value)
    guard problem == nil else { return false }
    let field = (
      name: String(decoding: name, as: UTF8.self),
      value: String(decoding: trimmed(value), as: UTF8.self)
    )
    headers.add(field.name, field.value)
    problem = interpret(field.name, field.value)
    return problem == nil
  }

  private mutating func fault(
    _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
  ) -> Problem? {
    // Name, colon, space, value, line end.
    byteCount += name.count + value.count + 4
    guard byteCount <= limits.headerBytesMax, headers.fields.count < limits.headerFieldsMax else {
      return Problem(
        .headerFieldsTooLarge,
        "The header is over \(limits.headerBytesMax) bytes or \(limits.headerFieldsMax) fields."
      )
    }
    guard !name.isEmpty, name.allSatisfy(HeaderSyntax.isTokenByte) else {
      return malformed("The name of a header field holds a character that it must not.")
    }
    guard value.allSatisfy(HeaderSyntax.isValueByte) else {
      return malformed("The value of a header field holds a control character.")
    }
    guard layout?.follows(name: name, value: value) == true else {
      return malformed("A header field is folded, holds a null byte, or has no name.")
    }
    return nil
  }

  private mutating func interpret(_ name: String, _ value: String) -> Problem? {
    switch name.utf8.count {
    case 4 where HTTPHeaders.areEqual(name, "Host"):
      hostCount += 1
      guard hostCount == 1 else { return malformed("There is more than one Host field.") }
      guard value.utf8.allSatisfy(HeaderSyntax.isHostByte) else {
        return malformed("The Host field holds a character that it must not.")
      }
    case 14 where HTTPHeaders.areEqual(name, "Content-Length"):
      guard contentLength == nil else {
        return malformed("There is more than one Content-Length field.")
      }
      guard !value.isEmpty, value.utf8.allSatisfy(HeaderSyntax.isDigit), let length = Int(value)
      else { return malformed("The Content-Length field is not a number.") }
      contentLength = length
    case 17 where HTTPHeaders.areEqual(name, "Transfer-Encoding"):
      guard !isChunked else {
        return malformed("There is more than one Transfer-Encoding field.")
      }
      guard HTTPHeaders.areEqual(value, "chunked") else {
        return Problem(.notImplemented, "The only transfer coding served is chunked.")
      }
      isChunked = true
    default: break
    }
    return nil
  }

  private func malformed(_ detail: String) -> Problem { Problem(.malformedRequest, detail) }

  private func trimmed(_ value: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer> {
    var value = value[...]
    while let last = value.last, last == 0x20 || last == 0x09 { value.removeLast() }
    return value
  }
}

/// The characters of header fields (RFC 9110 section 5).
enum HeaderSyntax {
  static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  static func isTokenByte(_ byte: UInt8) -> Bool {
    if isLetterOrDigit(byte) { return true }
    switch byte {
    case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "!"),
      UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
      UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "^"),
      UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
      return true
    default:
      return false
    }
  }

  static func isValueByte(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte != 0x7f || byte == 0x09
  }

  static func isHostByte(_ byte: UInt8) -> Bool {
    if isLetterOrDigit(byte) { return true }
    switch byte {
    case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"),
      UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "%"),
      UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"),
      UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "+"),
      UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "="):
      return true
    default:
      return false
    }
  }
}

private func collectField(
  _ framing: UnsafeMutableRawPointer?, _ kind: MHD_ValueKind, _ name: UnsafePointer<CChar>?,
  _ nameCount: Int, _ value: UnsafePointer<CChar>?, _ valueCount: Int
) -> MHD_Result {
  guard let framing else { return .NO }
  let isWanted = framing.assumingMemoryBound(to: RequestFraming.self).pointee.add(
    name: UnsafeRawBufferPointer(start: name, count: nameCount),
    value: UnsafeRawBufferPointer(start: value, count: valueCount))
  return isWanted ? .YES : .NO
}
