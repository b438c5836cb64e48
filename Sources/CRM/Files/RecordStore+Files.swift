internal import Database
public import HTTP
internal import JSON
internal import SQLite

extension RecordStore {
  /// Finds out whether a file could be attached, before its bytes are asked for.
  ///
  /// - Parameter byteCount: How large it is at least, as far as that is known.
  /// - Throws: 404 when the caller may not know of `parent`, 402 `plan_limit_exceeded`.
  public func checkUpload(
    _ byteCount: Int, to parent: ParentReference, _ mutation: Mutation
  ) throws {
    try database.read { connection in
      try parent.requireReadable(mutation.caller, catalog: catalog, in: connection)
      try PlanUsage.check(Int64(byteCount), more: .storage, mutation, in: connection)
    }
  }

  /// Receives a file and attaches it to `parent`: 201 with `Location`.
  ///
  /// - Parameters:
  ///   - resource: The resource of files.
  ///   - bytesMax: The largest file that is taken.
  /// - Throws: ``HTTP/Problem`` 402 `plan_limit_exceeded`, 404, 413; what `file` and the database
  ///   throw. Nothing is left of it then.
  public func upload(
    _ file: UploadedFile, as resource: Resource, to parent: ParentReference, bytesMax: Int,
    _ mutation: Mutation
  ) async throws -> MutationAnswer {
    var byteCount = 0
    return try await contents.receive(tenantID: mutation.caller.tenantID) {
      guard let bytes = try await file.next() else { return nil }
      byteCount += bytes.count
      guard byteCount <= bytesMax else { throw Problem.fileTooLarge(bytesMax) }
      // A length that was not announced is found out on the way.
      try database.read { connection in
        try PlanUsage.check(Int64(byteCount), more: .storage, mutation, in: connection)
      }
      return bytes
    } _: { content in
      let prepared = try prepare(file, content, as: resource, to: parent, mutation)
      return try await execute(mutation) { [self] connection, now in
        // It may have gone while the bytes came.
        try parent.requireReadable(mutation.caller, catalog: catalog, in: connection)
        try content.attach(in: connection)
        return try create(prepared, mutation, at: now, in: connection)
      }
    }
  }

  private func prepare(
    _ file: UploadedFile, _ content: ReceivedContent, as resource: Resource,
    to parent: ParentReference, _ mutation: Mutation
  ) throws -> PreparedRecord {
    var body = RecordBody(members: JSONObject([("name", .string(FileName.cleaned(file.name)))]))
    try body.hang(from: parent)
    return try prepareRecord(
      resource, body, caller: mutation.caller,
      serverSet: [
        "contentType": .text(MediaType.cleaned(file.contentType)),
        "size": .integer(content.byteCount), "sha256": .text(content.sha256),
      ])
  }

  /// A live file as its content is sent.
  ///
  /// - Throws: 404 when there is none that `scope` reaches.
  public func file(
    _ resource: Resource, id: String, below parent: ParentReference?, tenantID: String,
    scope: RecordScope
  ) throws -> StoredFile {
    var condition = scope.predicate(resource)
    if let parent { condition.append(parent.condition) }
    let file = try database.read { connection in
      try connection.first(
        """
        SELECT c.id, t.name, t.content_type, t.size, t.sha256
        FROM \(resource.description.table) AS t
        JOIN file_contents AS c ON c.tenant_id = t.tenant_id AND c.sha256 = t.sha256
        WHERE t.tenant_id = ? AND t.id = ? AND t.deleted_at IS NULL\(condition.sql)
        """, [.text(tenantID), .text(id)] + condition.values
      ) { row in
        StoredFile(
          tenantID: tenantID, contentID: row.text(0) ?? "", name: row.text(1) ?? "",
          contentType: row.text(2) ?? "", byteCount: Int(row.integer(3) ?? 0),
          sha256: row.text(4) ?? "")
      }
    }
    guard let file else { throw Problem.notFound(resource.description.entityType) }
    return file
  }

  /// The bytes of a file at `range`.
  ///
  /// - Parameter ended: Told once when nothing more will be read.
  public func download(
    _ file: StoredFile, _ range: Range<Int>, ended: @escaping @Sendable () -> Void
  ) -> FileDownload {
    FileDownload(contents, file, range, ended: ended)
  }
}

extension Problem {
  /// 413 for a file over the bound.
  public static func fileTooLarge(_ bytesMax: Int) -> Problem {
    Problem(.contentTooLarge, "The file is larger than \(bytesMax) bytes.")
  }
}
