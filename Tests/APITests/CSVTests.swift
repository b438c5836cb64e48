import CRM
import Testing

/// CSV in and out (RFC 4180).
@Suite struct CSVTests {
  private static let alphabet: [Character] = [
    "a", "é", "\u{1F600}", ",", ";", "\t", "\"", "'", "\n", "\r", "=", "+", "-", "@", "1", " ",
    "\u{FEFF}",
  ]

  private func read(
    _ bytes: [UInt8], delimiter: UInt8 = UInt8(ascii: ","), pieces: Int = 1,
    bounds: CSVReader.Bounds = .init()
  ) -> [Result<CSVReader.Row, CSVReader.Fault>] {
    var reader = CSVReader(delimiter: delimiter, bounds: bounds)
    var results: [Result<CSVReader.Row, CSVReader.Fault>] = []
    func drain() {
      while true {
        do throws(CSVReader.Fault) {
          guard let row = try reader.next() else { return }
          results.append(.success(row))
        } catch {
          results.append(.failure(error))
        }
      }
    }
    for start in stride(from: 0, to: bytes.count, by: max(1, pieces)) {
      reader.append(Array(bytes[start..<min(bytes.count, start + max(1, pieces))]))
      drain()
    }
    reader.finish()
    drain()
    return results
  }

  private func cells(_ text: String) throws -> [[String?]] {
    try read(Array(text.utf8), pieces: 1000).map { try $0.get().cells }
  }

  @Test("the examples of RFC 4180 and what else programs write")
  func examples() throws {
    #expect(try cells("aaa,bbb\r\nzzz,yyy\r\n") == [["aaa", "bbb"], ["zzz", "yyy"]])
    #expect(try cells("aaa,bbb") == [["aaa", "bbb"]])
    #expect(try cells("\"b \r\nbb\",\"b\"\"bb\"\n") == [["b \r\nbb", "b\"bb"]])
    #expect(try cells("a,,\"\"\rb") == [["a", nil, ""], ["b"]])
    #expect(try cells("\u{FEFF}a,b\n\n,\n") == [["a", "b"], [nil], [nil, nil]])
    #expect(try cells("it is 5\" long,b") == [["it is 5\" long", "b"]])
    #expect(try cells("") == [])
  }

  @Test("every line knows where it begins, and a bad one costs no other")
  func faults() {
    let text = "a\n\"b\nc\"\n\"x\"y,z\nd\n\"open"
    let results = read(Array(text.utf8))
    #expect(
      results == [
        .success(.init(line: 1, cells: ["a"])), .success(.init(line: 2, cells: ["b\nc"])),
        .failure(.init(kind: .textAfterQuote, line: 4)),
        .success(.init(line: 5, cells: ["d"])),
        .failure(.init(kind: .unclosedQuote, line: 6)),
      ])
    #expect(
      read([0x61, 0x2c, 0xff, 0x0a, 0x62]) == [
        .failure(.init(kind: .notUTF8, line: 1)), .success(.init(line: 2, cells: ["b"])),
      ])
  }

  @Test("lines beyond the bounds are refused, and the next one is read")
  func bounds() {
    let bounds = CSVReader.Bounds(cellBytesMax: 4, cellsMax: 3, rowBytesMax: 8)
    for (line, kind) in [
      ("abcde", CSVReader.Fault.Kind.cellTooLong), ("a,b,c,d", .tooManyCells),
      ("abcd,abcd,a", .rowTooLong), ("\"abcde\"", .cellTooLong),
    ] {
      #expect(
        read(Array("\(line)\nok\n".utf8), bounds: bounds) == [
          .failure(.init(kind: kind, line: 1)), .success(.init(line: 2, cells: ["ok"])),
        ], "\(line)")
    }
  }

  @Test(
    "what was written is read again, whatever it is, in pieces of any size",
    arguments: [",", ";", "\t", "|"] as [Unicode.Scalar])
  func roundTrip(delimiter: Unicode.Scalar) throws {
    var generator = SeededGenerator(seed: UInt64(delimiter.value))
    for _ in 0..<300 {
      let rows: [[String?]] = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
        (0..<Int.random(in: 1...4, using: &generator)).map { _ in
          guard !Int.random(in: 0..<5, using: &generator).isMultiple(of: 5) else { return nil }
          let length = Int.random(in: 0...6, using: &generator)
          return String(
            (0..<length).compactMap { _ in Self.alphabet.randomElement(using: &generator) })
        }
      }
      var writer = CSVWriter(delimiter: UInt8(ascii: delimiter))
      for row in rows { writer.row(row) }
      let pieces = Int.random(in: 1...20, using: &generator)
      let read = try read(writer.bytes, delimiter: UInt8(ascii: delimiter), pieces: pieces)
        .map { try $0.get().cells.map { $0.map(CSVFormula.restored) } }
      #expect(read == rows)
    }
  }

  @Test("50,000 bytes of nonsense are read to their end without a trap, within bounds")
  func fuzz() {
    var generator = SeededGenerator(seed: 77)
    let interesting: [UInt8] = [0x22, 0x2c, 0x0a, 0x0d, 0x61, 0xc3, 0xa9, 0xff, 0xef, 0xbb, 0xbf]
    for _ in 0..<500 {
      let bytes = (0..<100).map { _ in
        interesting[Int.random(in: 0..<interesting.count, using: &generator)]
      }
      let bounds = CSVReader.Bounds(cellBytesMax: 10, cellsMax: 5, rowBytesMax: 30)
      for result in read(
        bytes, pieces: Int.random(in: 1...9, using: &generator), bounds: bounds)
      {
        guard case .success(let row) = result else { continue }
        #expect(row.cells.count <= 5)
        #expect(row.cells.allSatisfy { ($0?.utf8.count ?? 0) <= 10 })
      }
    }
  }

  @Test(
    "cells that a spreadsheet would run are made harmless, and come back",
    arguments: [
      ("=1+1", true), ("@SUM(A1)", true), ("\tx", true), ("\rx", true),
      ("+cmd|' /C calc'!A0", true),
      ("-2+3", true), ("+1-800", false), ("-12.50", false), ("+49 (30) 123-456", false),
      ("-1e5", false), ("-", true), ("+", true), ("'=1", true), ("''@x", true), ("'tis", false),
      ("a=b", false), ("", false), ("+1,5", false), ("-1,5,6", true), ("+A1", true), ("-1e", true),
    ])
  func formulas(cell: String, isDangerous: Bool) {
    let written = CSVFormula.neutralized(cell)
    #expect(written == (isDangerous ? "'" + cell : cell))
    #expect(CSVFormula.restored(written) == cell)
  }
}
