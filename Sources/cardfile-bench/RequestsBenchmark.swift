internal import Foundation
internal import FoundationNetworking

/// Measures how long single requests take in a large file, for whoever may see much or little.
struct RequestsBenchmark {
  private let options: RequestsOptions
  private let folder: String
  private let load: LoadGenerator
  private let session = URLSession(configuration: .ephemeral)
  private let say: (String) -> Void

  init(_ options: RequestsOptions, say: @escaping (String) -> Void) throws {
    self.options = options
    self.say = say
    folder = options.folder + "/bench-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    load = LoadGenerator(folder: folder, threads: 1)
  }

  /// Takes every measurement; removes its files however it ends.
  func run() async throws -> RequestsReport {
    defer {
      // Nothing depends on it: the folder lies among the build's files.
      try? FileManager.default.removeItem(atPath: folder)
    }
    let clock = ContinuousClock()
    let start = clock.now
    say("filling a file with \(options.contacts) contacts")
    // The first start makes the tables.
    try server().stop()
    try await LargeCompany(contacts: options.contacts).fill(file)
    say("filled in \(Report.text([(clock.now - start) / .seconds(1)], digits: 0)) seconds")
    let server = try server()
    let rows: [RequestsReport.Row]
    do {
      rows = try await measure(server)
    } catch {
      server.stop()
      throw error
    }
    server.stop()
    let processors = ProcessInfo.processInfo.activeProcessorCount
    return RequestsReport(
      command: (["cardfile-bench"] + CommandLine.arguments.dropFirst()).joined(separator: " "),
      date: Date().ISO8601Format(),
      machine: "\(processors) cores, load \(try ProcessStatistics.load())", rows: rows)
  }

  private var file: String { folder + "/cardfile.db" }

  private func server() throws -> RunningProgram {
    try RunningProgram(
      path: options.server, arguments: ["serve", "--db", file, "--listen", "127.0.0.1:0"],
      environment: [
        "JWT_SECRET": TenantCompanies.secret, "CRM_CREDIT_CHECK": "cached", "LOG_LEVEL": "error",
        "RATE_LIMIT_PER_MINUTE": "0",
      ])
  }

  private func measure(_ server: RunningProgram) async throws -> [RequestsReport.Row] {
    var rows: [RequestsReport.Row] = []
    for request in MeasuredRequest.all {
      say(request.name)
      var row = RequestsReport.Row(request: request)
      for viewer in LargeCompany.Viewer.allCases {
        let token = TenantCompanies.token(tenant: 1, user: viewer.rawValue)
        // Says what is wrong where wrk would count a failure only.
        _ = try await APIClient(port: server.port, session: session, token: token)
          .get(request.path)
        let result = try load.read(
          port: server.port, paths: [request.path], token: token, connections: 1,
          seconds: options.seconds)
        guard result.failures == 0 else {
          throw BenchmarkError("\(result.failures) of \(result.requests) requests failed")
        }
        row.results.append(result)
      }
      rows.append(row)
    }
    return rows
  }
}
