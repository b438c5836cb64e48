internal import Cryptography
internal import HTTP
internal import SQLite
internal import Values

/// An `Idempotency-Key` with all that it is bound to.
public struct IdempotencyKey: Sendable {
  /// The key as the client sent it.
  public let key: String
  /// The method and path of the request.
  public let method: String
  /// The path as sent.
  public let path: String
  /// SHA-256 of the body.
  public let bodyHash: [UInt8]
  /// The largest answer that is kept for it, in bytes.
  public var answerBytesMax = Limits.idempotentAnswerBytesMax

  /// The key of a request.
  public init(key: String, method: String, path: String, body: [UInt8]) {
    self.key = key
    self.method = method
    self.path = path
    bodyHash = SHA256.hash(body)
  }

  /// The answer that was given to the first request with this key, within a day.
  ///
  /// Two requests that race meet in the one writer: the second finds the answer of the first.
  ///
  /// - Throws: 422 `idempotency_key_reused` when that request had another body.
  func answer(for caller: Caller, at now: Timestamp, in connection: borrowing Connection) throws
    -> MutationAnswer?
  {
    let stored = try connection.first(
      """
      SELECT body_hash, status, location, etag, body FROM idempotency_answers
      WHERE tenant_id = ? AND user_id = ? AND method = ? AND path = ? AND key = ?
        AND created_at > ?
      """,
      identity(caller) + [.text(Self.oldest(at: now))]
    ) { row in
      (
        bodyHash: row.blob(0) ?? [],
        answer: MutationAnswer(
          status: Int(row.integer(1) ?? 200), body: row.blob(4) ?? [], etag: row.text(3),
          location: row.text(2), isReplay: true)
      )
    }
    guard let stored else { return nil }
    guard stored.bodyHash == bodyHash else {
      throw Problem(
        .idempotencyKeyReused,
        "This Idempotency-Key was used within the last 24 hours with another body.")
    }
    return stored.answer
  }

  /// Keeps `answer` for a day, unless it is too large to keep.
  func store(
    _ answer: MutationAnswer, for caller: Caller, at now: Timestamp,
    in connection: borrowing Connection
  ) throws(SQLiteError) {
    guard answer.body.count <= answerBytesMax else { return }
    try connection.run(
      """
      INSERT OR REPLACE INTO idempotency_answers (
        tenant_id, user_id, method, path, key, body_hash, status, location, etag, body,
        created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      identity(caller) + [
        .blob(bodyHash), .integer(Int64(answer.status)), SQLiteValue(answer.location),
        SQLiteValue(answer.etag), .blob(answer.body), .text(now.rfc3339),
      ])
  }

  /// Answers written before this moment are forgotten.
  static func oldest(at now: Timestamp) -> String {
    now.advanced(byMilliseconds: -Limits.idempotentAnswerMilliseconds).rfc3339
  }

  /// The caller is the one who sent the request, also when it acts for somebody else.
  private func identity(_ caller: Caller) -> [SQLiteValue] {
    [
      .text(caller.tenantID), .text(caller.impersonatedBy ?? caller.userID), .text(method),
      .text(path), .text(key),
    ]
  }
}
