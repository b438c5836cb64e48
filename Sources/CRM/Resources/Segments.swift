internal import Database
public import HTTP
internal import SQLite
public import Values

extension ResourceDescription {
  /// Saved filters: `/api/segments`.
  public static let segments: ResourceDescription = {
    var segments = ResourceDescription(
      name: "segments", entityType: "segment", paths: ["/api/segments"],
      summary: "Saved filters, which are run as whoever asks.",
      fields: [
        Field("name", .text(charactersMax: Limits.nameCharactersMax), "What it is called.")
          .required().folded(),
        Field("entityType", .choice(customised), "The kind of record that it lists.").required(),
        Field(
          "filter", .longText,
          "The filter as a list's query string has it: `lifecycle=customer&sort=lastName`.",
          column: "filter_text"
        ).required(),
      ])
    segments.specialty.resolve = { record, before, change, connection in
      let isSame = ["entityType", "filter"].allSatisfy { before?[$0] == record[$0] }
      if !isSame { try Segment(record).check(change, in: connection) }
    }
    return segments
  }()
}

/// A saved filter.
public struct Segment: Sendable {
  /// The kind of record that it lists.
  public let entityType: String
  let filter: String

  init(_ record: Record) {
    entityType = record["entityType"].text ?? ""
    filter = record["filter"].text ?? ""
  }

  /// The filter's parameters.
  ///
  /// - Throws: 400 for what is no query string, or says which part of the list is wanted.
  public func items() throws(Problem) -> QueryItems {
    let items = try QueryItems(parsing: filter)
    for item in items.items where Self.ofTheRequest.contains(item.name) {
      throw .invalidParameter(item.name, "has no place in a saved filter")
    }
    return items
  }

  /// The parameters of a list that belong to a request for it rather than to the saved filter.
  public static let ofTheRequest = ListQuery.parameters.filter { !["sort", "q"].contains($0) }

  /// - Throws: 422 when no list would take the filter.
  fileprivate func check(_ change: ChangeContext, in connection: borrowing Connection) throws {
    guard let resource = change.catalog.resource(entityType: entityType) else {
      throw RecordBody.validation([
        .init(
          pointer: "/entityType", code: "invalid_choice", detail: "there are no such records here")
      ])
    }
    let tenantID = change.caller.tenantID
    let definitions = try CustomFieldSet.load(tenantID, in: connection)
    do throws(Problem) {
      _ = try ListQuery(
        items(), resource, tenantID: tenantID, viewerID: change.caller.userID,
        customFields: definitions, now: change.now)
    } catch {
      throw RecordBody.validation([
        .init(
          pointer: "/filter", code: "invalid_filter", detail: error.detail,
          place: error.issues.first?.place)
      ])
    }
  }
}

extension RecordStore {
  /// The saved filter of that id.
  ///
  /// - Throws: 404 when there is none that `scope` reaches; what the database throws.
  public func segment(_ id: String, tenantID: String, scope: RecordScope) throws -> Segment {
    let resource = catalog.resource(entityType: "segment")
    let segment = try database.read { connection in
      try resource.flatMap { resource in
        let predicate = scope.predicate(resource)
        return try connection.first(
          resource.selectOneSQL + predicate.sql, [.text(tenantID), .text(id)] + predicate.values
        ) { Segment(Record(resource, row: $0)) }
      }
    }
    guard let segment else { throw Problem.notFound("segment") }
    return segment
  }

  /// The list that a saved filter stands for, as far as `request` asks for it.
  ///
  /// - Throws: 400 for what the request asks wrongly, 409 `conflict` when no list takes the filter
  ///   any more; what the database throws.
  public func query(
    _ segment: Segment, _ request: QueryItems, _ resource: Resource, tenantID: String,
    viewerID: String, now: Timestamp
  ) throws -> ListQuery {
    func query(_ items: QueryItems) throws -> ListQuery {
      try ListQuery(
        items, resource, tenantID: tenantID, viewerID: viewerID,
        customFields: customFields(for: items, tenantID: tenantID), now: now)
    }
    for item in request.items where item.name != "sort" && !Segment.ofTheRequest.contains(item.name)
    {
      throw Problem.invalidParameter(item.name, "is not known here", in: .name)
    }
    // What is wrong in the request is told of the request, before the two become one query string.
    _ = try query(request)
    let saved: QueryItems
    do {
      saved = try segment.items()
      _ = try query(saved)
    } catch let problem as Problem where problem.code == .invalidParameter {
      throw Problem(.conflict, "The saved filter is no longer valid: \(problem.detail)")
    }
    let kept = saved.items.filter { $0.name != "sort" || request["sort"] == nil }
    return try query(QueryItems(parsing: Self.queryString(kept + request.items)))
  }

  private static func queryString(_ items: [QueryItems.Item]) -> String {
    items.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }
      .joined(separator: "&")
  }
}
