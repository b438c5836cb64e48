internal import CRM
internal import Foundation
internal import JSON
internal import Values

/// A file of activities that is read from its beginning, one line at a time.
struct ArchiveFile {
  private static let pieceBytes = 1024 * 1024

  let path: String
  let format: ActivityArchive.Format
  /// Its size.
  let byteCount: Int
  /// How much of it was read.
  private(set) var bytesRead = 0
  private let file: FileHandle
  private var reader: ActivityArchiveReader
  private var hasEnded = false

  /// - Parameter format: `ndjson` or `csv`; nil for what the name says.
  /// - Throws: ``CommandFailure/failed(_:)`` when there is no such file.
  init(_ path: String, format: String?) throws(CommandFailure) {
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw .failed("\(path) cannot be read")
    }
    self.path = path
    self.file = file
    let isCSV = path.lowercased().hasSuffix(".csv")
    self.format =
      format.flatMap { ActivityArchive.Format(rawValue: $0) } ?? (isCSV ? .csv : .ndjson)
    reader = ActivityArchiveReader(self.format)
    // Only the progress bar wants it.
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    byteCount = (attributes?[.size] as? NSNumber)?.intValue ?? 0
  }

  /// The names in the first line of CSV.
  var header: [String] { reader.header }

  /// The next line; nil at the end.
  mutating func next() throws -> ActivityArchiveReader.Line? {
    while true {
      do throws(ArchiveFault) {
        if let line = try reader.next() { return line }
      } catch {
        throw CommandFailure.failed("\(path): \(error.reason)")
      }
      guard !hasEnded else { return nil }
      if let data = try file.read(upToCount: Self.pieceBytes), !data.isEmpty {
        bytesRead += data.count
        reader.append(Array(data))
      } else {
        hasEnded = true
        reader.finish()
      }
    }
  }

  /// The first entry that can be read.
  mutating func firstEntry() throws -> ArchivedActivity? {
    while let line = try next() {
      if case .entry(let entry) = line.content { return entry }
    }
    return nil
  }

  /// The manifest that lies beside a file of CSV.
  func manifestBeside() throws -> ArchiveManifest? {
    guard let data = FileManager.default.contents(atPath: "\(path).manifest.json") else {
      return nil
    }
    do {
      return try ArchiveManifest(JSONParser.parse(Array(data))["manifest"] ?? .null)
    } catch let fault as ArchiveFault {
      throw CommandFailure.failed("\(path).manifest.json: \(fault.reason)")
    } catch {
      throw CommandFailure.failed("\(path).manifest.json is no JSON")
    }
  }
}

/// What a look through a whole file has shown.
struct ArchiveSurvey {
  let isCSV: Bool
  /// Whose entries they are.
  private(set) var tenantID: String?
  /// Whether it claims to be a whole log of ours.
  private(set) var isArchive = false
  /// Follows the chain; nil for a file without links.
  private(set) var check: ArchiveCheck?
  /// The hash of the entry at the place that was asked for.
  private(set) var hash: [UInt8]?
  private var manifest: ArchiveManifest?
  private var firstFault: String?
  private var rows: Int64 = 0

  /// Reads all of a file.
  ///
  /// - Parameter seq: The place of the entry whose hash is wanted.
  static func make(_ file: consuming ArchiveFile, at seq: Int64) throws -> ArchiveSurvey {
    var survey = ArchiveSurvey(isCSV: file.format == .csv)
    let bar = ProgressBar("Checking")
    defer { bar.finish() }
    while let line = try file.next() {
      survey.take(line, at: seq)
      bar.report(Int64(file.bytesRead), of: Int64(file.byteCount))
    }
    if survey.isCSV { survey.manifest = try file.manifestBeside() }
    survey.isArchive = survey.isArchive && survey.manifest?.isWhole != false
    return survey
  }

  private init(isCSV: Bool) { self.isCSV = isCSV }

  private mutating func take(_ line: ActivityArchiveReader.Line, at seq: Int64) {
    switch line.content {
    case .manifest(let manifest):
      self.manifest = manifest
    case .fault(let fault):
      note("line \(line.number): \(fault.reason)")
    case .entry(let entry):
      if manifest != nil { note("line \(line.number) stands behind the manifest") }
      rows += 1
      if rows == 1 {
        tenantID = entry.tenantID
        isArchive = entry.seq == 1 && entry.hash != nil
        if isArchive { check = ArchiveCheck() }
      }
      guard isArchive, firstFault == nil else { return }
      do throws(ArchiveFault) {
        guard entry.tenantID == tenantID else {
          throw ArchiveFault("it belongs to another tenant than the lines before")
        }
        try check?.take(entry)
        if entry.seq == seq { hash = entry.hash }
      } catch {
        note("line \(line.number): \(error.reason)")
      }
    }
  }

  private mutating func note(_ fault: String) { if firstFault == nil { firstFault = fault } }

  /// Nothing would tell if entries were cut off at the end.
  var isCutUnnoticed: Bool { isCSV && manifest == nil }

  /// Why it is not the log that it claims to be; nil when it is.
  var archiveFault: String? {
    if let firstFault { return ": \(firstFault)" }
    guard let manifest else {
      return isCSV ? nil : " has no manifest at its end: some of it was cut off"
    }
    guard manifest.rows == rows, let place = check?.place, manifest.lastSeq == place.seq,
      manifest.lastHash == Hexadecimal.text(place.head), manifest.tenantID == tenantID
    else {
      return " does not fit its manifest, which tells of \(manifest.rows) entries up to seq "
        + "\(manifest.lastSeq ?? 0); there are \(rows)"
    }
    return nil
  }
}

/// `FILE.rejected.ndjson` or `.csv`: the lines that were not taken, and why.
final class RejectedLines {
  let path: String
  private let isCSV: Bool
  private var file: FileHandle?

  init(_ source: String, isCSV: Bool) {
    self.isCSV = isCSV
    path = "\(source).rejected.\(isCSV ? "csv" : "ndjson")"
  }

  /// Writes one line; the file is made with the first.
  func add(
    _ line: ActivityArchiveReader.Line, _ reason: String, header: [String]
  ) throws {
    var bytes: [UInt8] = []
    if isCSV {
      // The cells are as they came: what was made harmless there is harmless here.
      var writer = CSVWriter(neutralizesFormulas: false)
      if file == nil { writer.row(header + ["rejectedLine", "reason"]) }
      if case .cells(let cells) = line.original {
        let room = max(0, header.count - cells.count)
        writer.row(
          cells.prefix(header.count) + [String?](repeating: nil, count: room)
            + [String(line.number), reason])
      }
      bytes = writer.bytes
    } else if case .text(let text) = line.original {
      let entry: JSONValue = [
        "line": .integer(line.number), "reason": .string(reason),
        "text": .string(String(decoding: text, as: UTF8.self)),
      ]
      bytes = entry.bytes + [0x0a]
    }
    if file == nil { file = try PrivateFile.create(path) }
    try file?.write(contentsOf: Data(bytes))
  }

  func close() throws { try file?.close() }
}
