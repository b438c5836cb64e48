internal import CMicrohttpd
internal import HTTP
internal import Values

/// How much of a body has come, and how long it took.
struct BodyReceipt {
  private(set) var receivedBytes = 0
  /// What was read only to get it out of the way.
  private(set) var drainedBytes = 0
  var gathered: [UInt8] = []
  private var startedAt: UInt64 = 0
  private var pausedAt: UInt64?

  /// What is set aside for a body of announced length; the rest is asked for when it comes.
  private static let reservedBytesMax = 65_536
  private static let nanosecondsPerSecond: UInt64 = 1_000_000_000

  mutating func begin(_ now: UInt64, length: Int?) {
    startedAt = now
    gathered.reserveCapacity(min(length ?? 0, Self.reservedBytesMax))
  }

  mutating func receive(_ count: Int) { receivedBytes += count }

  mutating func drain(_ count: Int) { drainedBytes += count }

  /// The time from now on is ours, not the client's.
  mutating func pause(_ now: UInt64) { pausedAt = now }

  mutating func proceed(_ now: UInt64) {
    if let pausedAt { startedAt += now - pausedAt }
    pausedAt = nil
  }

  /// When the body must be there, by what has come of it so far.
  func deadline(_ limits: HTTPLimits) -> UInt64 {
    let speed = UInt64(max(1, limits.bodyBytesPerSecondMin))
    let seconds = UInt64(limits.bodyGraceSeconds) + UInt64(receivedBytes) / speed
    let whole = min(seconds, UInt64(limits.bodySecondsMax))
    return startedAt + whole * Self.nanosecondsPerSecond
  }
}

extension ServedRequest {
  /// A piece of a body that is gathered, or its end.
  func gather(_ call: AccessCall, maxBytes: Int, handler: @escaping Handler) -> MHD_Result {
    let piece = call.piece
    guard !piece.isEmpty else {
      if !hasAnswer {
        run(handler, body: .bytes(body.gathered))
        body.gathered = []
      }
      return answerOrWait(call.handle)
    }
    note(piece.count)
    if body.receivedBytes > maxBytes {
      return drain(call, insteadAnswering: .bodyTooLarge(maxBytes))
    }
    body.gathered.append(contentsOf: piece)
    call.consumeAll()
    return .YES
  }

  /// A piece of a body that a handler takes as it comes, or its end.
  func receive(_ call: AccessCall, into upload: UploadStream, maxBytes: Int) -> MHD_Result {
    var rest = call.piece
    guard !rest.isEmpty else {
      upload.finish()
      return answerOrWait(call.handle)
    }
    note(rest.count)
    if body.receivedBytes > maxBytes { upload.fail(.tooLarge) }
    while true {
      if hasAnswer || upload.hasFailed { return drain(call, insteadAnswering: nil) }
      rest = UnsafeRawBufferPointer(rebasing: rest[upload.receive(rest)...])
      if rest.isEmpty {
        call.consumeAll()
        return .YES
      }
      if connection.isClosed { return .NO }
      call.dataCount.pointee = rest.count
      // The piece that is left comes again, and must not be counted twice.
      body.receive(-rest.count)
      body.pause(core.time.monotonicNanoseconds())
      connection.mustProgress(by: nil)
      if connection.suspend(unless: { upload.hasRoom || hasAnswer }) { return .YES }
      note(rest.count)
    }
  }

  private func note(_ count: Int) {
    body.proceed(core.time.monotonicNanoseconds())
    body.receive(count)
    connection.mustProgress(by: body.deadline(core.limits))
  }

  /// Reads on without keeping anything, since libmicrohttpd can answer only after the body; when
  /// too much still comes the connection is reset.
  private func drain(_ call: AccessCall, insteadAnswering problem: Problem?) -> MHD_Result {
    if let problem, !hasAnswer {
      core.tally.refuseRequest()
      body.gathered = []
      finish(refusal(problem))
    }
    body.drain(call.piece.count)
    call.consumeAll()
    return body.drainedBytes > core.limits.drainBytesMax ? .NO : .YES
  }
}
