internal import CMicrohttpd
internal import Glibc
internal import HTTP
internal import Synchronization

/// An answer's body between a producer, which makes chunks, and libmicrohttpd, which sends them.
///
/// The next chunk is asked for when the one before has been handed over whole; while it is made the
/// connection is suspended.
final class DownloadStream: Sendable {
  private struct State {
    var chunk: [UInt8] = []
    var offset = 0
    var isAsking = false
    var end: Int?
    var sentBytes = 0
    var task: Task<Void, Never>?

    var isReady: Bool { offset < chunk.count || end != nil || !isAsking }
  }

  /// What libmicrohttpd reads at most in one call.
  static let blockBytes = 65_536
  /// `MHD_CONTENT_READER_END_OF_STREAM`, a macro with a cast, which Swift does not import.
  private static let endOfStream = -1
  /// `MHD_CONTENT_READER_END_WITH_ERROR`.
  private static let endWithError = -2

  private let source: any HTTPResponseBodyStream
  private let connection: ClientConnection
  private let state = Mutex(State())

  init(source: any HTTPResponseBodyStream, connection: ClientConnection) {
    self.source = source
    self.connection = connection
  }

  var sentBytes: Int { state.withLock(\.sentBytes) }

  /// Copies what is there into `buffer`, or suspends the connection until something is.
  ///
  /// - Returns: The number of bytes, or one of libmicrohttpd's two ends.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    connection.enter()
    while true {
      if let result = copy(into: buffer) { return result }
      if connection.isClosed { return Self.endWithError }
      ask()
      if connection.suspend(unless: { state.withLock(\.isReady) }) { return 0 }
    }
  }

  /// Nothing more will be asked: the body has ended, or the client or the server has gone.
  func finish() {
    state.withLock(\.task)?.cancel()
    source.finish()
  }

  private func copy(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    state.withLock { state in
      let count = min(buffer.count, state.chunk.count - state.offset)
      guard count > 0 else { return state.end }
      state.chunk.withUnsafeBytes { bytes in
        buffer.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: bytes[state.offset...].prefix(count)))
      }
      state.offset += count
      state.sentBytes += count
      return count
    }
  }

  /// Starts the making of a chunk unless one is being made.
  ///
  /// A producer that does not wait has made it when this returns.
  private func ask() {
    let mustAsk = state.withLock { state in
      defer { state.isAsking = true }
      return !state.isAsking
    }
    guard mustAsk else { return }
    let task = Task.immediate {
      do {
        let chunk = try await source.next()
        put(chunk, end: chunk == nil ? Self.endOfStream : nil)
      } catch {
        // The client gets to know by the break of the connection; the producer knows its error.
        put(nil, end: Self.endWithError)
      }
    }
    state.withLock { state in
      if state.isAsking { state.task = task }
    }
  }

  private func put(_ chunk: [UInt8]?, end: Int?) {
    state.withLock { state in
      state.chunk = chunk ?? []
      state.offset = 0
      state.isAsking = false
      state.end = end
      state.task = nil
    }
    connection.wake()
  }
}
