internal import CRM
internal import Database
internal import Foundation
internal import JSON
internal import SQLite
internal import Testing
internal import Values

@testable import cardfile_bench

@Suite("Requests in a large file") struct RequestsTests {
  @Test("the options have defaults, and too few contacts are refused")
  func options() throws {
    let standard = try RequestsOptions(parsing: [])
    #expect(standard.contacts == 100_000 && standard.seconds == 1 && standard.document == nil)
    let written = try RequestsOptions(parsing: ["--contacts", "2000", "--write", "a.md"])
    #expect(written.contacts == 2000 && written.document == "a.md")
    for wrong in [["--contacts", "999"], ["--contacts"], ["--seconds", "0"], ["now"]] {
      #expect(throws: BenchmarkError.self) { try RequestsOptions(parsing: wrong) }
    }
  }

  @Test("the company has the records that its report tells of, counted and findable")
  func fill() async throws {
    let folder = NSTemporaryDirectory() + "/cardfile-bench-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer {
      // A folder that stays behind among the temporary files breaks nothing.
      try? FileManager.default.removeItem(atPath: folder)
    }
    let path = folder + "/company.db"
    // Makes the tables.
    try Database(DatabaseConfiguration(path: path)).close()
    try await LargeCompany(contacts: 5000).fill(path)
    let database = try Database(DatabaseConfiguration(path: path))
    defer { database.close() }
    let store = try RecordStore(database, catalog: .standard) { _ in }
    let tenantID = TenantCompanies.tenantID(1)
    #expect(try store.verifyCounters(tenantID: tenantID).isEmpty)
    let statistics = try store.statistics(
      tenantID: tenantID, scope: .server, now: TimeSource.system.now())
    #expect(statistics["contacts"]?["total"]?.integer == 5000)
    #expect(statistics["companies"]?.integer == 500)
    #expect(statistics["leads"]?["total"]?.integer == 500)
    let deals = ["open", "won", "lost"].compactMap { statistics["deals"]?[$0]?.integer }
    #expect(deals.allSatisfy { $0 > 0 } && deals.reduce(0, +) == 1000)
    let few = RecordScope(userID: LargeCompany.Viewer.ownFew.userID, reaching: .own)
    let own = try store.statistics(
      tenantID: tenantID, scope: few, now: TimeSource.system.now())
    #expect(own["contacts"]?["total"]?.integer == 1)
    let documents = try database.read { connection in
      try connection.first("SELECT count(*) FROM search_documents") { $0.integer(0) ?? 0 }
    }
    let made: Int64 = 5000 + 500 + 500 + 1000 + 1000 + 1000 + 500
    #expect(documents == made)
  }

  private func report(_ medians: [Double]) -> RequestsReport {
    let kinds: [MeasuredRequest.Kind] = [.list, .search, .statistics]
    let rows = zip(kinds, medians).compactMap { kind, median in
      MeasuredRequest.all.first { $0.kind == kind }.map { request in
        let result = LoadResult(
          requests: 10, seconds: 1, median: median, percentile99: 2 * median, failures: 0)
        return RequestsReport.Row(
          request: request, results: LargeCompany.Viewer.allCases.map { _ in result })
      }
    }
    return RequestsReport(
      command: "cardfile-bench requests", date: "2026-01-31T10:30:00Z", machine: "2 cores",
      rows: rows)
  }

  @Test("searches and statistics are held against 20 ms, lists are told only")
  func verdicts() {
    let report = report([90, 19.9, 20])
    #expect(report.verdicts.map(\.isMet) == [true, false])
    #expect(report.verdicts.map(\.value) == ["19.9 ms", "20.0 ms"])
    #expect(report.markdown.contains("| contacts, newest first | 90.0 / 180.0 |"))
    #expect(
      report.markdown.contains("| slowest statistics, p50 | 20.0 ms | < 20 ms | **missed** |"))
  }

  @Test("only what stands between the markers of requests is replaced")
  func replacing() throws {
    let document = """
      \(Report.begin)
      kept
      \(Report.end)
      \(RequestsReport.begin)
      old
      \(RequestsReport.end)
      rest
      """
    let new = try report([1, 1, 1]).replacing(in: document)
    #expect(new.contains("kept") && new.hasSuffix("rest") && !new.contains("old"))
    #expect(throws: BenchmarkError.self) { try report([1, 1, 1]).replacing(in: "no markers") }
  }
}
