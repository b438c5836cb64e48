internal import Foundation
internal import HTTP
internal import JSON

/// `cardfile user|role|unit|tenant|credits …`: the embedded Wrapper's directory from the command
/// line.
enum DirectoryCommand {
  static func run(_ noun: DirectoryNoun, _ arguments: [String]) async -> Int32 {
    if arguments.contains("--help") || arguments.contains("-h") {
      Terminal.output(DirectoryHelp.page(noun))
      return Program.ExitCode.success
    }
    guard let name = arguments.first, let verb = noun.verb(name) else {
      let wrong = arguments.first.map { "there is no cardfile \(noun.name) \($0)\n\n" } ?? ""
      Terminal.error(wrong + DirectoryHelp.page(noun))
      return Program.ExitCode.usage
    }
    let title = "cardfile \(noun.name) \(verb.name)"
    do {
      let given = try VerbArguments(Array(arguments.dropFirst()), verb)
      VerbPrinter.print(try await run(verb, given), isJSON: given.isJSON)
      return Program.ExitCode.success
    } catch let failure as CommandFailure {
      switch failure {
      case .usage(let words):
        Terminal.error("\(title): \(words)\nSee: cardfile help \(noun.name)")
        return Program.ExitCode.usage
      case .failed(let words):
        for line in words.split(separator: "\n") { Terminal.error("\(title): \(line)") }
        return Program.ExitCode.failure
      }
    } catch {
      Terminal.error("\(title): \(error)")
      return Program.ExitCode.failure
    }
  }

  private static func run(
    _ verb: DirectoryVerb, _ given: VerbArguments
  ) async throws -> VerbOutput {
    let settings = try settings(given)
    if verb.isOfDirectory, let url = settings.text("WRAPPER_API_BASE_URL") {
      throw CommandFailure.failed(
        "the directory is the Wrapper's business: make the change at \(url)")
    }
    let access = try await DirectoryAccess.open(
      settings.text("CRM_DB_PATH") ?? "", isLitestream: settings.flag("CRM_LITESTREAM"),
      mayCreate: verb.makesFile)
    defer { access.close() }
    let tenantID =
      verb.needsTenant
      ? try await tenant(settings, access) { try await verb.fallbackTenant(given, access) } : nil
    return try await verb.run(
      DirectoryCall(verb: verb, arguments: given, access: access, tenantID: tenantID))
  }

  /// The settings, with the options of the command line over them.
  static func settings(_ given: VerbArguments) throws(CommandFailure) -> SettingValues {
    let file: [String: String]
    do throws(EnvironmentFile.Refusal) {
      file = try EnvironmentFile.read(".env")
    } catch {
      throw .usage(error.reason)
    }
    let values = SettingValues(
      flags: given.common, environment: ProcessInfo.processInfo.environment, file: file)
    guard values.faults.isEmpty else {
      throw .usage("the settings are not valid:\n\(values.faults.joined(separator: "\n"))")
    }
    return values
  }

  /// The tenant that was named, or the only one of the file.
  private static func tenant(
    _ settings: SettingValues, _ access: DirectoryAccess, fallback: () async throws -> String?
  ) async throws -> String {
    let named = settings.list("CRM_TENANT_ID")
    if let only = named.first, named.count == 1 { return only }
    let answer = try await access.send(.get, "/api/directory/tenants", tenantID: nil)
    let tenants = (answer.body["data"]?.array ?? []).compactMap { $0["id"]?.string }
    let choice = named.isEmpty ? tenants : named
    var only = choice.first
    if only == nil { only = try await fallback() }
    guard let only else {
      throw CommandFailure.failed(
        "there is no tenant yet: cardfile tenant add, or the setup link that serve prints")
    }
    guard choice.count <= 1 else {
      throw CommandFailure.usage(
        "--tenant is wanted: one of \(choice.prefix(20).joined(separator: ", "))")
    }
    return only
  }
}
