internal import CBenchmark
internal import Foundation
internal import Resources
internal import Testing

@testable import cardfile_bench

@Suite("The ceilings do the work that they stand for") struct CeilingTests {
  private static let hasLoadGenerator = FileManager.default.isExecutableFile(atPath: "/usr/bin/wrk")

  private static func ceilings(_ folder: String) -> Ceilings {
    Ceilings(load: LoadGenerator(folder: folder, threads: 2), threads: 2)
  }

  @Test("creates fit the schema, and their page is the JSON of 50 leads")
  func writeThenRead() async throws {
    let bytes = try await withTemporaryFolder { folder in
      let database = folder + "/ceiling.db"
      let ceilings = Self.ceilings(folder)
      for group in [64, 1] {
        let rate = try ceilings.creates(database: database, group: group, seconds: 0.05)
        #expect(rate > 0)
      }
      let rate = try ceilings.pages(database: database, seconds: 0.05)
      #expect(rate > 0)
      var span = benchmark_span()
      #expect(benchmark_read_pages(database, 1, 0.01, &span) == 0)
      return span.bytes
    }
    // A lead of this shape takes about 500 bytes.
    #expect((50 * 300...50 * 800).contains(Int(bytes)))
  }

  @Test("a file without leads and a path without a folder are errors, not figures")
  func failures() async throws {
    try await withTemporaryFolder { folder in
      let ceilings = Self.ceilings(folder)
      #expect(throws: BenchmarkError.self) {
        try ceilings.pages(database: folder + "/none.db", seconds: 0.01)
      }
      #expect(throws: BenchmarkError.self) {
        try ceilings.creates(database: folder + "/none/a.db", group: 1, seconds: 0.01)
      }
    }
  }

  @Test(
    "wrk drives the bare server without a failed request", .enabled(if: hasLoadGenerator))
  func bareServer() async throws {
    try await withTemporaryFolder { folder in
      let result = try Self.ceilings(folder).bareHTTP(
        size: AnswerSize(bodyBytes: 500, headerBytes: 300), paths: ["/a", "/b"], token: "t",
        connections: 4, seconds: 1)
      #expect(result.requests > 0)
      #expect(result.failures == 0)
      #expect(result.median > 0 && result.percentile99 >= result.median)
    }
  }
}
