internal import Foundation

/// `cardfile-bench`: measures the release binary beside what C alone can do on the same machine.
@main struct Program {
  static func main() async {
    if CommandLine.arguments.contains("--help") {
      print("\(Options.usage)\n\n\(TenantsOptions.usage)\n\n\(RequestsOptions.usage)")
      print("\n\(ActivitiesOptions.usage)")
      return
    }
    do {
      switch CommandLine.arguments.dropFirst().first {
      case "tenants": return try await tenants()
      case "requests": return try await requests()
      case "activities": return try await activities()
      default: break
      }
      let options = try Options(parsing: Array(CommandLine.arguments.dropFirst()))
      var benchmark = try Benchmark(options) { tell($0) }
      let report = try await benchmark.run()
      print(report.markdown)
      if let document = options.document {
        let text = try String(contentsOfFile: document, encoding: .utf8)
        try report.replacing(in: text).write(toFile: document, atomically: true, encoding: .utf8)
        tell("\(document) carries these figures now")
      }
    } catch {
      tell("\(error)")
      exit(1)
    }
  }

  private static func tenants() async throws {
    let options = try TenantsOptions(parsing: Array(CommandLine.arguments.dropFirst(2)))
    let report = try await TenantsBenchmark(options) { tell($0) }.run()
    print(report.markdown)
    guard let document = options.document else { return }
    let text = try String(contentsOfFile: document, encoding: .utf8)
    try report.replacing(in: text).write(toFile: document, atomically: true, encoding: .utf8)
    tell("\(document) carries these figures now")
  }

  private static func activities() async throws {
    let options = try ActivitiesOptions(parsing: Array(CommandLine.arguments.dropFirst(2)))
    let report = try await ActivitiesBenchmark(options) { tell($0) }.run()
    print(report.markdown)
    guard let document = options.document else { return }
    let text = try String(contentsOfFile: document, encoding: .utf8)
    try report.replacing(in: text).write(toFile: document, atomically: true, encoding: .utf8)
    tell("\(document) carries these figures now")
  }

  private static func requests() async throws {
    let options = try RequestsOptions(parsing: Array(CommandLine.arguments.dropFirst(2)))
    let report = try await RequestsBenchmark(options) { tell($0) }.run()
    print(report.markdown)
    guard let document = options.document else { return }
    let text = try String(contentsOfFile: document, encoding: .utf8)
    try report.replacing(in: text).write(toFile: document, atomically: true, encoding: .utf8)
    tell("\(document) carries these figures now")
  }

  // Progress goes to standard error, so that standard output is the Markdown alone.
  private static func tell(_ text: String) {
    FileHandle.standardError.write(Data("cardfile-bench: \(text)\n".utf8))
  }
}
