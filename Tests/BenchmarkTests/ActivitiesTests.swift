internal import Testing

@testable import cardfile_bench

@Suite("Long activity logs") struct ActivitiesTests {
  @Test("the options have defaults, and what is no number is refused")
  func options() throws {
    let standard = try ActivitiesOptions(parsing: [])
    #expect(standard.entries == [100_000, 1_000_000] && standard.document == nil)
    let written = try ActivitiesOptions(parsing: ["--entries", "10,20", "--write", "a.md"])
    #expect(written.entries == [10, 20] && written.document == "a.md")
    for wrong in [["--entries", "0"], ["--entries", ","], ["--entries"], ["now"]] {
      #expect(throws: BenchmarkError.self) { try ActivitiesOptions(parsing: wrong) }
    }
  }

  @Test("a report that grows with the log is said to, and what was not answered stays empty")
  func report() throws {
    func row(_ entries: Int, _ milliseconds: [Double?]) -> ActivitiesBenchmark.Row {
      var row = ActivitiesBenchmark.Row(entries: entries)
      row.fillSeconds = 2
      row.milliseconds = milliseconds
      return row
    }
    let report = ActivitiesReport(
      command: "c", date: "d", machine: "m",
      rows: [row(1000, [2, 4, 1, nil, 1]), row(10_000, [2.9, 6.6, 1, nil, 1])])
    #expect(report.verdicts.map(\.isMet) == [true, false])
    #expect(report.markdown.contains("| list of a user, p50 ms |  |  |"))
    #expect(report.markdown.contains("| entries made a second | 500 | 5000 |"))
    let document = "a\n\(ActivitiesReport.begin)\nold\n\(ActivitiesReport.end)\nz\n"
    let replaced = try report.replacing(in: document)
    #expect(replaced.contains("1.65 ×") && !replaced.contains("old") && replaced.hasSuffix("z\n"))
  }
}
