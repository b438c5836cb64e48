internal import Foundation
internal import FoundationNetworking
internal import JSON

/// Measures what a long activity log costs: to make it, to report on it, to list, export and verify
/// it.
struct ActivitiesBenchmark {
  /// What was measured with so many entries.
  struct Row: Equatable {
    let entries: Int
    var fillSeconds = 0.0
    var fileMegabytes = 0.0
    /// Milliseconds of each question, by its name; nil where the server does not answer it.
    var milliseconds: [Double?] = []
    var ndjsonSeconds = 0.0
    var ndjsonMegabytes = 0.0
    var csvSeconds = 0.0
    /// Megabytes by which the most that the server ever held grew while it exported.
    var exportGrowthMegabytes = 0.0
    var verifySeconds: Double?
    var peakMegabytes = 0.0
  }

  /// Something that is asked over and over.
  struct Question: Equatable {
    let name: String
    let path: String
    /// Whether what it costs may not grow with the log.
    var isBounded = false
  }

  static let questions = [
    Question(
      name: "user report, 30 days",
      path: "/api/users/user-jonas/activity/report?period=30d&groupBy=day", isBounded: true),
    Question(
      name: "department report, 30 days",
      path: "/api/reports/organizational-activity?departmentId=dept-sales&since=30d",
      isBounded: true),
    Question(name: "list, newest 50", path: "/api/activities"),
    Question(name: "list of a user", path: "/api/activities?userId=user-jonas"),
    Question(
      name: "list by operation and unit",
      path: "/api/activities?operation=crm.leads.*&departmentId=dept-sales"),
  ]

  static let verifyDeadlineSeconds = 3600.0
  static let pollPause = Duration.milliseconds(200)

  let options: ActivitiesOptions
  let say: (String) -> Void
  private let session = URLSession(configuration: .ephemeral)

  init(_ options: ActivitiesOptions, say: @escaping (String) -> Void) {
    self.options = options
    self.say = say
  }

  /// Takes every measurement; removes its files however it ends.
  func run() async throws -> ActivitiesReport {
    var rows: [Row] = []
    for entries in options.entries {
      let folder = options.folder + "/bench-\(UUID().uuidString)"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      defer {
        // Nothing depends on it: the folder lies among the build's files.
        try? FileManager.default.removeItem(atPath: folder)
      }
      rows.append(try await measure(entries, folder))
    }
    let processors = ProcessInfo.processInfo.activeProcessorCount
    return ActivitiesReport(
      command: (["cardfile-bench"] + CommandLine.arguments.dropFirst()).joined(separator: " "),
      date: Date().ISO8601Format(),
      machine: "\(processors) cores, load \(try ProcessStatistics.load())", rows: rows)
  }

  private func measure(_ entries: Int, _ folder: String) async throws -> Row {
    say("\(entries) entries")
    var row = Row(entries: entries)
    let file = folder + "/cardfile.db"
    row.fillSeconds = try seconds {
      try Self.output(
        of: options.server, ["demo", "--activities", "\(entries)", "--db", file])
    }
    let attributes = try FileManager.default.attributesOfItem(atPath: file)
    row.fileMegabytes = Double((attributes[.size] as? NSNumber)?.intValue ?? 0) / 1e6
    let server = try RunningProgram(
      path: options.server, arguments: ["serve", "--db", file, "--listen", "127.0.0.1:0"],
      environment: [
        "JWT_SECRET": TenantCompanies.secret, "LOG_LEVEL": "error",
        "RATE_LIMIT_PER_MINUTE": "0",
      ])
    defer { server.stop() }
    let token = TenantCompanies.token(userID: "user-ada", tenantID: "acme")
    let client = APIClient(port: server.port, session: session, token: token)
    let load = LoadGenerator(folder: folder, threads: 1)
    for question in Self.questions {
      say(question.name)
      row.milliseconds.append(
        try await milliseconds(question, client, load, server.port, token))
    }
    try measureExports(&row, server, token)
    say("verify")
    row.verifySeconds = try await verifySeconds(client)
    row.peakMegabytes = try ProcessStatistics.peakMegabytes(of: server.identifier)
    return row
  }

  private func milliseconds(
    _ question: Question, _ client: APIClient, _ load: LoadGenerator, _ port: Int, _ token: String
  ) async throws -> Double? {
    do {
      _ = try await client.get(question.path)
    } catch let error as BenchmarkError {
      say("\(error)")
      return nil
    }
    let result = try load.read(
      port: port, paths: [question.path], token: token, connections: 1,
      seconds: options.seconds)
    guard result.failures == 0 else {
      throw BenchmarkError("\(result.failures) of \(result.requests) requests failed")
    }
    return result.median
  }

  private func measureExports(
    _ row: inout Row, _ server: RunningProgram, _ token: String
  ) throws {
    let before = try ProcessStatistics.peakMegabytes(of: server.identifier)
    for format in ["ndjson", "csv"] {
      say("export as \(format)")
      // curl keeps nothing of what it gets.
      let text = try Self.output(
        of: "/usr/bin/env",
        [
          "curl", "-sS", "-f", "-o", "/dev/null", "-w", "%{size_download} %{time_total}",
          "-H", "Authorization: Bearer \(token)",
          "http://127.0.0.1:\(server.port)/api/activities/export?format=\(format)",
        ])
      let figures = text.split(separator: " ").compactMap { Double($0) }
      guard figures.count == 2 else { throw BenchmarkError("curl said: \(text)") }
      if format == "csv" {
        row.csvSeconds = figures[1]
      } else {
        row.ndjsonMegabytes = figures[0] / 1e6
        row.ndjsonSeconds = figures[1]
      }
    }
    row.exportGrowthMegabytes =
      try ProcessStatistics.peakMegabytes(of: server.identifier) - before
  }

  /// Until the walk through the chain has ended, at once or as a job.
  private func verifySeconds(_ client: APIClient) async throws -> Double? {
    let clock = ContinuousClock()
    let start = clock.now
    let answer: JSONValue
    do {
      answer = try JSONParser.parse(await client.get("/api/activities/verify"))
    } catch let error as BenchmarkError {
      say("\(error)")
      return nil
    }
    guard let job = answer["data"]?["id"]?.string else {
      guard answer["data"]?["valid"] == true else {
        throw BenchmarkError("the log is not valid: \(answer.text)")
      }
      return (clock.now - start) / .seconds(1)
    }
    let deadline = clock.now + .seconds(Self.verifyDeadlineSeconds)
    while clock.now < deadline {
      let state = try JSONParser.parse(await client.get("/api/jobs/\(job)"))["data"]
      if state?["state"] != "running" {
        guard state?["result"]?["valid"] == true else {
          throw BenchmarkError("the log is not valid: \(state?.text ?? "")")
        }
        return (clock.now - start) / .seconds(1)
      }
      try await Task.sleep(for: Self.pollPause)
    }
    throw BenchmarkError("the walk through the chain did not end")
  }

  private func seconds(_ body: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    try body()
    return (clock.now - start) / .seconds(1)
  }

  @discardableResult
  private static func output(of program: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    try ChildProcess.start(process)
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw BenchmarkError("\(program) \(arguments.first ?? "") failed: \(text)")
    }
    return text
  }
}
