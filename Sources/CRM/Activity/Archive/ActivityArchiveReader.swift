internal import JSON

/// Reads an archive of activities piece by piece, holding one line at a time.
public struct ActivityArchiveReader: Sendable {
  /// One line of the archive.
  public struct Line: Sendable {
    /// What stands in it.
    public enum Content: Sendable {
      /// An entry.
      case entry(ArchivedActivity)
      /// What the archive says of itself.
      case manifest(ArchiveManifest)
      /// Nothing that can be read, and why.
      case fault(ArchiveFault)
    }

    /// Its number, from 1.
    public var number: Int
    /// What stands in it.
    public var content: Content
    /// The line as it was, for who has to mend it: the text, or the cells.
    public var original: Original
  }

  /// A line as it was.
  public enum Original: Sendable {
    /// A line of NDJSON.
    case text([UInt8])
    /// A line of CSV.
    case cells([String?])
  }

  /// The longest line of NDJSON, in bytes.
  static let lineBytesMax = 16 * 1024 * 1024
  /// How long a cell may be, and a line of CSV.
  private static let bounds = CSVReader.Bounds(
    cellBytesMax: 5 * 1024 * 1024, cellsMax: 200, rowBytesMax: lineBytesMax)

  /// The names in the first line of CSV, as they stand there.
  public private(set) var header: [String] = []

  private let format: ActivityArchive.Format
  private var csv = CSVReader(bounds: bounds)
  private var names: [String] = []
  private var input: [UInt8] = []
  private var place = 0
  private var scanned = 0
  private var number = 0
  private var isAtEnd = false
  private var isSkipping = false

  /// A reader that has read nothing.
  public init(_ format: ActivityArchive.Format) { self.format = format }

  /// Takes the next bytes of the file.
  public mutating func append(_ bytes: [UInt8]) {
    guard format == .ndjson else { return csv.append(bytes) }
    if place == input.count {
      input = bytes
    } else {
      input.removeSubrange(..<place)
      input += bytes
    }
    scanned -= place
    place = 0
    scanned = max(0, scanned)
  }

  /// No more bytes will come.
  public mutating func finish() {
    isAtEnd = true
    csv.finish()
  }

  /// The next line; nil when more bytes are wanted, or when there is none.
  ///
  /// Blank lines are passed over.
  ///
  /// - Throws: ``ArchiveFault`` when the file as a whole cannot be read.
  public mutating func next() throws(ArchiveFault) -> Line? {
    format == .csv ? try nextRow() : nextText()
  }

  // MARK: NDJSON

  private mutating func nextText() -> Line? {
    while let text = takeText() {
      number += 1
      let isTooLong = isSkipping
      isSkipping = false
      if isTooLong || text.count > Self.lineBytesMax {
        return Line(
          number: number,
          content: .fault(ArchiveFault("it has more than \(Self.lineBytesMax) bytes")),
          original: .text([]))
      }
      guard text.contains(where: { $0 != 0x20 && $0 != 0x09 }) else { continue }
      return Line(number: number, content: Self.content(text), original: .text(text))
    }
    return nil
  }

  /// The next line without its end.
  private mutating func takeText() -> [UInt8]? {
    var index = max(place, scanned)
    while index < input.count, input[index] != 0x0a { index += 1 }
    scanned = index
    guard index < input.count else {
      if index - place > Self.lineBytesMax {
        // The rest of it is not wanted either.
        place = index
        isSkipping = true
      }
      guard isAtEnd, place < input.count || isSkipping else { return nil }
      defer { place = input.count }
      return Array(input[place...])
    }
    var line = input[place..<index]
    place = index + 1
    scanned = place
    if line.last == 0x0d { line.removeLast() }
    return Array(line)
  }

  private static func content(_ text: [UInt8]) -> Line.Content {
    do throws(ArchiveFault) {
      if text.starts(with: Array(#"{"manifest""#.utf8)) {
        // What is wrong with it is said by the line after.
        guard let manifest = (try? JSONParser.parse(text))?["manifest"] else {
          throw ArchiveFault("the manifest is no JSON")
        }
        return .manifest(try ArchiveManifest(manifest))
      }
      return .entry(try ArchivedActivity(ndjson: text))
    } catch {
      return .fault(error)
    }
  }

  // MARK: CSV

  private mutating func nextRow() throws(ArchiveFault) -> Line? {
    while true {
      let row: CSVReader.Row
      do throws(CSVReader.Fault) {
        guard let next = try csv.next() else { return nil }
        row = next
      } catch {
        guard !names.isEmpty else {
          throw ArchiveFault("the first line cannot be read: \(error.kind.words)")
        }
        return Line(
          number: error.line, content: .fault(ArchiveFault(error.kind.words)),
          original: .cells([]))
      }
      if row.isBlank { continue }
      guard !names.isEmpty else {
        try takeHeader(row.cells)
        continue
      }
      do throws(ArchiveFault) {
        let entry = try ArchivedActivity(names: names, cells: row.cells)
        return Line(number: row.line, content: .entry(entry), original: .cells(row.cells))
      } catch {
        return Line(number: row.line, content: .fault(error), original: .cells(row.cells))
      }
    }
  }

  private mutating func takeHeader(_ cells: [String?]) throws(ArchiveFault) {
    header = cells.map { $0 ?? "" }
    names = header.map { ArchiveFields.name($0) }
    for name in ["userId", "operation", "timestamp"] where !names.contains(name) {
      throw ArchiveFault("the first line must name the columns, and there is no \(name)")
    }
    guard Set(names).count == names.count else {
      throw ArchiveFault("a column stands twice in the first line")
    }
  }
}

extension CSVReader.Fault.Kind {
  /// What is wrong, in words.
  public var words: String {
    switch self {
    case .cellTooLong: "a cell is too long"
    case .tooManyCells: "it has too many cells"
    case .rowTooLong: "it is too long"
    case .textAfterQuote: "there is text behind a closing quotation mark"
    case .unclosedQuote: "the file ends inside quotation marks"
    case .notUTF8: "a cell is not UTF-8"
    }
  }
}
