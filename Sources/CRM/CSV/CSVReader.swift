/// Reads CSV (RFC 4180) piece by piece, within bounds.
///
/// Lines may end with CRLF, LF or CR; a byte order mark at the start is skipped. A quotation mark
/// inside a cell that does not begin with one stands for itself. After a fault reading goes on with
/// the next line, so that one bad line costs no other.
public struct CSVReader: Sendable {
  /// How much one line may hold.
  public struct Bounds: Sendable {
    /// Bytes of one cell.
    public var cellBytesMax: Int
    /// Cells of one line.
    public var cellsMax: Int
    /// Bytes of all cells of one line.
    public var rowBytesMax: Int

    /// Bounds of the given sizes.
    public init(
      cellBytesMax: Int = 1024 * 1024, cellsMax: Int = 1000, rowBytesMax: Int = 4 * 1024 * 1024
    ) {
      self.cellBytesMax = cellBytesMax
      self.cellsMax = cellsMax
      self.rowBytesMax = rowBytesMax
    }
  }

  /// A line's cells.
  public struct Row: Sendable, Equatable {
    /// The line on which it begins, from 1.
    public var line: Int
    /// The cells; nil where nothing stands between the delimiters.
    public var cells: [String?]

    /// A line made of its parts.
    public init(line: Int, cells: [String?]) {
      self.line = line
      self.cells = cells
    }

    /// Whether the line is blank.
    public var isBlank: Bool { cells == [nil] }
  }

  /// What is wrong with a line.
  public struct Fault: Error, Sendable, Equatable {
    /// The kinds of faults.
    public enum Kind: Sendable, Equatable {
      /// A cell has more bytes than it may.
      case cellTooLong
      /// The line has more cells than it may.
      case tooManyCells
      /// The line has more bytes than it may.
      case rowTooLong
      /// Something stands between a closing quotation mark and the next delimiter.
      case textAfterQuote
      /// The file ends inside quotation marks.
      case unclosedQuote
      /// A cell is not UTF-8.
      case notUTF8
    }

    /// What it is.
    public var kind: Kind
    /// The line on which the row begins, from 1.
    public var line: Int

    /// A fault made of its parts.
    public init(kind: Kind, line: Int) {
      self.kind = kind
      self.line = line
    }
  }

  private enum State: Sendable {
    case rowStart, cellStart, plain, quoted, quoteInQuoted, afterReturn, skipping
  }

  private static let quote = UInt8(ascii: "\"")
  private static let mark: [UInt8] = [0xef, 0xbb, 0xbf]

  private let delimiter: UInt8
  private let bounds: Bounds
  private var input: [UInt8] = []
  private var place = 0
  private var isAtStart = true
  private var isAtEnd = false
  private var state = State.rowStart
  private var cell: [UInt8] = []
  private var isQuoted = false
  private var cells: [String?] = []
  private var rowBytes = 0
  private var line = 1
  private var rowLine = 1

  /// A reader that has read nothing.
  public init(delimiter: UInt8 = UInt8(ascii: ","), bounds: Bounds = Bounds()) {
    precondition(Self.isDelimiter(delimiter), "this byte cannot stand between cells")
    self.delimiter = delimiter
    self.bounds = bounds
  }

  /// Whether a byte can stand between cells.
  public static func isDelimiter(_ byte: UInt8) -> Bool {
    byte < 0x80 && byte != quote && byte != 0x0a && byte != 0x0d
  }

  /// Takes the next bytes of the file; they are kept until ``next()`` has used them.
  public mutating func append(_ bytes: [UInt8]) {
    if place == input.count {
      input = bytes
    } else {
      input.removeSubrange(..<place)
      input += bytes
    }
    place = 0
  }

  /// No more bytes will come.
  public mutating func finish() { isAtEnd = true }

  /// The next line; nil when more bytes are wanted, or when there is none.
  ///
  /// - Throws: ``Fault``; the next call goes on behind the bad line.
  public mutating func next() throws(Fault) -> Row? {
    guard skipMark() else { return nil }
    while place < input.count {
      if let row = try take(input[place]) { return row }
    }
    return isAtEnd ? try last() : nil
  }

  /// - Returns: false while it cannot be told yet whether a byte order mark is there.
  private mutating func skipMark() -> Bool {
    guard isAtStart else { return true }
    let rest = input[place...]
    if rest.count < Self.mark.count, !isAtEnd, Self.mark.starts(with: rest) { return false }
    if rest.starts(with: Self.mark) { place += Self.mark.count }
    isAtStart = false
    return true
  }

  private mutating func take(_ byte: UInt8) throws(Fault) -> Row? {
    switch state {
    case .afterReturn:
      // The end of the line was seen already; its other half follows, or does not.
      state = .rowStart
      if byte == 0x0a { place += 1 }
      return nil
    case .skipping:
      place += 1
      if byte == 0x0a || byte == 0x0d { return endOfLine(byte, isSkipped: true) }
      return nil
    case .rowStart, .cellStart:
      if state == .rowStart { rowLine = line }
      if byte == Self.quote {
        place += 1
        isQuoted = true
        state = .quoted
        return nil
      }
      state = .plain
      return try takePlain(byte)
    case .plain:
      return try takePlain(byte)
    case .quoted:
      place += 1
      if byte == Self.quote {
        state = .quoteInQuoted
        return nil
      }
      if byte == 0x0a { line += 1 }
      try keep(byte)
      return nil
    case .quoteInQuoted:
      if byte == Self.quote {
        place += 1
        state = .quoted
        try keep(byte)
        return nil
      }
      guard byte == delimiter || byte == 0x0a || byte == 0x0d else {
        throw fault(.textAfterQuote)
      }
      return try takePlain(byte)
    }
  }

  private mutating func takePlain(_ byte: UInt8) throws(Fault) -> Row? {
    if byte == delimiter {
      try endCell()
      place += 1
      state = .cellStart
      return nil
    }
    guard byte == 0x0a || byte == 0x0d else {
      place += 1
      try keep(byte)
      return nil
    }
    try endCell()
    place += 1
    return endOfLine(byte, isSkipped: false)
  }

  private mutating func endOfLine(_ byte: UInt8, isSkipped: Bool) -> Row? {
    line += 1
    state = byte == 0x0d ? .afterReturn : .rowStart
    return isSkipped ? nil : takeRow()
  }

  private mutating func takeRow() -> Row {
    let row = Row(line: rowLine, cells: cells)
    cells = []
    rowBytes = 0
    return row
  }

  private mutating func keep(_ byte: UInt8) throws(Fault) {
    guard cell.count < bounds.cellBytesMax else { throw fault(.cellTooLong) }
    guard rowBytes < bounds.rowBytesMax else { throw fault(.rowTooLong) }
    cell.append(byte)
    rowBytes += 1
  }

  private mutating func endCell() throws(Fault) {
    guard cells.count < bounds.cellsMax else { throw fault(.tooManyCells) }
    if cell.isEmpty, !isQuoted {
      cells.append(nil)
    } else {
      guard let text = String(validating: cell, as: UTF8.self) else { throw fault(.notUTF8) }
      cells.append(text)
    }
    cell.removeAll(keepingCapacity: true)
    isQuoted = false
  }

  /// The last line of a file that does not end with the end of a line.
  private mutating func last() throws(Fault) -> Row? {
    switch state {
    case .rowStart, .afterReturn, .skipping:
      return nil
    case .quoted:
      throw fault(.unclosedQuote)
    case .cellStart, .plain, .quoteInQuoted:
      try endCell()
      state = .rowStart
      return takeRow()
    }
  }

  /// Drops the row; what follows up to the end of the line is passed over.
  private mutating func fault(_ kind: Fault.Kind) -> Fault {
    let fault = Fault(kind: kind, line: rowLine)
    cell.removeAll(keepingCapacity: true)
    cells = []
    isQuoted = false
    rowBytes = 0
    state = .skipping
    return fault
  }
}
