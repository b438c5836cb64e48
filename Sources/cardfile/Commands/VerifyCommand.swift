internal import CRM
internal import Cryptography
internal import Database
internal import Foundation
internal import HTTP
internal import JSON
internal import Values

/// `cardfile verify`: whether a file is sound, and its activity log what was written.
///
/// It reads only, so it may run beside the server that holds the file. Full text can compare its
/// index only as a write, which the server does then, or this process where there is none.
struct VerifyCommand {
  static let help = """
    cardfile verify: tell whether the file is sound and the activity log what was written

      --db FILE, CRM_DB_PATH
          The SQLite file (data/cardfile.db); a server may hold it.
      --tenant ID, CRM_TENANT_ID
          Only this tenant.
      --from-checkpoint FILE
          A checkpoint that was kept elsewhere: a line of the server's log, or the entry as it was
          shipped. Its tenant's log is walked from there on.
      --public-key
          Print the public key that signs checkpoints, and do nothing else.

    It looks at the structure of the file and its foreign keys, full text, counters and sums, each
    tenant's chain of entries and the signed checkpoints. Exit 1: something is wrong.
    """

  private static let options = [
    DirectoryVerb.Option(
      name: "from-checkpoint", kind: .text(), value: "FILE",
      summary: "A checkpoint that was kept elsewhere."),
    DirectoryVerb.Option(
      name: "public-key", kind: .flag, summary: "Print the public key that signs."),
  ]

  static func run(_ arguments: [String]) async -> Int32 {
    await FileCommand.run("verify") {
      let given = try VerbArguments(arguments, operands: [], options: options)
      let settings = try DirectoryCommand.settings(given)
      let path = settings.text("CRM_DB_PATH") ?? ""
      guard FileManager.default.fileExists(atPath: path) else {
        throw CommandFailure.failed("there is no file \(path): name it with --db or CRM_DB_PATH")
      }
      let start = try given.options["from-checkpoint"]?.last.map(checkpoint)
      let database = try open(path)
      defer { database.close() }
      let keys = keys(settings.text("CRM_SIGNING_KEY"), database)
      if given.options["public-key"] != nil { return try printKey(keys, path) }
      let store = try RecordStore(database, catalog: .standard) { _ in }
      var tenants = settings.list("CRM_TENANT_ID")
      if tenants.isEmpty { tenants = try store.logTenants() }
      if let start, !tenants.contains(start.tenantID) {
        throw CommandFailure.failed(
          "the checkpoint is of the tenant \(start.tenantID), which is not looked at")
      }
      return try await VerifyCommand(
        database: database, store: store, keys: keys, start: start,
        isLitestream: settings.flag("CRM_LITESTREAM")
      ).verify(tenants)
    }
  }

  private let database: Database
  private let store: RecordStore
  private let keys: LogKeys
  private let start: Checkpoint?
  private let isLitestream: Bool

  /// - Returns: the exit code.
  private func verify(_ tenants: [String]) async throws -> Int32 {
    var faults = say("file", try store.verifyFile(), good: "its structure and references are sound")
    faults += await searchIndex()
    for tenantID in tenants {
      let name = VerbPrinter.text(.string(tenantID))
      faults += say(
        "\(name): full text", try store.verifySearchDocuments(tenantID: tenantID),
        good: "has the words of all records", mend: "cardfile rebuild search")
      faults += say(
        "\(name): counters", try store.verifyCounters(tenantID: tenantID).map(\.description),
        good: "count what is there", mend: "cardfile rebuild counters")
      faults += say(
        "\(name): sums", try store.verifyActivitySums(tenantID: tenantID).map(\.description),
        good: "are those of the log", mend: "cardfile rebuild rollups")
      faults += try await chain(tenantID, name)
    }
    guard faults > 0 else {
      Terminal.output("All is well.")
      return Program.ExitCode.success
    }
    Terminal.error("cardfile verify: \(faults) \(faults == 1 ? "thing is" : "things are") wrong")
    return Program.ExitCode.failure
  }

  /// Says what was found out of one thing.
  ///
  /// - Returns: How many faults there are.
  private func say(
    _ subject: String, _ faults: [String], good: String, mend: String? = nil
  ) -> Int {
    guard !faults.isEmpty else {
      Terminal.output("\(subject): \(good)")
      return 0
    }
    for fault in faults.prefix(Limits.differencesListedMax) {
      Terminal.output("\(subject): WRONG: \(VerbPrinter.text(.string(fault)))")
    }
    if faults.count > Limits.differencesListedMax {
      Terminal.output("\(subject): and \(faults.count - Limits.differencesListedMax) more")
    }
    if let mend { Terminal.output("\(subject): to mend it: \(mend)") }
    return faults.count
  }

  private func chain(_ tenantID: String, _ name: String) async throws -> Int {
    let bar = ProgressBar("\(name): activity log")
    defer { bar.finish() }
    let from = start.flatMap { $0.tenantID == tenantID ? $0 : nil }
    let report = try await store.verifyChain(tenantID: tenantID, keys: keys, from: from) {
      bar.report($0, of: $1)
    }
    bar.finish()
    let faults = say(
      "\(name): activity log", report.fault.map { [$0.description] } ?? [],
      good: """
        \(report.entries) entries\(from.map { " behind entry \($0.seq)" } ?? ""), the newest \
        \(report.seq), head \(Hexadecimal.text(report.head))
        """)
    if report.removedThrough > 0 {
      Terminal.output(
        "\(name): activity log: retention has removed it up to entry \(report.removedThrough)")
    }
    for use in report.keys {
      let whose = use.isKnown ? "" : ", which is not known here"
      Terminal.output(
        "\(name): checkpoints: \(use.checkpoints) signed by the key "
          + "\(LogKeys.id(of: use.publicKey))\(whose)")
    }
    if report.isValid, report.checkpoints == 0 {
      Terminal.output("\(name): checkpoints: none yet")
    }
    return faults
  }

  /// Lets the holder of the file compare full text's index with its words.
  ///
  /// - Returns: How many faults there are.
  private func searchIndex() async -> Int {
    let subject = "full text"
    do {
      let access = try await DirectoryAccess.open(
        database.path, isLitestream: isLitestream, mayCreate: false)
      defer { access.close() }
      let answer = try await access.send(
        .post, ControlApplication.searchPath, tenantID: nil)
      guard answer.status == 200, let isSound = answer.body["data"]?["isSound"]?.bool else {
        Terminal.output("\(subject): its index was not looked at: the server refused")
        return 0
      }
      return say(
        subject, isSound ? [] : ["its index does not fit its words"],
        good: "its index fits its words", mend: "cardfile rebuild search")
    } catch {
      let words: String
      switch error {
      case .usage(let reason), .failed(let reason): words = reason
      }
      Terminal.output("\(subject): its index was not looked at: \(words)")
      return 0
    }
  }

  /// The keys that are known here; a file of keys that cannot be read leaves none.
  private static func keys(_ setting: String?, _ database: Database) -> LogKeys {
    do throws(SigningKeys.Refusal) {
      return try SigningKeys.load(
        setting: setting, databasePath: database.path, mayCreate: false)
    } catch {
      Terminal.output("checkpoints: whose they are is not known: \(error.reason)")
      return .none
    }
  }

  private static func printKey(_ keys: LogKeys, _ path: String) throws(CommandFailure) -> Int32 {
    guard let key = keys.signer?.publicKey else {
      throw .failed(
        "no key is known: neither CRM_SIGNING_KEY nor \(SigningKeys.path(databasePath: path))")
    }
    Terminal.output("key id      \(LogKeys.id(of: key))")
    Terminal.output("public key  public:\(Base64.encode(key))")
    return Program.ExitCode.success
  }

  private static func open(_ path: String) throws(CommandFailure) -> Database {
    do {
      return try Database(readOnly: DatabaseConfiguration(path: path))
    } catch let error as DatabaseError {
      throw .failed(StartFailure.explanation(of: error, path: path))
    } catch {
      throw .failed("\(path) cannot be read: \(error)")
    }
  }

  private static func checkpoint(_ path: String) throws(CommandFailure) -> Checkpoint {
    guard let bytes = FileManager.default.contents(atPath: path) else {
      throw .failed("\(path) cannot be read")
    }
    guard let checkpoint = Checkpoint(text: String(decoding: bytes, as: UTF8.self)) else {
      throw .failed("\(path) holds no checkpoint: one line of JSON is wanted, as serve logs it")
    }
    return checkpoint
  }
}
