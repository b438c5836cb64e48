internal import HTTP
internal import JSON

/// Looks at the collections of a tenant.
struct CollectionFetch: Sendable {
  /// A look that brought something.
  enum Outcome: Sendable {
    /// What is held is still right.
    case unchanged(maxAgeSeconds: Double?)
    /// Something new, with the body to store.
    case changed(
      CollectionSnapshot, body: [UInt8], etag: String?, maxAgeSeconds: Double?,
      foreignOperations: Int)
  }

  let tenantID: String
  let transport: any WrapperSending

  /// Fetches the collection if it changed since the answer with `etag`.
  func fetch(
    _ collection: WrapperCollection, etag: String?
  ) async throws(FetchFailure) -> Outcome {
    let path = collection.path(tenantID: tenantID)
    let answer = try await get(path, etag: etag)
    if answer.status == 304 {
      guard etag != nil else {
        throw FetchFailure(reason: "304 to an unconditional call", isRejection: true)
      }
      return .unchanged(maxAgeSeconds: answer.maxAgeSeconds)
    }
    do throws(AnswerRejection) {
      var body = answer.body
      var validator = answer.etag
      if collection == .employees {
        let page = try SnapshotReader.page(body)
        if let cursor = page.nextCursor {
          body = try await Self.joined(page.employees, cursor, path, self)
          // The tag speaks for the first page only.
          validator = nil
        }
      }
      var reader = SnapshotReader(tenantID: tenantID)
      let snapshot = try reader.read(collection, body)
      return .changed(
        snapshot, body: body, etag: validator, maxAgeSeconds: answer.maxAgeSeconds,
        foreignOperations: reader.foreignOperations)
    } catch {
      throw FetchFailure(reason: error.reason, isRejection: true)
    }
  }

  private func get(_ path: String, etag: String?) async throws(FetchFailure) -> WrapperAnswer {
    let call = WrapperCall(path: path, tenantID: tenantID, etag: etag)
    switch await transport.send(call) {
    case .success(let answer):
      if answer.status == 200 || answer.status == 304 { return answer }
      throw FetchFailure(answer)
    case .failure(let failure):
      let isRejection = failure == .tooLarge || failure == .redirected
      throw FetchFailure(reason: failure.reason, isRejection: isRejection)
    }
  }

  /// All pages as one answer.
  private static func joined(
    _ first: [JSONValue], _ cursor: String, _ path: String, _ fetch: CollectionFetch
  ) async throws(AnswerRejection) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.name("employees")
    writer.beginArray()
    for employee in first { writer.value(employee) }
    var next: String? = cursor
    var pages = 1
    while let cursor = next {
      pages += 1
      guard pages <= Limits.collectionPagesMax,
        writer.bytes.count <= Limits.collectionBytesMax
      else { throw AnswerRejection("the collection has too many pages") }
      let answer: WrapperAnswer
      do {
        answer = try await fetch.get(
          "\(path)&cursor=\(PercentEncoding.encode(cursor))", etag: nil)
      } catch {
        throw AnswerRejection("a further page could not be read: \(error.reason)")
      }
      let page = try SnapshotReader.page(answer.body)
      for employee in page.employees { writer.value(employee) }
      next = page.nextCursor.flatMap { $0.isEmpty ? nil : $0 }
    }
    writer.endArray()
    writer.endObject()
    return writer.bytes
  }
}

extension FetchFailure {
  /// The failure that an answer with another status than the wanted one is.
  init(_ answer: WrapperAnswer) {
    reason = "status \(answer.status)"
    retryAfterSeconds = [429, 503].contains(answer.status) ? answer.retryAfterSeconds : nil
    isKeyRefused = answer.status == 401 || answer.status == 403
    isUnknown = answer.status == 404
  }
}
