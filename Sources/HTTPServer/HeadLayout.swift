internal import CMicrohttpd
internal import Glibc

/// How the parts of a request's head lie in memory, which shows what libmicrohttpd 0.9.75 lost when
/// it took them apart.
///
/// It parses in place: the head stays in one buffer, with each line end, and each colon behind a
/// name, overwritten by null bytes. Fields that were folded are moved out of it; a null byte in a
/// field hides what follows; a field without a name is taken for the end of the head, and what
/// follows it for the next request. All of that leaves bytes between the parts that belong to none.
/// Other versions parse otherwise, and are not looked at.
struct HeadLayout {
  /// The end of the last part.
  private var cursor: UInt
  private let end: UInt
  private let isKnown: Bool

  /// The layout of the head whose target lies at `target`.
  ///
  /// - Returns: nil when the request line itself holds bytes that belong to no part.
  init?(
    _ handle: OpaquePointer, method: UnsafePointer<CChar>?, target: Range<UInt>,
    version: UnsafePointer<CChar>?
  ) {
    guard Self.isKnownVersion, let method, let version,
      let info = cardfile_connection_info(handle, .CONNECTION_INFO_REQUEST_HEADER_SIZE)
    else {
      isKnown = false
      (cursor, end) = (0, 0)
      return
    }
    isKnown = true
    end = UInt(bitPattern: method) + UInt(info.pointee.header_size)
    cursor = UInt(bitPattern: version) + UInt(strlen(version))
    guard UInt(bitPattern: method) + UInt(strlen(method)) + 1 == target.lowerBound,
      UInt(bitPattern: version) == target.upperBound + 1, cursor <= end
    else { return nil }
  }

  /// Whether a field follows the part before it on a line of its own.
  mutating func follows(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Bool {
    guard isKnown else { return true }
    let nameStart = UInt(bitPattern: name.baseAddress)
    let nameEnd = nameStart + UInt(name.count)
    let valueStart = UInt(bitPattern: value.baseAddress)
    guard nameStart > cursor, nameStart - cursor <= 2, areNull(from: cursor, to: nameStart),
      valueStart > nameEnd, valueStart <= end, areNull(from: nameEnd, to: nameEnd + 1),
      areSpace(from: nameEnd + 1, to: valueStart)
    else { return false }
    cursor = valueStart + UInt(value.count)
    return cursor <= end
  }

  /// Whether the last field ends its line and an empty line ends the head.
  var isWhole: Bool {
    guard isKnown else { return true }
    let count = end - cursor
    return (count == 4 || count == 2) && areNull(from: cursor, to: end)
  }

  private static let isKnownVersion = MHD_get_version().map { String(cString: $0) } == "0.9.75"

  private func areNull(from start: UInt, to stop: UInt) -> Bool {
    bytes(from: start, to: stop).allSatisfy { $0 == 0 }
  }

  private func areSpace(from start: UInt, to stop: UInt) -> Bool {
    bytes(from: start, to: stop).allSatisfy { $0 == 0x20 || $0 == 0x09 }
  }

  /// Bytes of the buffer; only asked for places between its begin and `end`.
  private func bytes(from start: UInt, to stop: UInt) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      start: UnsafeRawPointer(bitPattern: start), count: Int(stop) - Int(start))
  }
}
