internal import JSON

/// How the columns of a row become the members of a JSON object: column i is entry i.
public struct JSONRowLayout: Sendable {
  /// What a column's value is in JSON.
  ///
  /// NULL is `null` in every kind.
  public enum Kind: Sendable, Equatable {
    /// A string.
    case text
    /// A whole number.
    case integer
    /// A number of units of 10^-scale, written in the shortest form; `scale` is 0 to 18.
    case decimal(scale: Int)
    /// Text that is JSON already, copied as it is.
    case json
    /// `true` for any integer but 0.
    case bool
    /// Not written: the column is selected for another purpose.
    case skip
  }

  struct Column {
    /// Where the key stands in ``JSONRowLayout/keys``.
    let keyStart: Int
    let keyCount: Int
    let kind: Kind
  }

  /// One after the other: a comma, the member's name in quotation marks, a colon.
  ///
  /// In one array, and the columns free of references, so that a row counts no references.
  let keys: [UInt8]
  let columns: [Column]

  /// A layout with one entry for each column, in the statement's order.
  public init(_ columns: [(name: String, kind: Kind)]) {
    var keys: [UInt8] = []
    self.columns = columns.map { name, kind in
      if case .decimal(let scale) = kind {
        precondition((0...18).contains(scale), "64 bits hold 18 decimals")
      }
      var writer = JSONWriter(capacity: name.utf8.count + 4)
      writer.append(verbatim: ",".utf8)
      writer.append(verbatim: JSONValue.string(name).bytes)
      writer.append(verbatim: ":".utf8)
      defer { keys += writer.bytes }
      return Column(keyStart: keys.count, keyCount: writer.bytes.count, kind: kind)
    }
    self.keys = keys
  }
}
