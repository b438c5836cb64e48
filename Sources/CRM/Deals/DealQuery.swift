internal import HTTP
internal import SQLite
internal import Values

/// Which deals a view shows that is no list: every filter of the list applies to it.
public struct DealQuery: Sendable {
  /// The deals.
  let deals: Resource
  /// The parameters of the list that apply, `pipelineId` not among them.
  private let items: [QueryItems.Item]
  /// The pipeline that is asked for; nil when none is named.
  let pipelineID: String?
  /// The tenant's custom fields, by which filters on them are read.
  private let customFields: CustomFieldSet
  private let tenantID: String
  private let viewerID: String
  private let now: Timestamp

  /// Reads the parameters.
  ///
  /// - Parameters:
  ///   - refused: Parameters of the list that mean nothing here.
  /// - Throws: 400 `invalid_parameter` naming the parameter at fault.
  init(
    _ items: QueryItems, _ deals: Resource, refusing refused: [String],
    customFields: CustomFieldSet, tenantID: String, viewerID: String, now: Timestamp
  ) throws(Problem) {
    for item in items.items where refused.contains(item.name) {
      throw .invalidParameter(item.name, "is not known here", in: .name)
    }
    pipelineID = try Self.once("pipelineId", items)
    self.customFields = customFields
    self.items = items.items.filter { $0.name != "pipelineId" }
    self.deals = deals
    self.tenantID = tenantID
    self.viewerID = viewerID
    self.now = now
  }

  /// The value of a parameter that may stand once.
  static func once(_ name: String, _ items: QueryItems) throws(Problem) -> String? {
    let values = items.all(name)
    guard values.count <= 1 else { throw .invalidParameter(name, "stands twice", in: .name) }
    return values.first
  }

  /// The list of these deals that further parameters narrow.
  func list(_ further: [(name: String, value: String)] = []) throws(Problem) -> ListQuery {
    try ListQuery(
      QueryItems(items + further.map { .init(name: $0.name, value: $0.value) }), deals,
      tenantID: tenantID, viewerID: viewerID, customFields: customFields, now: now)
  }

  /// The pipeline that is meant: the oldest where none is named.
  func pipeline(in connection: borrowing Connection) throws -> Pipeline {
    guard let pipeline = try Pipeline.find(pipelineID, tenantID: tenantID, in: connection) else {
      throw Problem.notFound("pipeline")
    }
    return pipeline
  }

  /// `FROM` and `WHERE` of a list's deals that `scope` reaches.
  func rows(
    of list: ListQuery, _ scope: RecordScope, in connection: borrowing Connection
  ) throws(SQLiteError) -> SQLFragment {
    var rows = SQLFragment(
      "FROM deals AS t WHERE t.tenant_id = ? AND t.deleted_at IS NULL", [.text(tenantID)])
    rows.append(scope.predicate(deals))
    for filter in list.filters { rows.append(filter) }
    let words = try list.words?.condition(deals, tenantID: tenantID, scope: scope, in: connection)
    if let words { rows.append(words.sql) }
    return rows
  }
}
