internal import Testing

@testable import cardfile_bench

@Suite("What the benchmark says") struct ReportTests {
  private func figures() throws -> Figures {
    var figures = Figures(try Options(parsing: ["--create-connections", "64"]), threads: 2)
    figures.get.perSecond = [450, 500, 10]
    figures.bareGet.perSecond = [1000, 1000, 20]
    figures.list.perSecond = [100, 100, 100]
    figures.pages.perSecond = [500, 500, 500]
    figures.creates[0].perSecond = [399, 401, 402]
    figures.groups[0].perSecond = [100, 100, 100]
    figures.idleMegabytes = [44.9]
    figures.startMilliseconds = [150]
    return figures
  }

  private func report(_ figures: Figures) -> Report {
    Report(
      command: "cardfile-bench", date: "2026-01-31T10:30:00Z", machine: "2 cores, load 0 0 0",
      series: figures.series, verdicts: figures.verdicts)
  }

  @Test("a ratio is the median of the rounds' own ratios")
  func ratios() throws {
    let verdicts = try figures().verdicts
    #expect(verdicts.map(\.value) == ["50 %", "20 %", "4.01 ×", "44.9 MB", "150 ms"])
    #expect(verdicts.map(\.wanted) == ["≥ 45 %", "≥ 25 %", "≥ 4 ×", "< 45 MB", "< 150 ms"])
    #expect(verdicts.map(\.isMet) == [true, false, true, true, false])
  }

  @Test("figures that were never taken are not met")
  func nothingMeasured() throws {
    let figures = Figures(try Options(parsing: []), threads: 2)
    #expect(figures.verdicts.allSatisfy { !$0.isMet })
  }

  @Test("the median of an even number lies between the two in the middle")
  func median() {
    #expect(Statistics.median([3, 1, 2]) == 2)
    #expect(Statistics.median([4, 1, 2, 3]) == 2.5)
    #expect(Statistics.median([]).isNaN)
  }

  @Test("the tables name the command, every series and what was missed")
  func markdown() throws {
    let figures = try figures()
    let text = report(figures).markdown
    #expect(text.hasPrefix("`cardfile-bench`, 2026-01-31T10:30:00Z, 2 cores"))
    #expect(figures.series.allSatisfy { text.contains("| \($0.name) |") })
    #expect(text.contains("| list ÷ SQLite to JSON | 20 % | ≥ 25 % | **missed** |"))
    #expect(text.contains("| memory at rest | 44.9 MB | < 45 MB | met |"))
  }

  @Test("only what stands between the markers is replaced")
  func replacing() throws {
    let report = report(try figures())
    let old = "# Speed\n\(Report.begin)\nold\n\(Report.end)\nrest\n"
    let new = try report.replacing(in: old)
    #expect(new.hasPrefix("# Speed\n\(Report.begin)\n\n`cardfile-bench`"))
    #expect(new.hasSuffix("\n\(Report.end)\nrest\n"))
    #expect(!new.contains("old"))
    let again = try report.replacing(in: new)
    #expect(again == new)
  }

  @Test(
    "a document without both markers in order is left alone",
    arguments: ["", Report.begin, Report.end + "\n" + Report.begin])
  func markerless(document: String) throws {
    let report = report(try figures())
    #expect(throws: BenchmarkError.self) { try report.replacing(in: document) }
  }
}
