internal import CRM
internal import HTTP
internal import JSON

/// `cardfile rebuild rollups|counters|search`: makes anew what follows from records and entries.
enum RebuildCommand {
  static let help = """
    cardfile rebuild: make anew what follows from records and entries

      cardfile rebuild rollups [--tenant ID]
          The sums over the activity log, by which reports are made.
      cardfile rebuild counters [--tenant ID]
          The counts of records, by which statistics are made.
      cardfile rebuild search
          The words of full text, of all tenants.

      --db FILE, CRM_DB_PATH
          The SQLite file (data/cardfile.db).
      --tenant ID, CRM_TENANT_ID
          Only this tenant.

    A running server does it itself; without one the file is changed. Each run is an entry in the
    activity log. What has to be rebuilt, cardfile verify says.
    """

  static func run(_ arguments: [String]) async -> Int32 {
    await FileCommand.run("rebuild") {
      let given = try VerbArguments(arguments, operands: ["PART"], options: [])
      guard let part = given.operands["PART"].flatMap(DerivedPart.init(rawValue:)) else {
        let parts = DerivedPart.allCases.map(\.rawValue).joined(separator: ", ")
        throw CommandFailure.usage("\(given.operands["PART"] ?? ""): one of \(parts) is wanted")
      }
      let settings = try DirectoryCommand.settings(given)
      let tenants = settings.list("CRM_TENANT_ID")
      guard part != .search || given.common["tenant"] == nil else {
        throw CommandFailure.usage("the words of full text are one index of all tenants")
      }
      let access = try await DirectoryAccess.open(
        settings.text("CRM_DB_PATH") ?? "", isLitestream: settings.flag("CRM_LITESTREAM"),
        mayCreate: false)
      defer { access.close() }
      let wanted: [String?] = tenants.isEmpty || part == .search ? [nil] : tenants
      for tenantID in wanted {
        let answer = try await access.send(
          .post, ControlApplication.rebuildPath + part.rawValue, tenantID: tenantID)
        guard answer.status == 200 else {
          throw CommandFailure.failed(
            answer.body["detail"]?.string ?? "the server refused (\(answer.status))")
        }
        for tenant in answer.body["data"]?["tenants"]?.array ?? [] {
          Terminal.output("rebuilt \(part.rawValue) of \(VerbPrinter.text(tenant))")
        }
      }
      return Program.ExitCode.success
    }
  }
}

/// What the commands that work on a file have in common.
enum FileCommand {
  /// Runs a command and says why it failed, in its name.
  static func run(_ name: String, _ work: () async throws -> Int32) async -> Int32 {
    do {
      return try await work()
    } catch let failure as CommandFailure {
      switch failure {
      case .usage(let words):
        Terminal.error("cardfile \(name): \(words)\nSee: cardfile help \(name)")
        return Program.ExitCode.usage
      case .failed(let words):
        Terminal.error("cardfile \(name): \(words)")
        return Program.ExitCode.failure
      }
    } catch {
      Terminal.error("cardfile \(name): \(error)")
      return Program.ExitCode.failure
    }
  }
}
