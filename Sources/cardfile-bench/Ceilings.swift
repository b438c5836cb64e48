internal import CBenchmark
internal import Resources

/// What libmicrohttpd and SQLite do in plain C, without anything of Cardfile.
struct Ceilings {
  let load: LoadGenerator
  let threads: Int

  /// libmicrohttpd answering with `bodyBytes` bytes, driven like the server.
  func bareHTTP(
    size: AnswerSize, paths: [String], token: String, connections: Int, seconds: Int
  ) throws -> LoadResult {
    var port: UInt16 = 0
    let code = benchmark_bare_http_start(
      size.bodyBytes, size.headerBytes, UInt32(threads), &port)
    guard code == 0 else { throw BenchmarkError("libmicrohttpd did not start: errno \(code)") }
    defer { benchmark_bare_http_stop() }
    return try load.read(
      port: Int(port), paths: paths, token: token, connections: connections, seconds: seconds)
  }

  /// Pages of 50 leads a second that SQLite reads from the file and writes as JSON.
  func pages(database: String, seconds: Double) throws -> Double {
    var span = benchmark_span()
    try check(benchmark_read_pages(database, UInt32(threads), seconds, &span))
    return Double(span.operations) / span.seconds
  }

  /// Creates a second that SQLite makes durable, `group` in each commit.
  func creates(database: String, group: Int, seconds: Double) throws -> Double {
    guard let schema = EmbeddedFile.named("schema/0001-initial.sql") else {
      throw BenchmarkError("the schema is missing in this binary")
    }
    var span = benchmark_span()
    try check(
      benchmark_write_creates(database, schema.text, UInt32(group), seconds, &span))
    return Double(span.operations) / span.seconds
  }

  private func check(_ code: Int32) throws(BenchmarkError) {
    guard code == 0 else {
      throw BenchmarkError("SQLite: \(String(cString: benchmark_sqlite_text(code)))")
    }
  }
}
