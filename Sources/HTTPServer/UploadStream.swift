internal import HTTP
internal import Synchronization

/// A request's body between libmicrohttpd, which brings pieces, and a handler, which takes chunks.
///
/// One chunk is gathered in memory; while it waits to be taken the connection is suspended.
final class UploadStream: HTTPRequestBodyStream {
  private struct State {
    var gathered: [UInt8] = []
    var isEnded = false
    var failure: HTTPBodyError?
    var isAsked = false
    var waiter: CheckedContinuation<Void, Never>?

    var hasChunk: Bool { failure != nil || isEnded }
  }

  private let chunkBytes: Int
  private let connection: ClientConnection
  private let state = Mutex(State())

  init(chunkBytes: Int, connection: ClientConnection) {
    self.chunkBytes = chunkBytes
    self.connection = connection
  }

  func next() async throws(HTTPBodyError) -> [UInt8]? {
    let wasAsked = state.withLock { state in
      defer { state.isAsked = true }
      return state.isAsked
    }
    if !wasAsked { connection.wake() }
    while true {
      switch take() {
      case .chunk(let bytes):
        connection.wake()
        return bytes
      case .end: return nil
      case .failure(let error): throw error
      case .nothing: await waitForChange()
      }
    }
  }

  // MARK: The side of libmicrohttpd

  /// Whether anybody wants the body.
  var isAsked: Bool { state.withLock(\.isAsked) }

  /// Whether a piece could be taken, at least in part.
  var hasRoom: Bool {
    state.withLock { $0.gathered.count < chunkBytes || $0.failure != nil }
  }

  /// Whether nobody will take what still comes.
  var hasFailed: Bool { state.withLock { $0.failure != nil } }

  /// Takes as much of `piece` as there is room for; all of it when nobody will ask any more.
  func receive(_ piece: UnsafeRawBufferPointer) -> Int {
    let (count, waiter) = state.withLock { state in
      guard state.failure == nil else {
        return (piece.count, CheckedContinuation<Void, Never>?.none)
      }
      let count = min(piece.count, chunkBytes - state.gathered.count)
      // Large enough for a body of any other size to have ended: from here on it grows once.
      if state.gathered.count >= chunkBytes / 8 { state.gathered.reserveCapacity(chunkBytes) }
      state.gathered.append(contentsOf: UnsafeRawBufferPointer(rebasing: piece[..<count]))
      guard state.gathered.count == chunkBytes else { return (count, nil) }
      defer { state.waiter = nil }
      return (count, state.waiter)
    }
    waiter?.resume()
    return count
  }

  /// All of the body has come.
  func finish() {
    change { $0.isEnded = true }
  }

  /// No more will come, and what is there is worth nothing; the first reason stays.
  func fail(_ error: HTTPBodyError) {
    change { state in
      guard !state.isEnded, state.failure == nil else { return }
      state.failure = error
      state.gathered = []
    }
  }

  // MARK: Waiting

  private enum Taking {
    case chunk([UInt8])
    case end
    case failure(HTTPBodyError)
    case nothing
  }

  private func take() -> Taking {
    state.withLock { state in
      if let failure = state.failure { return .failure(failure) }
      if state.gathered.count >= chunkBytes || state.isEnded && !state.gathered.isEmpty {
        defer { state.gathered = [] }
        return .chunk(state.gathered)
      }
      return state.isEnded ? .end : .nothing
    }
  }

  private func waitForChange() async {
    await withCheckedContinuation { continuation in
      let isThere = state.withLock { state in
        guard !state.hasChunk, state.gathered.count < chunkBytes else { return true }
        precondition(state.waiter == nil, "one at a time asks for the next chunk of a body")
        state.waiter = continuation
        return false
      }
      if isThere { continuation.resume() }
    }
  }

  private func change(_ body: (inout State) -> Void) {
    let waiter = state.withLock { state in
      body(&state)
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume()
  }
}
