internal import JSON
internal import SQLite

/// A record's values in the order of its resource's fields, as the database holds them.
struct Record: Sendable {
  let resource: Resource
  var values: [SQLiteValue]

  init(_ resource: Resource, values: [SQLiteValue]) {
    self.resource = resource
    self.values = values
  }

  /// Reads the record from a row in which the resource's columns begin at `first`.
  init(_ resource: Resource, row: borrowing Statement, from first: Int = 0) {
    self.resource = resource
    values = []
    values.reserveCapacity(resource.fields.count)
    for (place, field) in resource.fields.enumerated() {
      let column = first + place
      if row.isNull(column) {
        values.append(.null)
      } else if let integer = field.type.holdsInteger ? row.integer(column) : nil {
        values.append(.integer(integer))
      } else {
        values.append(SQLiteValue(row.text(column)))
      }
    }
  }

  subscript(_ name: String) -> SQLiteValue {
    get { values[resource.commonPlace(name)] }
    set { values[resource.commonPlace(name)] = newValue }
  }

  var id: String { text("id") }
  var ownerID: String? { self["ownerId"].text }
  var createdBy: String { text("createdBy") }
  var version: Int64 {
    guard case .integer(let version) = self["version"] else { return 0 }
    return version
  }

  /// The user who alone may know of the record; nil when it is not private.
  var privateTo: String? {
    guard let privacy = resource.description.privacy, self[privacy.field].text == privacy.value
    else { return nil }
    return createdBy
  }

  private func text(_ name: String) -> String { self[name].text ?? "" }

  /// The value at `place` as JSON.
  func json(at place: Int) -> JSONValue { FieldCodec.json(values[place], resource.fields[place]) }

  /// The record as its row reads in JSON.
  var encoded: [UInt8] {
    var writer = JSONWriter(capacity: 1024)
    writer.beginObject()
    for (place, field) in resource.fields.enumerated() {
      writer.name(field.name)
      switch (values[place], field.type.jsonKind) {
      case (.integer(let units), .decimal(let scale)): writer.decimal(units: units, scale: scale)
      case (.integer(let integer), .bool): writer.bool(integer != 0)
      case (.integer(let integer), _): writer.integer(integer)
      case (.text(let json), .json): writer.raw(json.utf8)
      case (.text(let text), _): writer.string(text)
      default: writer.null()
      }
    }
    writer.endObject()
    return writer.bytes
  }

  /// The values of the folded columns, in the order of the INSERT.
  var foldedValues: [SQLiteValue] {
    resource.foldedFields.map { FieldCodec.folded(values[$0], resource.fields[$0]) }
  }
}

extension SQLiteValue {
  /// The text, or nil for every other kind.
  var text: String? {
    guard case .text(let text) = self else { return nil }
    return text
  }

  /// The whole number, or nil for every other kind.
  var integer: Int64? {
    guard case .integer(let integer) = self else { return nil }
    return integer
  }
}

extension FieldType {
  /// Whether the column's values are whole numbers.
  var holdsInteger: Bool {
    switch self {
    case .integer, .decimal, .flag: true
    default: false
    }
  }
}
