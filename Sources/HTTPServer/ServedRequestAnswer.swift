internal import CMicrohttpd
internal import Glibc
internal import HTTP

extension ServedRequest {
  /// Answers with what the application makes of a problem, and ends the connection: what follows
  /// on it cannot be trusted.
  func refuse(_ problem: Problem, on handle: OpaquePointer) -> MHD_Result {
    core.tally.refuseRequest()
    return queue(refusal(problem), on: handle, isLast: true)
  }

  func refusal(_ problem: Problem) -> HTTPResponse {
    core.application.refusal(problem, requestID: exchange.requestID, path: target.path)
  }

  /// Hands an answer to libmicrohttpd.
  func queue(_ answer: HTTPResponse, on handle: OpaquePointer, isLast: Bool) -> MHD_Result {
    stage = .answered
    connection.mustProgress(by: nil)
    exchange.leavesBody = isLast && exchange.hasBody
    var answer = answer
    let isHead = exchange.head?.method == .head
    // libmicrohttpd sends the end of a chunked body even where there is none.
    let isLast = isLast || isHead && answer.isChunked
    guard let response = makeBody(&answer) else {
      answer.discard()
      return .NO
    }
    defer { MHD_destroy_response(response) }
    exchange.status = answer.status
    exchange.logFields = answer.logFields
    if isHead || !answer.mayHaveBody { exchange.sentBytes = 0 }
    guard add(answer.headers, isLast: isLast || core.isStopping, to: response) else {
      // A field that cannot be sent is a mistake of whoever made the answer; the client gets to
      // know that there was one.
      let problem = Problem(.internalError, "The answer could not be made.")
      return queueBare(refusal(problem), on: handle)
    }
    return MHD_queue_response(handle, UInt32(answer.status), response)
  }

  private func queueBare(_ answer: HTTPResponse, on handle: OpaquePointer) -> MHD_Result {
    var answer = answer
    guard let response = makeBody(&answer) else { return .NO }
    defer { MHD_destroy_response(response) }
    exchange.status = answer.status
    _ = add(["Content-Type": "application/problem+json"], isLast: true, to: response)
    return MHD_queue_response(handle, UInt32(answer.status), response)
  }

  // MARK: The body

  private func makeBody(_ answer: inout HTTPResponse) -> OpaquePointer? {
    switch answer.body {
    case .stream(let stream, let byteCount):
      return makeStream(stream, byteCount: byteCount)
    case .bytes(let bytes):
      guard answer.mayHaveBody else { return makeBytes([]) }
      if let compressed = compress(&answer, bytes) {
        exchange.sentBytes = compressed.count
        let response = MHD_create_response_from_buffer(
          compressed.count, compressed.start, .RESPMEM_MUST_FREE)
        if response == nil { free(compressed.start) }
        return response
      }
      return makeBytes(bytes)
    }
  }

  private func makeBytes(_ bytes: [UInt8]) -> OpaquePointer? {
    exchange.sentBytes = bytes.count
    return bytes.withUnsafeBytes {
      MHD_create_response_from_buffer(
        $0.count, UnsafeMutableRawPointer(mutating: $0.baseAddress), .RESPMEM_MUST_COPY)
    }
  }

  private func makeStream(
    _ source: any HTTPResponseBodyStream, byteCount: Int?
  ) -> OpaquePointer? {
    let download = DownloadStream(source: source, connection: connection)
    let pointer = Unmanaged.passRetained(download)
    guard
      let response = MHD_create_response_from_callback(
        byteCount.map(UInt64.init) ?? .max, DownloadStream.blockBytes, readDownload,
        pointer.toOpaque(), endDownload)
    else {
      pointer.release()
      return nil
    }
    exchange.download = download
    return response
  }

  /// The compressed body, nil when it is sent as it is.
  private func compress(_ answer: inout HTTPResponse, _ bytes: [UInt8]) -> GzipEncoder.Output? {
    guard core.compressesResponses, bytes.count > core.limits.gzipMinimumBytes,
      answer.isCompressible
    else { return nil }
    answer.addVary("Accept-Encoding")
    guard let head = exchange.head, AcceptEncoding.allowsGzip(head.headers),
      let compressed = core.gzip.encode(bytes)
    else { return nil }
    answer.headers.add("Content-Encoding", "gzip")
    return compressed
  }

  // MARK: The header fields

  /// - Returns: Whether libmicrohttpd took all of them.
  private func add(_ headers: HTTPHeaders, isLast: Bool, to response: OpaquePointer) -> Bool {
    var areTaken = Self.add("X-Request-Id", exchange.requestID, to: response)
    for field in headers.fields where !HTTPHeaders.areEqual(field.name, "Content-Length") {
      areTaken = Self.add(field.name, field.value, to: response) && areTaken
    }
    if isLast { areTaken = Self.add("Connection", "close", to: response) && areTaken }
    return areTaken
  }

  /// Passing the strings themselves would copy each into an array first.
  private static func add(_ name: String, _ value: String, to response: OpaquePointer) -> Bool {
    name.withCString { name in
      value.withCString { MHD_add_response_header(response, name, $0) == .YES }
    }
  }
}

extension HTTPResponse {
  /// Whether the status allows a body (RFC 9110 section 6.4.1).
  fileprivate var mayHaveBody: Bool { status >= 200 && status != 204 && status != 304 }

  fileprivate var isChunked: Bool {
    if case .stream(_, nil) = body { true } else { false }
  }

  /// Whether the content is of a kind that becomes smaller, and not yet compressed.
  fileprivate var isCompressible: Bool {
    guard headers["Content-Encoding"] == nil, let type = headers["Content-Type"] else {
      return false
    }
    let end = type.utf8.firstIndex(of: UInt8(ascii: ";")) ?? type.endIndex
    let name = type[..<end].lowercased()
    return name.hasPrefix("text/") || name.hasSuffix("+json") || name == "application/json"
      || name == "application/javascript" || name == "image/svg+xml"
  }

  fileprivate mutating func addVary(_ name: String) {
    guard let vary = headers["Vary"] else {
      headers.add("Vary", name)
      return
    }
    let names = vary.split(separator: ",").map { $0.filter { $0 != " " } }
    guard !names.contains(where: { $0 == "*" || HTTPHeaders.areEqual($0, name) }) else { return }
    headers["Vary"] = vary + ", " + name
  }
}

private func readDownload(
  _ download: UnsafeMutableRawPointer?, _ position: UInt64, _ buffer: UnsafeMutablePointer<CChar>?,
  _ count: Int
) -> Int {
  guard let download, let buffer else { return -2 }
  return Unmanaged<DownloadStream>.fromOpaque(download).takeUnretainedValue().read(
    into: UnsafeMutableRawBufferPointer(start: buffer, count: count))
}

private func endDownload(_ download: UnsafeMutableRawPointer?) {
  guard let download else { return }
  Unmanaged<DownloadStream>.fromOpaque(download).takeRetainedValue().finish()
}
