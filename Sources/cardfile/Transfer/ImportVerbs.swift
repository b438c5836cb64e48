internal import CRM
internal import Foundation
internal import HTTP
internal import JSON
internal import Values

extension DirectoryNoun {
  static let importing = DirectoryNoun(
    name: "import", summary: "takes over what other programs have written", verbs: [activities])

  private static let activities = DirectoryVerb(
    name: "activities", operands: ["FILE"],
    options: [
      .init(
        name: "format", kind: .choice(["ndjson", "csv"]), value: "ndjson|csv",
        summary: "What FILE is; else its name tells."),
      .init(
        name: "dry-run", kind: .flag, summary: "Say what would be done, and do nothing."),
      .init(
        name: "append", kind: .flag,
        summary: "Take the entries as new ones, also where the archive could be taken as it is."),
      .init(
        name: "on-duplicate", kind: .choice(["skip", "fail"]), value: "skip|fail",
        summary: "What is done about entries that the log has: leave them out, or stop."),
    ],
    summary:
      "Takes an archive over as it is into an empty log, else its entries as new ones.",
    examples: [
      "import activities activities.ndjson --dry-run", "import activities activities.ndjson",
    ],
    makesFile: true, isOfDirectory: false,
    fallbackTenant: { given, _ in
      let path = given.operands["FILE"] ?? ""
      var file = try ArchiveFile(path, format: given.options["format"]?.last)
      return try file.firstEntry()?.tenantID
    }
  ) { call in
    try await ActivityImport(call).run()
  }
}

/// One run of `cardfile import activities`.
private struct ActivityImport {
  /// How many entries one step takes, and how many bytes.
  private static let stepEntries = 1000
  private static let stepBytes = 4 * 1024 * 1024

  private let call: DirectoryCall
  private let path: String
  private let format: String?
  private let isTrial: Bool
  private let tenantID: String

  init(_ call: DirectoryCall) throws(CommandFailure) {
    self.call = call
    path = call.operand("FILE")
    format = call.arguments.options["format"]?.last
    isTrial = call.has("dry-run")
    tenantID = call.tenantID ?? ""
    for (option, words) in [("format", ["ndjson", "csv"]), ("on-duplicate", ["skip", "fail"])] {
      guard let word = call.arguments.options[option]?.last else { continue }
      guard words.contains(word) else {
        throw .usage("--\(option)=\(word): one of \(words.joined(separator: ", ")) is wanted")
      }
    }
  }

  func run() async throws -> VerbOutput {
    let place = try await place()
    let survey = try ArchiveSurvey.make(ArchiveFile(path, format: format), at: place.end.seq)
    if !call.has("append"), survey.isArchive {
      if place.end.seq == 0 { return try await restore(survey, after: ActivityPlace()) }
      if survey.hash == place.end.head {
        return try await restore(survey, after: place.end)
      }
      // The log may have gone on since it was taken over.
      if let last = survey.check.map({ $0.place }), last.seq > 0,
        try await self.place(seq: last.seq).hash == last.head
      {
        return .done(
          "the log of \(tenantID) has all \(last.seq) entries of the archive already",
          ["added": 0, "present": .integer(last.seq)])
      }
    }
    return try await append(survey)
  }

  // MARK: As it is

  /// Takes the entries behind `place` over with their links.
  ///
  /// All were checked before the first is written. When the machine stops on the way, the next run
  /// goes on where it ended.
  private func restore(
    _ survey: ArchiveSurvey, after place: ActivityPlace
  ) async throws -> VerbOutput {
    if let fault = survey.archiveFault { throw CommandFailure.failed("\(path)\(fault)") }
    let last = survey.check?.place ?? ActivityPlace()
    let count = last.seq - place.seq
    guard survey.tenantID == tenantID else {
      throw CommandFailure.failed(
        "\(path) is the log of the tenant \(survey.tenantID ?? ""), not of \(tenantID); with "
          + "--append its entries are taken as new ones")
    }
    guard !isTrial else {
      return .done(
        "\(path) is whole: \(count) entries of \(tenantID) would be taken over as they are",
        ["wouldAdd": .integer(count)])
    }
    var place = place
    var file = try ArchiveFile(path, format: format)
    let bar = ProgressBar("Importing")
    defer { bar.finish() }
    var step: [UInt8] = []
    var stepCount = 0
    func send() async throws {
      guard stepCount > 0 else { return }
      let answer = try await call.access.post(
        "\(ActivityControl.path)/restore?seq=\(place.seq)&head=\(Hexadecimal.text(place.head))",
        tenantID: tenantID, bytes: step)
      try ActivityFileWriter.check(answer)
      guard let seq = answer.body["seq"]?.integer,
        let head = answer.body["head"]?.string.flatMap(Hexadecimal.bytes)
      else { throw CommandFailure.failed("the server's answer is not understood") }
      place = ActivityPlace(seq: seq, head: head)
      (step, stepCount) = ([], 0)
      bar.report(Int64(file.bytesRead), of: Int64(file.byteCount))
    }
    while let line = try file.next() {
      guard case .entry(let entry) = line.content, (entry.seq ?? 0) > place.seq else { continue }
      step += entry.line + [0x0a]
      stepCount += 1
      if stepCount == Self.stepEntries || step.count >= Self.stepBytes { try await send() }
    }
    try await send()
    try await note(["mode": "archive", "added": .integer(count), "lastSeq": .integer(last.seq)])
    return .done(
      "took over \(count) entries of \(tenantID) with their links"
        + (survey.isCutUnnoticed ? "; without a manifest nobody can tell whether some lack" : ""),
      ["added": .integer(count), "lastSeq": .integer(last.seq)])
  }

  // MARK: As new ones

  /// What became of the lines.
  private struct Tally {
    var added = 0
    var duplicates = 0
    var rejected = 0

    var json: JSONValue {
      [
        "added": .integer(added), "duplicates": .integer(duplicates),
        "rejected": .integer(rejected),
      ]
    }
  }

  private func append(_ survey: ArchiveSurvey) async throws -> VerbOutput {
    let stops = call.arguments.options["on-duplicate"]?.last == "fail"
    if isTrial || stops {
      let tally = try await append(isTrial: true, nil)
      if stops, tally.duplicates > 0 {
        throw CommandFailure.failed(
          "the log has \(tally.duplicates) of the entries already; nothing was imported")
      }
      if isTrial { return .done("would be \(words(tally))", tally.json) }
    }
    let rejected = RejectedLines(path, isCSV: survey.isCSV)
    let tally = try await append(isTrial: false, rejected)
    try rejected.close()
    var details = tally.json.object ?? JSONObject()
    details["mode"] = "append"
    try await note(.object(details))
    let place = tally.rejected > 0 ? "; see \(rejected.path)" : ""
    return .done("\(words(tally))\(place)", tally.json)
  }

  private func words(_ tally: Tally) -> String {
    "imported \(tally.added) entries into the log of \(tenantID) as new ones, left out "
      + "\(tally.duplicates) that it has, rejected \(tally.rejected)"
  }

  private func append(isTrial: Bool, _ rejected: RejectedLines?) async throws -> Tally {
    var tally = Tally()
    var file = try ArchiveFile(path, format: format)
    let bar = ProgressBar(isTrial ? "Trying" : "Importing")
    defer { bar.finish() }
    var step: [UInt8] = []
    var lines: [ActivityArchiveReader.Line] = []
    func send() async throws {
      guard !lines.isEmpty else { return }
      let answer = try await call.access.post(
        "\(ActivityControl.path)/import?trial=\(isTrial)", tenantID: tenantID, bytes: step)
      try ActivityFileWriter.check(answer)
      let outcomes = answer.body.array ?? []
      guard outcomes.count == lines.count else {
        throw CommandFailure.failed("the server's answer is not understood")
      }
      for (line, outcome) in zip(lines, outcomes) {
        switch outcome.string {
        case "added"?: tally.added += 1
        case "duplicate"?: tally.duplicates += 1
        default:
          tally.rejected += 1
          try rejected?.add(line, outcome["reason"]?.string ?? "", header: file.header)
        }
      }
      (step, lines) = ([], [])
      bar.report(Int64(file.bytesRead), of: Int64(file.byteCount))
    }
    while let line = try file.next() {
      switch line.content {
      case .manifest: continue
      case .fault(let fault):
        tally.rejected += 1
        try rejected?.add(line, fault.reason, header: file.header)
      case .entry(let entry):
        step += entry.line + [0x0a]
        lines.append(line)
        if lines.count == Self.stepEntries || step.count >= Self.stepBytes { try await send() }
      }
    }
    try await send()
    return tally
  }

  // MARK: The log

  private func place(
    seq: Int64? = nil
  ) async throws -> (end: ActivityPlace, hash: [UInt8]?) {
    let question = seq.map { "?seq=\($0)" } ?? ""
    let answer = try await call.access.send(
      .get, "\(ActivityControl.path)/place\(question)", tenantID: tenantID)
    try ActivityFileWriter.check(answer)
    guard let seq = answer.body["seq"]?.integer,
      let head = answer.body["head"]?.string.flatMap(Hexadecimal.bytes)
    else { throw CommandFailure.failed("the server's answer is not understood") }
    return (
      ActivityPlace(seq: seq, head: head),
      answer.body["hash"]?.string.flatMap(Hexadecimal.bytes)
    )
  }

  private func note(_ details: JSONValue) async throws {
    let answer = try await call.access.post(
      "\(ActivityControl.path)/note", tenantID: tenantID, bytes: details.bytes)
    try ActivityFileWriter.check(answer)
  }
}
