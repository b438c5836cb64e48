internal import CRM
internal import Cryptography
internal import Database
internal import EmbeddedWrapper
internal import Foundation
internal import Values
internal import WrapperClient

/// `cardfile demo --activities N`: a file with a long activity log, to try reports, exports and
/// verification on.
enum DemoCommand {
  /// The most entries that are made at a time.
  static let entriesMax = 100_000_000

  static let help = """
    cardfile demo: fills a file with a year of activities

    The company is that of serve --demo, which can be started on the file afterwards. The same
    number and seed make the same entries on the same day.

      --activities N
          How many entries are made.
      --db FILE, CRM_DB_PATH
          The SQLite file (data/cardfile.db), which no server may hold.
      --seed N
          Another seed makes other entries (1).

    Example:
      cardfile demo --activities 1000000 --db data/large.db
    """

  /// How the arguments are read.
  private static let arguments = DirectoryVerb(
    name: "demo",
    options: [
      .init(
        name: "activities", kind: .limit, value: "N", summary: "How many entries are made.",
        isRequired: true),
      .init(name: "seed", kind: .limit, value: "N", summary: "Another seed makes other entries."),
    ],
    summary: "Fills a file with a year of activities."
  ) { _ in .nothing }

  static func run(_ words: [String]) async -> Int32 {
    do {
      let given = try VerbArguments(words, arguments)
      let count = try number(given, "activities", 1...entriesMax)
      let seed = try given.options["seed"] == nil ? 1 : number(given, "seed", 0...Int.max)
      let path = try DirectoryCommand.settings(given).text("CRM_DB_PATH") ?? ""
      let start = TimeSource.system.monotonicNanoseconds()
      try await fill(path, count: count, seed: UInt64(seed))
      let seconds = Double(TimeSource.system.monotonicNanoseconds() - start) / 1e9
      Terminal.output(
        "wrote \(count) entries of \(DemoCompany.tenantID) to \(path) in "
          + "\(String(format: "%.1f", seconds)) s (\(Int(Double(count) / seconds)) a second)")
      return Program.ExitCode.success
    } catch CommandFailure.usage(let words) {
      Terminal.error("cardfile demo: \(words)\nSee: cardfile help demo")
      return Program.ExitCode.usage
    } catch CommandFailure.failed(let words) {
      Terminal.error("cardfile demo: \(words)")
      return Program.ExitCode.failure
    } catch {
      Terminal.error("cardfile demo: \(error)")
      return Program.ExitCode.failure
    }
  }

  private static func number(
    _ given: VerbArguments, _ name: String, _ range: ClosedRange<Int>
  ) throws(CommandFailure) -> Int {
    let text = given.options[name]?.last ?? ""
    guard let number = Int(text), range.contains(number) else {
      throw .usage(
        "--\(name)=\(text): a whole number from \(range.lowerBound) to \(range.upperBound) is "
          + "wanted")
    }
    return number
  }

  private static func fill(_ path: String, count: Int, seed: UInt64) async throws {
    let database: Database
    do {
      database = try DirectoryAccess.database(path, isLitestream: false)
    } catch let error as DatabaseError {
      throw CommandFailure.failed(StartFailure.explanation(of: error, path: path))
    }
    defer { database.close() }
    let directory = try await company(database)
    let store = try RecordStore(database, catalog: .standard) { _ in }
    let first = try store.activityPlace(tenantID: directory.tenantID).seq + 1
    var story = try DemoActivities(
      directory, count: count, seed: seed, firstNumber: first, now: TimeSource.system.now())
    let bar = ProgressBar("Activities")
    defer { bar.finish() }
    // One batch is written while the next is made.
    var written = 0
    try await withThrowingTaskGroup(of: Int.self) { group in
      while case let batch = story.next(), !batch.isEmpty {
        written += try await group.next() ?? 0
        bar.report(Int64(written), of: Int64(count))
        group.addTask {
          try await store.appendActivities(batch)
          return batch.count
        }
      }
      written += try await group.next() ?? 0
    }
    bar.report(Int64(written), of: Int64(count))
    // Reports of a file just made are as fast as those of one that grew.
    try await store.closeActivityBlocks(tenantID: directory.tenantID)
  }

  /// Makes the company if it is missing, and gives what is known of its people.
  private static func company(_ database: Database) async throws -> TenantDirectory {
    let key = Base64.encodeURL(RandomSource.system.bytes(32))
    let embedded = EmbeddedWrapper(database: database, apiKey: key)
    _ = try await DemoCompany.open(in: embedded.directory)
    let port = try embedded.start()
    let wrapper = Wrapper(
      WrapperConfiguration(
        baseURL: "http://127.0.0.1:\(port)", apiKey: key, version: Program.version),
      database: database, time: .system, random: .system, log: { _, _ in })
    let outcome: Result<TenantDirectory, any Error>
    do {
      outcome = .success(try await wrapper.tenant(DemoCompany.tenantID))
    } catch {
      outcome = .failure(error)
    }
    await wrapper.stop()
    await embedded.stop()
    return try outcome.get()
  }
}
