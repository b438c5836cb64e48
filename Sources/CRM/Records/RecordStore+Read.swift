internal import Database
internal import HTTP
internal import JSON
internal import SQLite

/// One record as it is answered.
public struct RecordAnswer: Sendable {
  /// `{"data": …}`.
  public let body: [UInt8]
  /// The record's version.
  public let version: Int64
}

extension RecordStore {
  /// One live record.
  ///
  /// - Parameters:
  ///   - fields: The value of `fields=`, nil for all members.
  ///   - expand: The value of `expand=`, nil for nothing.
  ///   - related: What of that the caller may see.
  /// - Throws: 404 when there is none that `scope` reaches, 400 for an unknown field.
  public func read(
    _ resource: Resource, id: String, below parent: ParentReference? = nil, tenantID: String,
    scope: RecordScope, fields: String? = nil, expand: String? = nil,
    related: RelatedAccess = .none
  ) throws -> RecordAnswer {
    var predicate = scope.predicate(resource)
    if let parent { predicate.append(parent.condition) }
    let places = try fields.map { names throws(Problem) in try ListQuery.places(names, resource) }
    let expansions = try expand.map { names throws(Problem) in
      try Expansion.parse(names, resource)
    }
    let layout = places.map(resource.layout(of:)) ?? resource.layout
    let version = resource.commonPlace("version")
    let answer = try database.read { connection in
      var rows = expansions.map { ExpandedRows(resource, places: places, $0) }
      let answer = try connection.first(
        resource.selectOneSQL + predicate.sql, [.text(tenantID), .text(id)] + predicate.values
      ) { row in
        var writer = JSONWriter(capacity: 1024)
        if rows == nil { row.appendJSONObject(layout, to: &writer) }
        rows?.append(row)
        return (data: writer, version: row.integer(version) ?? 0)
      }
      return try answer.map { answer in
        var data = answer.data
        try rows?.write(to: &data, tenantID: tenantID, related, catalog, in: connection)
        var writer = JSONWriter(capacity: data.bytes.count + 16)
        writer.beginObject()
        writer.name("data")
        writer.raw(data.bytes)
        writer.endObject()
        return RecordAnswer(body: writer.bytes, version: answer.version)
      }
    }
    guard let answer else { throw Problem.notFound(resource.description.entityType) }
    return answer
  }

  /// - Throws: 404 unless the caller may read a live record of that id.
  public func requireReadable(_ parent: ParentReference, caller: Caller) throws {
    try database.read { connection in
      try parent.requireReadable(caller, catalog: catalog, in: connection)
    }
  }
}

extension Resource {
  /// A layout of the usual columns that shows only those at `places`.
  func layout(of places: [Int]) -> JSONRowLayout {
    JSONRowLayout(
      fields.indices.map { place in
        (fields[place].name, places.contains(place) ? fields[place].type.jsonKind : .skip)
      })
  }
}
