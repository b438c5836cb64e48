internal import CRM
internal import HTTP
internal import JSON
internal import WrapperClient

// Several requests in one: each authorised, charged and logged as if it had come alone, all made in
// one transaction or none.
extension Application {
  /// The operations of a batch, ready to be made.
  private struct PreparedBatch {
    var contexts: [RequestContext] = []
    var changes: [PreparedChange] = []
    var references = BatchReferences()
  }

  func runBatch(_ context: RequestContext) async throws -> HTTPResponse {
    let batch = try await prepareBatch(context)
    do {
      return try await makeBatch(batch, context)
    } catch let failure as BatchFailure {
      throw await refused(failure, context, batch.contexts[failure.index])
    }
  }

  /// Prepares every operation; the first that is refused refuses them all.
  private func prepareBatch(_ context: RequestContext) async throws -> PreparedBatch {
    var batch = PreparedBatch()
    for (index, json) in try Batch.operations(context.bodyBytes).enumerated() {
      var item: RequestContext?
      do {
        let operation = try batch.references.resolve(
          Batch.operation(json, at: index), at: index)
        let endpoint: Endpoint
        (endpoint, item) = try itemContext(operation, context)
        guard let item else { continue }
        let change = try await prepare(item, endpoint, at: index)
        batch.references.append(change.entityID)
        batch.contexts.append(item)
        batch.changes.append(change)
      } catch {
        throw await refused(BatchFailure(index: index, error: error), context, item)
      }
    }
    return batch
  }

  private func prepare(_ item: RequestContext, _ endpoint: Endpoint, at index: Int) async throws
    -> PreparedChange
  {
    guard case .change(let prepare) = endpoint.handler else {
      throw Batch.fault(
        "/operations/\(index)/path", "not_batchable", "this cannot be part of a batch")
    }
    try item.requireDecision()
    guard item.bodyBytes.count <= endpoint.bufferedBytesMax else {
      throw Problem(.contentTooLarge, "The operation's body is larger than the path takes.")
    }
    return try await prepare(item)
  }

  /// The request that an operation describes.
  private func itemContext(
    _ operation: Batch.Operation, _ context: RequestContext
  ) throws -> (Endpoint, RequestContext) {
    let outer = context.request.head
    let parts = operation.path.split(
      separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    var headers = operation.headers
    for name in ["User-Agent", "X-Reason"] where headers[name] == nil {
      if let value = outer.headers[name] { headers.add(name, value) }
    }
    let head = HTTPRequestHead(
      method: operation.method, path: String(parts[0]),
      query: parts.count > 1 ? String(parts[1]) : "", headers: headers,
      remoteAddress: outer.remoteAddress, requestID: outer.requestID,
      receivedAt: outer.receivedAt, isSecure: outer.isSecure)
    switch router.match(head.method, path: head.path) {
    case .found(let endpoint, let parameters):
      let body = operation.body == .null ? [] : operation.body.bytes
      let item = try RequestContext(
        HTTPRequest(head: head, body: .bytes(body)), endpoint, parameters, context.session,
        context.directory, address: context.address,
        createdBefore: operation.referredIDs)
      return (endpoint, item)
    case .methodNotAllowed(let allow):
      throw Problem(
        .methodNotAllowed, "This path does not know \(head.method.rawValue).",
        headers: ["Allow": allow.map(\.rawValue).joined(separator: ", ")])
    case .malformed:
      throw Problem(.malformedRequest, "The path's percent-encoding is broken.")
    case .notFound, .options:
      throw Problem(.notFound, "There is nothing at this path.")
    }
  }

  /// Makes all of them under one reservation.
  private func makeBatch(_ batch: PreparedBatch, _ context: RequestContext) async throws
    -> HTTPResponse
  {
    var changes = batch.changes
    for index in changes.indices { changes[index].mutation.price(by: context.directory) }
    let costs = changes.map(\.mutation.creditUnits)
    do {
      return try await makeBatch(changes, costs, batch, context)
    } catch let failure as BatchFailure where failure.error is CostlierThanReserved {
      let costs = changes.map(\.mutation.creditUnitsMax)
      return try await makeBatch(changes, costs, batch, context)
    }
  }

  private func makeBatch(
    _ changes: [PreparedChange], _ costs: [Int64], _ batch: PreparedBatch,
    _ context: RequestContext
  ) async throws -> HTTPResponse {
    let reservation: CreditReservation
    do {
      reservation = try await wrapper.reserve(
        tenantID: context.tenantID, operation: "batch", units: costs.reduce(0, +))
    } catch {
      // Whoever has faults of their own hears of those first.
      try await store.rehearse(changes)
      throw BatchFailure(index: error.firstUnpaid(costs), error: error)
    }
    var changes = changes
    for index in changes.indices {
      changes[index].mutation.pay(
        reservedUnits: costs[index], isOffline: reservation.isOffline)
    }
    let answer: MutationAnswer
    do {
      answer = try await store.execute(
        changes, referred: batch.references.referred, caller: context.mutation().caller,
        key: context.idempotencyKey)
    } catch {
      reservation.release()
      throw error
    }
    reservation.settle(answer)
    return answer.response
  }

  /// What the client sees of an operation that failed; the log tells of that operation.
  private func refused(
    _ failure: BatchFailure, _ context: RequestContext, _ item: RequestContext?
  ) async -> Problem {
    var problem = problem(for: failure.error, context.request.head)
    if let item { await failures.note(problem, item) }
    problem.members["index"] = .integer(failure.index)
    return problem
  }
}

extension CreditRefusal {
  /// The place of the first of the costs that is not covered.
  fileprivate func firstUnpaid(_ costs: [Int64]) -> Int {
    let available: Int64 =
      switch self {
      case .insufficient(let available, _): available
      case .limitExceeded(_, let limit, let used): limit - used
      case .unavailable, .readOnly: 0
      }
    var sum: Int64 = 0
    for (index, cost) in costs.enumerated() {
      sum += cost
      if cost > 0, sum > available { return index }
    }
    return costs.lastIndex { $0 > 0 } ?? 0
  }
}
