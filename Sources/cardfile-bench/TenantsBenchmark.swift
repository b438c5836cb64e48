internal import Database
internal import Foundation
internal import FoundationNetworking
internal import JSON
internal import Values
internal import WrapperClient

/// Measures what following many tenants costs: memory, the first sync, how soon a change at the
/// Wrapper is felt, and how long a permission check takes.
struct TenantsBenchmark {
  /// What was measured with so many tenants.
  struct Row: Equatable {
    let tenants: Int
    /// Kilobytes of resident memory that each further tenant takes.
    var usedKilobytes: Double?
    var leftKilobytes: Double?
    /// Until every tenant had its first request answered, and the median of such a request.
    var syncSeconds = 0.0
    var firstRequestMilliseconds = 0.0
    /// From the Wrapper's word that a right was taken away to the first refusal: median and worst.
    var refusalMilliseconds = 0.0
    var worstRefusalMilliseconds = 0.0
    var checkNanoseconds = 0.0
  }

  static let key = "key-of-the-benchmark"
  static let requestsAtOnce = 16
  /// With fewer, what is kept for all of them drowns what each of them takes.
  static let tenantsForMemoryMin = 1000
  static let revocations = 15
  static let checks = 1_000_000
  static let refusalDeadlineSeconds = 30.0
  static let attempts = 5
  static let retryPause = Duration.seconds(1)
  static let rest = Duration.seconds(3)

  let options: TenantsOptions
  let say: @Sendable (String) -> Void
  private let session: URLSession

  init(_ options: TenantsOptions, say: @escaping @Sendable (String) -> Void) {
    self.options = options
    self.say = say
    let settings = URLSessionConfiguration.ephemeral
    settings.httpMaximumConnectionsPerHost = Self.requestsAtOnce
    session = URLSession(configuration: settings)
  }

  /// Takes every measurement; removes its files however it ends.
  func run() async throws -> TenantsReport {
    var rows: [Row] = []
    for count in options.tenants {
      say("\(count) tenants")
      let folder = options.folder + "/bench-\(UUID().uuidString)"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      defer {
        // Nothing depends on it: the folder lies among the build's files.
        try? FileManager.default.removeItem(atPath: folder)
      }
      rows.append(try await measure(count, folder))
    }
    let processors = ProcessInfo.processInfo.activeProcessorCount
    return TenantsReport(
      command: (["cardfile-bench"] + CommandLine.arguments.dropFirst()).joined(separator: " "),
      date: Date().ISO8601Format(),
      machine: "\(processors) cores, load \(try ProcessStatistics.load())",
      rows: rows)
  }

  private func measure(_ count: Int, _ folder: String) async throws -> Row {
    let file = folder + "/wrapper.db"
    // The first start makes the tables.
    try wrapper(file).stop()
    // As many again, for the difference in memory.
    try TenantCompanies.fill(file, count: 2 * count)
    let wrapper = try wrapper(file)
    defer { wrapper.stop() }
    var row = Row(tenants: count)
    let server = try server(folder + "/server.db", wrapper, memoryMegabytes: 1000)
    do {
      try await Task.sleep(for: Self.rest)
      try await measureFirstRequests(server, count, &row)
      try await measureRefusals(server, wrapper, &row)
      if count >= Self.tenantsForMemoryMin {
        row.usedKilobytes = try await growth(of: server, count) { try await use($0, server) }
      }
    } catch {
      server.stop()
      throw error
    }
    server.stop()
    if count >= Self.tenantsForMemoryMin {
      row.leftKilobytes = try await memoryOfTenantsInTheFile(folder, wrapper, count)
    }
    row.checkNanoseconds = try await checkNanoseconds(folder, wrapper)
    return row
  }

  /// Kilobytes by which the server grows for each tenant of the second half, when `body` has been
  /// done for the first.
  ///
  /// What any server fills once, such as SQLite's page caches, is no part of it.
  private func growth(
    of server: RunningProgram, _ count: Int, _ body: @escaping @Sendable (Int) async throws -> Void
  ) async throws -> Double {
    var resident: [Double] = []
    for half in [1...count, (count + 1)...(2 * count)] {
      _ = try await inParallel(half) { tenant in
        try await body(tenant)
        return 0
      }
      try await Task.sleep(for: Self.rest)
      resident.append(try ProcessStatistics.residentMegabytes(of: server.identifier))
    }
    return max(0, resident[1] - resident[0]) * 1000 / Double(count)
  }

  private func wrapper(_ file: String) throws -> RunningProgram {
    try RunningProgram(
      path: options.server, arguments: ["wrapper", "--db", file, "--listen", "127.0.0.1:0"],
      environment: ["WRAPPER_API_KEY": Self.key, "LOG_LEVEL": "error"])
  }

  private func server(
    _ file: String, _ wrapper: RunningProgram, memoryMegabytes: Int
  ) throws -> RunningProgram {
    try RunningProgram(
      path: options.server, arguments: ["serve", "--db", file, "--listen", "127.0.0.1:0"],
      environment: [
        "WRAPPER_API_BASE_URL": "http://127.0.0.1:\(wrapper.port)", "WRAPPER_API_KEY": Self.key,
        "JWT_SECRET": TenantCompanies.secret, "CRM_CREDIT_CHECK": "off", "LOG_LEVEL": "error",
        "RATE_LIMIT_PER_MINUTE": "0", "RATE_LIMIT_AUTH_PER_MINUTE": "0",
        "CRM_MAX_MEMORY_MB": "\(memoryMegabytes)",
      ])
  }

  private func measureFirstRequests(
    _ server: RunningProgram, _ count: Int, _ row: inout Row
  ) async throws {
    let clock = ContinuousClock()
    let start = clock.now
    let times = try await inParallel(1...count) { tenant in
      let begun = clock.now
      try await expect(200, await status(server, tenant: tenant, user: 0))
      return (clock.now - begun) / .milliseconds(1)
    }
    row.syncSeconds = (clock.now - start) / .seconds(1)
    row.firstRequestMilliseconds = Statistics.median(times)
  }

  /// Every user of the tenant reads, and two of them write.
  private func use(_ tenant: Int, _ server: RunningProgram) async throws {
    for user in 0..<TenantCompanies.users {
      try await expect(200, await status(server, tenant: tenant, user: user))
    }
    for user in 0..<2 {
      try await expect(
        201,
        await send(
          "POST", server.port, "/api/leads",
          token: TenantCompanies.token(tenant: tenant, user: user),
          body: ["title": "A lead", "source": "Website"]))
    }
  }

  private func measureRefusals(
    _ server: RunningProgram, _ wrapper: RunningProgram, _ row: inout Row
  ) async throws {
    let clock = ContinuousClock()
    var times: [Double] = []
    let path = "/api/directory/users/\(TenantCompanies.userID(1, 1))/roles"
    for _ in 0..<Self.revocations {
      _ = try await send(
        "DELETE", wrapper.port, path + "/role-1", token: Self.key, tenant: 1)
      let start = clock.now
      try await wait(for: 403, server)
      times.append((clock.now - start) / .milliseconds(1))
      _ = try await send(
        "POST", wrapper.port, path, token: Self.key, tenant: 1, body: ["roleId": "role-1"])
      try await wait(for: 200, server)
    }
    row.refusalMilliseconds = Statistics.median(times)
    row.worstRefusalMilliseconds = times.max() ?? 0
  }

  private func wait(for wanted: Int, _ server: RunningProgram) async throws {
    let deadline = ContinuousClock.now + .seconds(Self.refusalDeadlineSeconds)
    while try await status(server, tenant: 1, user: 1) != wanted {
      guard ContinuousClock.now < deadline else {
        throw BenchmarkError("a change at the Wrapper was not felt")
      }
    }
  }

  /// Kilobytes a tenant when a budget of one megabyte leaves nearly all of them to the file.
  private func memoryOfTenantsInTheFile(
    _ folder: String, _ wrapper: RunningProgram, _ count: Int
  ) async throws -> Double {
    let server = try server(folder + "/left.db", wrapper, memoryMegabytes: 1)
    defer { server.stop() }
    try await Task.sleep(for: Self.rest)
    return try await growth(of: server, count) { tenant in
      try await expect(200, await status(server, tenant: tenant, user: 0))
    }
  }

  /// The time of a permission check in a process that follows the same Wrapper.
  private func checkNanoseconds(
    _ folder: String, _ wrapper: RunningProgram
  ) async throws -> Double {
    let database = try Database(DatabaseConfiguration(path: folder + "/check.db"))
    defer { database.close() }
    let client = Wrapper(
      WrapperConfiguration(
        baseURL: "http://127.0.0.1:\(wrapper.port)", apiKey: Self.key, version: "benchmark"),
      database: database, time: .system, random: .system, log: { _, _ in })
    let directory = try await client.tenant(TenantCompanies.tenantID(1))
    let users = (0..<TenantCompanies.users).map { TenantCompanies.userID(1, $0) }
    let permissions = TenantCompanies.permissions
    var allowed = 0
    let clock = ContinuousClock()
    let start = clock.now
    for round in 0..<Self.checks {
      let decision = directory.check(
        userID: users[round % users.count], permission: permissions[round % permissions.count])
      if decision.isAllowed { allowed += 1 }
    }
    let nanoseconds = (clock.now - start) / .nanoseconds(1) / Double(Self.checks)
    await client.stop()
    guard allowed > 0 else { throw BenchmarkError("no check was allowed") }
    return nanoseconds
  }
}

extension TenantsBenchmark {
  private func inParallel(
    _ tenants: ClosedRange<Int>, _ body: @escaping @Sendable (Int) async throws -> Double
  ) async throws -> [Double] {
    try await withThrowingTaskGroup(of: Double.self) { group in
      var results: [Double] = []
      for (index, tenant) in tenants.enumerated() {
        if index >= Self.requestsAtOnce, let result = try await group.next() {
          results.append(result)
        }
        group.addTask { try await body(tenant) }
      }
      for try await result in group { results.append(result) }
      return results
    }
  }

  private func status(_ server: RunningProgram, tenant: Int, user: Int) async throws -> Int {
    try await send(
      "GET", server.port, "/api/leads?limit=1",
      token: TenantCompanies.token(tenant: tenant, user: user))
  }

  /// Sends a request until it is answered with `wanted`.
  ///
  /// A tenant that the machine was too busy to load within a second is asked for again, as a client
  /// would.
  private func expect(
    _ wanted: Int, _ send: @autoclosure () async throws -> Int
  ) async throws {
    var status = 0
    for _ in 0..<Self.attempts {
      status = try await send()
      if status == wanted { return }
      guard status == 503 else { break }
      try await Task.sleep(for: Self.retryPause)
    }
    throw BenchmarkError("status \(status) in place of \(wanted)")
  }

  private func send(
    _ method: String, _ port: Int, _ path: String, token: String, tenant: Int? = nil,
    body: JSONValue? = nil
  ) async throws -> Int {
    guard let url = URL(string: "http://127.0.0.1:\(port)\(path)") else {
      throw BenchmarkError("\(path) is no path")
    }
    var request = URLRequest(url: url)
    request.httpMethod = method
    request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
    if let tenant {
      request.setValue(TenantCompanies.tenantID(tenant), forHTTPHeaderField: "X-Tenant-Id")
    }
    if let body {
      request.httpBody = Data(body.bytes)
      request.setValue("application/json", forHTTPHeaderField: "Content-Type")
    }
    let (_, response) = try await session.data(for: request)
    guard let response = response as? HTTPURLResponse else {
      throw BenchmarkError("\(path): no answer")
    }
    return response.statusCode
  }
}
