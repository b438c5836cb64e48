internal import Foundation
internal import JSON

/// What wrk saw in one run.
struct LoadResult: Equatable {
  var requests: Int
  var seconds: Double
  /// Milliseconds that half of the requests, and 99 of 100, were not slower than.
  var median: Double
  var percentile99: Double
  /// Requests without a good answer: refused, broken off, late or with a status from 400.
  var failures: Int

  var requestsPerSecond: Double { Double(requests) / seconds }
}

/// Drives a server with wrk, one thread for each core.
struct LoadGenerator {
  /// Where the script of a run is written.
  let folder: String
  let threads: Int

  /// GET of `paths` in turn.
  func read(
    port: Int, paths: [String], token: String, connections: Int, seconds: Int
  ) throws -> LoadResult {
    try run(
      script: Self.script(
        token: token,
        requests: """
          local requests = {}
          function init(arguments)
            for index, path in ipairs({\(paths.map { "\"\($0)\"" }.joined(separator: ", "))}) do
              requests[index] = wrk.format("GET", path)
            end
          end
          local count = 0
          function request()
            count = count + 1
            return requests[count % #requests + 1]
          end
          """),
      port: port, connections: connections, seconds: seconds)
  }

  /// POST of a lead to /api/leads, each with a title and an address of its own.
  func create(port: Int, token: String, connections: Int, seconds: Int) throws -> LoadResult {
    try run(
      script: Self.script(
        token: token,
        requests: """
          wrk.headers["Content-Type"] = "application/json"
          local threads = 0
          function setup(thread)
            threads = threads + 1
            thread:set("number", threads)
          end
          local count = 0
          function request()
            count = count + 1
            local name = number .. "x" .. count
            return wrk.format("POST", "/api/leads", nil,
              '{"title":"Harvest bridge ' .. name .. '","source":"website","value":1250.5,' ..
              '"currency":"EUR","priority":"medium","firstName":"Erika",' ..
              '"lastName":"Mustermann","email":"person' .. name .. '@example.com",' ..
              '"phone":"+49 30 1234567","company":"Example Works"}')
          end
          """),
      port: port, connections: connections, seconds: seconds)
  }

  private static func script(token: String, requests: String) -> String {
    """
    wrk.headers["Authorization"] = "Bearer \(token)"
    \(requests)
    function done(summary, latency, requests)
      local errors = summary.errors
      io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration,
        latency:percentile(50), latency:percentile(99),
        errors.connect + errors.read + errors.write + errors.timeout + errors.status))
    end

    """
  }

  private func run(
    script: String, port: Int, connections: Int, seconds: Int
  ) throws -> LoadResult {
    let path = folder + "/wrk-\(UUID().uuidString).lua"
    try script.write(toFile: path, atomically: true, encoding: .utf8)
    defer {
      // What is left behind lies in a folder that is removed as a whole.
      try? FileManager.default.removeItem(atPath: path)
    }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      "wrk", "--threads", "\(min(threads, connections))", "--connections", "\(connections)",
      "--duration", "\(seconds)s", "--script", path, "http://127.0.0.1:\(port)",
    ]
    let output = Pipe()
    process.standardOutput = output
    try ChildProcess.start(process)
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0, let result = Self.result(in: text) else {
      throw BenchmarkError("wrk failed (is it installed?):\n\(text)")
    }
    return result
  }

  /// The figures in the line that the script prints at the end: requests, microseconds of the run,
  /// median and 99th percentile in microseconds, failures.
  static func result(in output: String) -> LoadResult? {
    guard let line = output.split(separator: "\n").last(where: { $0.hasPrefix("RESULT ") }) else {
      return nil
    }
    let numbers = line.split(separator: " ").dropFirst().compactMap { Double($0) }
    guard numbers.count == 5, numbers[0] > 0, numbers[1] > 0 else { return nil }
    return LoadResult(
      requests: Int(numbers[0]), seconds: numbers[1] / 1e6, median: numbers[2] / 1e3,
      percentile99: numbers[3] / 1e3, failures: Int(numbers[4]))
  }
}
