internal import Database
public import HTTP
internal import JSON
internal import SQLite
internal import Synchronization
public import Values

/// What an export of the activity log is to hold, and in which form.
public struct ActivityExportQuery: Sendable {
  /// The parameters that are read here.
  public static let names = ActivityFilter.names + ["format"]

  /// In which form.
  public let format: ActivityArchive.Format
  /// Which entries.
  public let filter: ActivityFilter
  /// What was asked for, for the manifest.
  let given: JSONObject

  /// Reads the parameters out of `values`, by name.
  ///
  /// - Throws: 400 `invalid_parameter` naming the parameter at fault.
  public init(
    _ values: [String: String], now: Timestamp, subtree: (_ unitID: String) -> Set<String>
  ) throws(Problem) {
    let wanted = values["format"] ?? ActivityArchive.Format.ndjson.rawValue
    guard let format = ActivityArchive.Format(rawValue: wanted) else {
      let known = ActivityArchive.Format.allCases.map(\.rawValue).joined(separator: " or ")
      throw .invalidParameter("format", "must be \(known)")
    }
    self.format = format
    filter = try ActivityFilter(values, now: now, subtree: subtree)
    given = JSONObject(
      ActivityFilter.names.compactMap { name in values[name].map { (name, .string($0)) } })
  }
}

/// An export of the activity log on its way out.
///
/// Each slice is a read of its own, so that a slow client keeps nobody's snapshot, and no more than
/// a slice is in memory. What is exported ends with the newest entry at the beginning; since
/// entries never change, all of it is as it was at that moment.
public final class ActivityExport: HTTPResponseBodyStream {
  /// What is still to come.
  private struct Progress {
    /// Time and place of the last entry, as the order goes.
    var keys: [SQLiteValue]?
    var manifest: ArchiveManifest
    var hasBegun = false
    var hasEnded = false
  }

  /// Who is told of the end.
  private struct Listener {
    let finished: @Sendable () -> Void
    let completed: @Sendable (ArchiveManifest) async throws -> Void
  }

  /// Entries of one slice: some hundred kilobytes.
  private static let sliceRows = 200
  /// How long a slice may take, in seconds: a filter may have to pass over many entries.
  private static let deadlineSeconds = 30.0

  /// The id of the entry that tells of it.
  public let id: String

  private let database: Database
  private let query: ActivityExportQuery
  private let tenantID: String
  private let reach: ActivityReach
  private let columns: ExportColumns
  private let progress: Mutex<Progress>
  private let listener: Mutex<Listener?>

  init(
    _ database: Database, _ query: ActivityExportQuery, id: String, tenantID: String,
    reach: ActivityReach, columns: ExportColumns, manifest: ArchiveManifest,
    finished: @escaping @Sendable () -> Void,
    completed: @escaping @Sendable (ArchiveManifest) async throws -> Void
  ) {
    self.id = id
    self.database = database
    self.query = query
    self.tenantID = tenantID
    self.reach = reach
    self.columns = columns
    progress = Mutex(Progress(manifest: manifest))
    listener = Mutex(Listener(finished: finished, completed: completed))
  }

  /// What has been written so far.
  public var manifest: ArchiveManifest { progress.withLock(\.manifest) }

  /// The next lines.
  ///
  /// Never runs on the thread that sends them, which has others to serve.
  public func next() async throws -> [UInt8]? {
    await Task.yield()
    var progress = progress.withLock { $0 }
    guard !progress.hasEnded else { return nil }
    var bytes: [UInt8] = []
    if !progress.hasBegun, query.format == .csv { bytes += columns.header }
    bytes += try slice(&progress)
    progress.hasBegun = true
    if progress.hasEnded {
      let completed = listener.withLock { $0?.completed }
      try await completed?(progress.manifest)
      if query.format == .ndjson { bytes += Self.line(progress.manifest) }
    }
    self.progress.withLock { $0 = progress }
    return bytes
  }

  /// Nothing more will be read.
  public func finish() { listener.withLock { $0.take() }?.finished() }

  private static func line(_ manifest: ArchiveManifest) -> [UInt8] {
    let line: JSONValue = ["manifest": manifest.json]
    return line.bytes + [0x0a]
  }

  private func slice(_ progress: inout Progress) throws -> [UInt8] {
    let state = progress
    let (bytes, next) = try database.read(deadlineSeconds: Self.deadlineSeconds) { connection in
      var next = state
      let rows = try statement(after: state.keys, upTo: state.manifest.upTo, in: connection)
      var lines = ArchiveLines(query.format, columns)
      var count = 0
      try connection.forEachRow(rows.sql, rows.values) { row throws(SQLiteError) in
        count += 1
        lines.append(row)
        next.keys = [row.value(0), row.value(1)]
        next.manifest.count(
          seq: row.integer(1) ?? 0, hash: row.text(columns.hashColumn) ?? "",
          isWithheld: !row.isNull(columns.withheldColumn))
      }
      next.hasEnded = count < Self.sliceRows
      return (lines.bytes, next)
    }
    progress = next
    return bytes
  }

  /// The whole log follows the chain, a part of it the order of lists.
  private func statement(
    after keys: [SQLiteValue]?, upTo: Int64, in connection: borrowing Connection
  ) throws(SQLiteError) -> SQLFragment {
    let columns = columns.fragment
    guard query.filter.givenNames.isEmpty, reach == .tenant else {
      return try ActivityStatement(
        query.filter, tenantID: tenantID, reach: reach,
        further: SQLFragment(" AND a.seq <= ?", [.integer(upTo)]), in: connection
      ).page(columns, after: keys, isDescending: false, limit: Self.sliceRows)
    }
    return SQLFragment(
      """
      SELECT \(columns.sql) FROM crm_activities AS a
      WHERE a.tenant_id = ? AND a.seq > ? AND a.seq <= ? ORDER BY a.seq LIMIT ?
      """,
      columns.values + [
        .text(tenantID), keys?.last ?? 0, .integer(upTo), .integer(Self.sliceRows),
      ])
  }
}

/// The columns of an export's rows: the two keys, the members of an entry, those of an archive, and
/// whether something was withheld.
struct ExportColumns: Sendable {
  let fragment: SQLFragment
  let names: [String]
  let kinds: [JSONRowLayout.Kind]
  let layout: JSONRowLayout

  var hashColumn: Int { StoredActivity.keyCount + names.count - 2 }
  var withheldColumn: Int { StoredActivity.keyCount + names.count - 1 }

  /// - Parameter viewerID: Who looks; nil for the server itself, from which nothing is private.
  init(seenBy viewerID: String?, in catalog: Catalog) {
    var fragment = StoredActivity.columns(seenBy: viewerID, in: catalog)
    var members: [(name: String, kind: JSONRowLayout.Kind)] = StoredActivity.kinds
    for member in ActivityArchive.members {
      fragment.append(SQLFragment(", \(member.column)"))
      members.append((member.name, member.kind))
    }
    let metadata = StoredActivity.metadata(seenBy: viewerID, in: catalog)
    fragment.append(
      SQLFragment(
        ", CASE WHEN a.metadata IS NOT \(metadata.sql) THEN '[\"metadata\"]' END",
        metadata.values))
    members.append(("withheld", .json))
    self.fragment = fragment
    names = members.map(\.name)
    kinds = members.map(\.kind)
    layout = JSONRowLayout([("time", .skip), ("place", .skip)] + members)
  }

  /// The first line of CSV.
  var header: [UInt8] {
    var writer = CSVWriter()
    writer.row(names)
    return writer.bytes
  }
}

/// The lines of one slice.
private struct ArchiveLines {
  private let format: ActivityArchive.Format
  private let columns: ExportColumns
  private var json = JSONWriter(capacity: 0)
  private var csv = CSVWriter()

  init(_ format: ActivityArchive.Format, _ columns: ExportColumns) {
    self.format = format
    self.columns = columns
  }

  var bytes: [UInt8] { format == .csv ? csv.bytes : json.bytes }

  mutating func append(_ row: borrowing Statement) {
    switch format {
    case .ndjson:
      row.appendJSONObject(columns.layout, to: &json)
      json.endLine()
    case .csv:
      var cells: [String?] = []
      cells.reserveCapacity(columns.kinds.count)
      for (index, kind) in columns.kinds.enumerated() {
        let column = index + StoredActivity.keyCount
        if case .decimal(let scale) = kind {
          cells.append(row.integer(column).map { FixedPoint.text(units: $0, scale: scale) })
        } else {
          cells.append(row.text(column))
        }
      }
      csv.row(cells)
    }
  }
}
