internal import CBenchmark
internal import Foundation
internal import FoundationNetworking

/// Measures the release binary and, in the same rounds, what it is held against.
///
/// Rounds are short and interleaved because a machine drifts: the ratio of two figures taken
/// seconds apart says more than either figure.
struct Benchmark {
  static let warmUpRunsMax = 20
  static let leadsMin = 200
  /// What the demo company may spend, in 1/10,000 credit.
  static let creditUnits = 10_000_000_000_000
  static let restBeforeMemory = Duration.seconds(1)
  /// The share of requests that may fail before the figures are not believed.
  static let failureShareMax = 0.01

  private let options: Options
  private let folder: String
  private let threads: Int
  private let load: LoadGenerator
  private let ceilings: Ceilings
  private let session = URLSession(configuration: .ephemeral)
  private let say: (String) -> Void
  private var figures: Figures

  private var database: String { folder + "/cardfile.db" }

  /// Makes a folder of its own below the one that `options` names.
  ///
  /// - Parameter say: Is told what begins, for the person who waits.
  init(_ options: Options, say: @escaping (String) -> Void) throws {
    self.options = options
    self.say = say
    folder = options.folder + "/bench-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    threads = ProcessInfo.processInfo.activeProcessorCount
    load = LoadGenerator(folder: folder, threads: threads)
    ceilings = Ceilings(load: load, threads: threads)
    figures = Figures(options, threads: threads)
  }

  /// Takes every measurement; removes its files however it ends.
  mutating func run() async throws -> Report {
    defer {
      // Nothing depends on it: the folder lies among the build's files.
      try? FileManager.default.removeItem(atPath: folder)
    }
    let loadBefore = try ProcessStatistics.load()
    say("making the demo company and its leads")
    try await prepare()
    for round in 1...options.rounds {
      say("round \(round) of \(options.rounds)")
      try startAnew()
      try await measure()
    }
    let loadAfter = try ProcessStatistics.load()
    return Report(
      command: (["cardfile-bench"] + CommandLine.arguments.dropFirst()).joined(separator: " "),
      date: Date().ISO8601Format(),
      machine: "\(threads) cores, load \(loadBefore) before and \(loadAfter) after",
      series: figures.series, verdicts: figures.verdicts)
  }

  /// Makes the file, with enough leads for a page and for reads that do not hit one row only.
  private func prepare() async throws {
    let (maker, _) = try await start()
    defer { maker.end() }
    try maker.stop()
    try liftLimits()

    var (server, client) = try await start()
    defer { server.end() }
    try await client.signIn(email: server.email, password: server.password)
    for _ in 0..<Self.warmUpRunsMax {
      guard try await client.leadIdentifiers().count < Self.leadsMin else { break }
      let result = try load.create(
        port: server.port, token: client.token, connections: options.connections, seconds: 1)
      try Self.check(result)
    }
    try server.stop()
    try FileManager.default.copyItem(atPath: database, toPath: preparedDatabase)
  }

  private var preparedDatabase: String { database + ".prepared" }

  /// Puts both files back to where they were: what one round has written must not make the next
  /// one slower.
  private func startAnew() throws {
    for path in [database, ceilingDatabase].flatMap({ [$0, $0 + "-wal", $0 + "-shm"] })
    where FileManager.default.fileExists(atPath: path) {
      try FileManager.default.removeItem(atPath: path)
    }
    try FileManager.default.copyItem(atPath: preparedDatabase, toPath: database)
  }

  private var ceilingDatabase: String { folder + "/ceiling.db" }

  /// The demo company's plan is for a small company; a benchmark spends a month of it in a second.
  private func liftLimits() throws(BenchmarkError) {
    let code = benchmark_execute(
      database,
      """
      UPDATE directory_credit_configs
      SET monthly_limit = NULL, daily_limit = NULL, feature_limits = '{}';
      UPDATE directory_credit_accounts SET available = \(Self.creditUnits);
      """)
    guard code == 0 else {
      throw BenchmarkError("SQLite: \(String(cString: benchmark_sqlite_text(code)))")
    }
  }

  private mutating func measure() async throws {
    let clock = ContinuousClock()
    let beginning = clock.now
    var (server, client) = try await start()
    defer { server.end() }
    figures.startMilliseconds.append((clock.now - beginning) / .milliseconds(1))
    try await Task.sleep(for: Self.restBeforeMemory)
    figures.idleMegabytes.append(try ProcessStatistics.residentMegabytes(of: server.identifier))
    try await client.signIn(email: server.email, password: server.password)
    try await measureReads(server, client)
    try measureCreates(server, client)
    try server.stop()
  }

  private mutating func measureReads(_ server: ServerProcess, _ client: APIClient) async throws {
    let (load, ceilings, options) = (load, ceilings, options)
    let one = try await client.leadIdentifiers().map { "/api/leads/\($0)" }
    let many = ["/api/leads?limit=50"]
    guard let first = one.first else { throw BenchmarkError("there are no leads") }
    let sizes = (try await client.size(of: first), try await client.size(of: many[0]))
    func bare(_ paths: [String], _ size: AnswerSize, into series: inout Series) throws {
      series.add(
        try ceilings.bareHTTP(
          size: size, paths: paths, token: client.token, connections: options.connections,
          seconds: options.seconds))
    }
    func read(_ paths: [String], into series: inout Series) throws {
      try Self.measure(server, into: &series) {
        try load.read(
          port: server.port, paths: paths, token: client.token, connections: options.connections,
          seconds: options.seconds)
      }
    }
    try read(one, into: &figures.get)
    try bare(one, sizes.0, into: &figures.bareGet)
    try read(many, into: &figures.list)
    figures.pages.perSecond.append(
      try ceilings.pages(database: database, seconds: Double(options.seconds)))
    try bare(many, sizes.1, into: &figures.bareList)
  }

  private mutating func measureCreates(_ server: ServerProcess, _ client: APIClient) throws {
    for (index, connections) in options.createConnections.enumerated() {
      let (load, seconds) = (load, options.seconds)
      try Self.measure(server, into: &figures.creates[index]) {
        try load.create(
          port: server.port, token: client.token, connections: connections, seconds: seconds)
      }
    }
    for (index, size) in Figures.groupSizes.enumerated() {
      figures.groups[index].perSecond.append(
        try ceilings.creates(
          database: ceilingDatabase, group: size, seconds: Double(options.seconds)))
    }
  }

  /// Starts the server and waits until it is ready.
  private func start() async throws -> (ServerProcess, APIClient) {
    let server = try ServerProcess(path: options.server, database: database)
    do {
      let client = APIClient(port: server.port, session: session)
      try await client.waitUntilReady()
      return (server, client)
    } catch {
      server.end()
      throw error
    }
  }

  private static func measure(
    _ server: ServerProcess, into series: inout Series, _ run: () throws -> LoadResult
  ) throws {
    try server.requireRunning()
    let before = try ProcessStatistics.processorSeconds(of: server.identifier)
    let result = try run()
    try server.requireRunning()
    let after = try ProcessStatistics.processorSeconds(of: server.identifier)
    try check(result)
    series.add(result)
    series.processor.append((after - before) * 1e6 / Double(result.requests))
    series.resident.append(try ProcessStatistics.residentMegabytes(of: server.identifier))
  }

  private static func check(_ result: LoadResult) throws(BenchmarkError) {
    guard Double(result.failures) <= Double(result.requests) * failureShareMax else {
      throw BenchmarkError("\(result.failures) of \(result.requests) requests failed")
    }
  }
}
