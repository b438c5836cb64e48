internal import CSQLite
public import JSON

/// The current row of a running statement, lent for the length of a closure.
///
/// Columns count from 0. A column of another type is converted as sqlite.org/c3ref/column_blob.html
/// says; NULL is nil.
public struct Statement: ~Copyable {
  let pointer: OpaquePointer
  let rowBuffer: RowBuffer

  /// How many columns each row has.
  public var columnCount: Int { Int(sqlite3_column_count(pointer)) }

  /// Whether the column is NULL.
  public func isNull(_ column: Int) -> Bool {
    sqlite3_column_type(pointer, Int32(column)) == SQLITE_NULL
  }

  /// How a value lies in the file (sqlite.org/datatype3.html section 2).
  public enum StorageClass: Sendable {
    case null, integer, real, text, blob
  }

  /// How the column's value lies in the file.
  public func storageClass(_ column: Int) -> StorageClass {
    switch sqlite3_column_type(pointer, Int32(column)) {
    case SQLITE_INTEGER: .integer
    case SQLITE_FLOAT: .real
    case SQLITE_TEXT: .text
    case SQLITE_BLOB: .blob
    default: .null
    }
  }

  /// The column as text, invalid UTF-8 repaired.
  public func text(_ column: Int) -> String? {
    guard let bytes = sqlite3_column_text(pointer, Int32(column)) else { return nil }
    let count = Int(sqlite3_column_bytes(pointer, Int32(column)))
    return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
  }

  /// The column as an integer.
  public func integer(_ column: Int) -> Int64? {
    isNull(column) ? nil : sqlite3_column_int64(pointer, Int32(column))
  }

  /// The column as a floating-point number.
  public func real(_ column: Int) -> Double? {
    isNull(column) ? nil : sqlite3_column_double(pointer, Int32(column))
  }

  /// The column as it is stored, for a statement that asks for it again.
  public func value(_ column: Int) -> SQLiteValue {
    switch sqlite3_column_type(pointer, Int32(column)) {
    case SQLITE_INTEGER: SQLiteValue(integer(column))
    case SQLITE_FLOAT: real(column).map(SQLiteValue.real) ?? .null
    case SQLITE_TEXT: SQLiteValue(text(column))
    case SQLITE_BLOB: SQLiteValue(blob(column))
    default: .null
    }
  }

  /// The column as bytes; text as it lies in the file, repaired nowhere.
  public func blob(_ column: Int) -> [UInt8]? {
    if isNull(column) { return nil }
    // A blob without bytes has no address.
    guard let bytes = sqlite3_column_blob(pointer, Int32(column)) else { return [] }
    let count = Int(sqlite3_column_bytes(pointer, Int32(column)))
    return Array(UnsafeRawBufferPointer(start: bytes, count: count))
  }

  /// Writes the whole row as one JSON object, straight from SQLite's memory.
  public func appendJSONObject(_ layout: JSONRowLayout, to writer: inout JSONWriter) {
    var row = rowBuffer.take()
    row.append(UInt8(ascii: "{"))
    appendMembers(layout, to: &row)
    row.append(UInt8(ascii: "}"))
    writer.raw(row.written)
    rowBuffer.put(row)
  }

  /// Writes the row's members without the braces, for a caller that adds members of its own.
  public func appendJSONMembers(_ layout: JSONRowLayout, to writer: inout JSONWriter) {
    var row = rowBuffer.take()
    appendMembers(layout, to: &row)
    if row.count > 0 { writer.raw(row.written) }
    rowBuffer.put(row)
  }

  private func appendMembers(_ layout: JSONRowLayout, to row: inout RowBytes) {
    precondition(layout.columns.count <= columnCount, "the layout has more columns than the row")
    let start = row.count
    var column: Int32 = 0
    layout.keys.withUnsafeBufferPointer { keys in
      for entry in layout.columns {
        defer { column += 1 }
        if case .skip = entry.kind { continue }
        guard let key = keys.baseAddress else { continue }
        // The first member goes without the comma that its key begins with.
        let comma = row.count == start ? 1 : 0
        row.append(key + entry.keyStart + comma, count: entry.keyCount - comma)
        appendValue(column, entry.kind, to: &row)
      }
    }
  }

  /// Writes one column.
  ///
  /// `sqlite3_column_value` looks the column up once instead of once for each of the questions
  /// below. Its result may be asked them because one thread alone uses the connection.
  @inline(__always)
  private func appendValue(_ column: Int32, _ kind: JSONRowLayout.Kind, to row: inout RowBytes) {
    let value = sqlite3_column_value(pointer, column)
    guard sqlite3_value_type(value) != SQLITE_NULL else { return row.append("null") }
    switch kind {
    case .text:
      guard let text = sqlite3_value_text(value) else { return row.append("null") }
      row.appendQuoted(text, count: Int(sqlite3_value_bytes(value)))
    case .json:
      guard let text = sqlite3_value_text(value) else { return row.append("null") }
      row.append(text, count: Int(sqlite3_value_bytes(value)))
    case .integer:
      row.appendInteger(sqlite3_value_int64(value))
    case .decimal(let scale):
      row.appendDecimal(units: sqlite3_value_int64(value), scale: scale)
    case .bool:
      row.append(sqlite3_value_int64(value) != 0 ? "true" : "false")
    case .skip:
      break
    }
  }
}
