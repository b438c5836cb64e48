/// Writes CSV (RFC 4180): lines end with CRLF, cells are quoted where they have to be.
///
/// Nothing between two delimiters is a missing value, and `""` an empty text, so that both come
/// back as what they were.
public struct CSVWriter: Sendable {
  private static let quote = UInt8(ascii: "\"")
  private static let apostrophe = UInt8(ascii: "'")
  /// The first byte of a byte order mark, which a reader would skip at the start of a file.
  private static let markStart: UInt8 = 0xef

  /// What has been written since ``take()``.
  public private(set) var bytes: [UInt8] = []

  private let delimiter: UInt8
  private let neutralizesFormulas: Bool

  /// A writer that has written nothing.
  ///
  /// - Parameters:
  ///   - delimiter: What stands between cells: ASCII, but no quotation mark and no end of a line.
  ///   - neutralizesFormulas: Whether cells are made harmless for spreadsheets: ``CSVFormula``.
  public init(delimiter: UInt8 = UInt8(ascii: ","), neutralizesFormulas: Bool = true) {
    precondition(CSVReader.isDelimiter(delimiter), "this byte cannot stand between cells")
    self.delimiter = delimiter
    self.neutralizesFormulas = neutralizesFormulas
  }

  /// Writes one line; nil is a missing value.
  public mutating func row(_ cells: [String?]) {
    for (index, cell) in cells.enumerated() {
      if index > 0 { bytes.append(delimiter) }
      if let cell { append(cell) }
    }
    bytes.append(0x0d)
    bytes.append(0x0a)
  }

  /// Hands out what has been written and begins anew.
  public mutating func take() -> [UInt8] {
    var taken: [UInt8] = []
    swap(&taken, &bytes)
    return taken
  }

  private mutating func append(_ cell: String) {
    let isFormula = neutralizesFormulas && CSVFormula.isDangerous(cell.utf8)
    guard needsQuotes(cell) else {
      if isFormula { bytes.append(Self.apostrophe) }
      bytes.append(contentsOf: cell.utf8)
      return
    }
    bytes.append(Self.quote)
    if isFormula { bytes.append(Self.apostrophe) }
    for byte in cell.utf8 {
      if byte == Self.quote { bytes.append(Self.quote) }
      bytes.append(byte)
    }
    bytes.append(Self.quote)
  }

  private func needsQuotes(_ cell: String) -> Bool {
    guard let first = cell.utf8.first, first != Self.markStart else { return true }
    return cell.utf8.contains { byte in
      byte == delimiter || byte == Self.quote || byte == 0x0a || byte == 0x0d
    }
  }
}
