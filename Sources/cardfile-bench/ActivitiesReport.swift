/// What `cardfile-bench activities` was asked for.
struct ActivitiesOptions: Equatable {
  static let entriesMax = 100_000_000

  static let usage = """
    usage: cardfile-bench activities [--server PATH] [--folder PATH] [--entries N,N] [--seconds N]
                                     [--write [PATH]]

      --entries N,N             with how many entries it is measured (100000,1000000)
      --seconds N               of each question (2)
    """

  var server = "dist/cardfile"
  var folder = ".build"
  var entries = [100_000, 1_000_000]
  var seconds = 2
  /// The document whose table is replaced; nil prints only.
  var document: String?

  init(parsing arguments: [String]) throws(BenchmarkError) {
    var rest = arguments[...]
    while let option = rest.popFirst() {
      switch option {
      case "--server": server = try Options.value(of: option, &rest)
      case "--folder": folder = try Options.value(of: option, &rest)
      case "--seconds": seconds = try Options.number(of: option, &rest, max: Options.secondsMax)
      case "--entries":
        entries = []
        for text in try Options.value(of: option, &rest).split(separator: ",") {
          entries.append(try Options.checked(String(text), of: option, max: Self.entriesMax))
        }
      case "--write":
        let hasPath = rest.first?.hasPrefix("--") == false
        document = hasPath ? rest.popFirst() : "Resources/docs/performance.md"
      default: throw BenchmarkError("unknown option \(option)\n\(Self.usage)")
      }
    }
    guard !entries.isEmpty else {
      throw BenchmarkError("--entries needs a number\n\(Self.usage)")
    }
  }
}

/// The figures of long activity logs as Markdown.
struct ActivitiesReport {
  static let begin = "<!-- activities:begin -->"
  static let end = "<!-- activities:end -->"
  /// How much more a report may cost in the longest log than in the shortest.
  static let growthMax = 1.5

  let command: String
  let date: String
  let machine: String
  let rows: [ActivitiesBenchmark.Row]

  var markdown: String {
    var lines = [
      "`\(command)`, \(date), \(machine).", "",
      "| | \(rows.map { "\($0.entries) entries" }.joined(separator: " | ")) |",
      "| --- |\(rows.map { _ in " ---: |" }.joined())",
    ]
    func line(_ name: String, digits: Int, _ figure: (ActivitiesBenchmark.Row) -> Double?) {
      let cells = rows.map { Report.text([figure($0)].compactMap(\.self), digits: digits) }
      lines.append("| \(name) | \(cells.joined(separator: " | ")) |")
    }
    line("made with `cardfile demo`, s", digits: 1) { $0.fillSeconds }
    line("entries made a second", digits: 0) { Double($0.entries) / $0.fillSeconds }
    line("file, MB", digits: 0) { $0.fileMegabytes }
    for (index, question) in ActivitiesBenchmark.questions.enumerated() {
      line("\(question.name), p50 ms", digits: 2) { $0.milliseconds[index] }
    }
    line("export as NDJSON, s", digits: 1) { $0.ndjsonSeconds }
    line("its size, MB", digits: 0) { $0.ndjsonMegabytes }
    line("export as CSV, s", digits: 1) { $0.csvSeconds }
    line("growth of the server's peak memory by both, MB", digits: 1) {
      $0.exportGrowthMegabytes
    }
    line("verify, s", digits: 1) { $0.verifySeconds }
    line("peak memory of the server after all, MB", digits: 1) { $0.peakMegabytes }
    lines += ["", "| target | measured | wanted | |", "| --- | ---: | ---: | --- |"]
    for verdict in verdicts {
      let mark = verdict.isMet ? "met" : "**missed**"
      lines.append("| \(verdict.name) | \(verdict.value) | \(verdict.wanted) | \(mark) |")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// How reports in the longest log compare with those in the shortest.
  var verdicts: [Verdict] {
    guard let first = rows.first, let last = rows.last, rows.count > 1 else { return [] }
    return ActivitiesBenchmark.questions.enumerated().compactMap { index, question in
      guard question.isBounded, let few = first.milliseconds[index],
        let many = last.milliseconds[index], few > 0
      else { return nil }
      let growth = many / few
      return Verdict(
        name: "\(question.name): \(last.entries) ÷ \(first.entries) entries",
        value: Report.text([growth], digits: 2) + " ×",
        wanted: "< \(Report.text([Self.growthMax], digits: 1)) ×",
        isMet: growth < Self.growthMax)
    }
  }

  /// `document` with this report in place of what stands between its markers.
  func replacing(in document: String) throws(BenchmarkError) -> String {
    try Report.replacing(in: document, between: Self.begin, and: Self.end, with: markdown)
  }
}
