internal import JSON

/// Says what a verb found or did: JSON for programs, aligned columns for people.
enum VerbPrinter {
  static func print(_ output: VerbOutput, isJSON: Bool) {
    switch output {
    case .table(let entries, _) where isJSON: Terminal.output(JSONValue.array(entries).text)
    case .record(let entry, _) where isJSON: Terminal.output(entry.text)
    case .done(_, let entry) where isJSON: Terminal.output(entry.text)
    case .table(let entries, let columns): Terminal.output(table(entries, columns))
    case .record(let entry, let columns): Terminal.output(record(entry, columns))
    case .done(let words, _): Terminal.output(words)
    case .nothing: break
    }
  }

  /// A line for each entry under a line of titles; the last column is as wide as it likes.
  static func table(_ entries: [JSONValue], _ columns: [VerbOutput.Column]) -> String {
    let rows =
      [columns.map(\.title)] + entries.map { entry in columns.map { cell(entry[$0.member]) } }
    let widths = columns.indices.map { index in rows.map { $0[index].count }.max() ?? 0 }
    return rows.map { row in
      var line = ""
      for (index, cell) in row.enumerated() {
        line += index == row.count - 1 ? cell : padded(cell, to: widths[index]) + "  "
      }
      return trimmed(line)
    }.joined(separator: "\n")
  }

  /// A line for each member that has a value.
  static func record(_ entry: JSONValue, _ columns: [VerbOutput.Column]) -> String {
    let width = columns.map(\.title.count).max() ?? 0
    return columns.compactMap { column -> String? in
      let value = text(entry[column.member])
      return value.isEmpty ? nil : "\(padded(column.title, to: width))  \(value)"
    }.joined(separator: "\n")
  }

  /// A value in a table, of which a long list shows its beginning.
  private static func cell(_ value: JSONValue?) -> String {
    guard let list = value?.array, list.count > listed + 1 else { return text(value) }
    return "\(text(.array(Array(list.prefix(listed))))) and \(list.count - listed) more"
  }

  /// How many elements of a list a table shows.
  private static let listed = 3

  /// A value as a person reads it, on one line.
  static func text(_ value: JSONValue?) -> String {
    switch value {
    case nil, .null?: ""
    case .bool(let isTrue)?: isTrue ? "yes" : "no"
    case .string(let text)?: plain(text)
    case .array(let values)?: values.map { text($0) }.joined(separator: ", ")
    case .object(let object)?:
      object.members.map { "\($0.name)=\(text($0.value))" }.joined(separator: ", ")
    case .number(let number)?: number.text
    }
  }

  /// Without what would move a terminal's cursor.
  private static func plain(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.filter { scalar in
          scalar.value >= 0x20 && !(0x7f...0x9f).contains(scalar.value)
        }))
  }

  private static func padded(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func trimmed(_ line: String) -> String {
    var line = line
    while line.hasSuffix(" ") { line.removeLast() }
    return line
  }
}
