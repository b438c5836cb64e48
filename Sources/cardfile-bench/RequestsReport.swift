/// The times of single requests as Markdown.
struct RequestsReport {
  static let begin = "<!-- requests:begin -->"
  static let end = "<!-- requests:end -->"

  /// One request, as each of those who look had it answered.
  struct Row {
    let request: MeasuredRequest
    var results: [LoadResult] = []
  }

  let command: String
  let date: String
  let machine: String
  let rows: [Row]

  var markdown: String {
    let viewers = LargeCompany.Viewer.allCases.map(\.name)
    var lines = [
      "`\(command)`, \(date), \(machine). Milliseconds, p50 / p99.", "",
      "| request | \(viewers.joined(separator: " | ")) |",
      "| --- |\(viewers.map { _ in " ---: |" }.joined())",
    ]
    for row in rows {
      let cells = row.results.map {
        Report.text([$0.median], digits: 1) + " / " + Report.text([$0.percentile99], digits: 1)
      }
      lines.append("| \(row.request.name) | \(cells.joined(separator: " | ")) |")
    }
    lines += ["", "| target | measured | wanted | |", "| --- | ---: | ---: | --- |"]
    for verdict in verdicts {
      let mark = verdict.isMet ? "met" : "**missed**"
      lines.append("| \(verdict.name) | \(verdict.value) | \(verdict.wanted) | \(mark) |")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The slowest request of each kind that has a bound, whoever looks.
  var verdicts: [Verdict] {
    [
      verdict(of: .search, "slowest search, p50"),
      verdict(of: .statistics, "slowest statistics, p50"),
    ].compactMap(\.self)
  }

  private func verdict(of kind: MeasuredRequest.Kind, _ name: String) -> Verdict? {
    let measured = rows.filter { $0.request.kind == kind }
    guard let bound = measured.first?.request.millisecondsMax,
      let slowest = measured.flatMap(\.results).map(\.median).max()
    else { return nil }
    return Verdict(
      name: name, value: Report.text([slowest], digits: 1) + " ms",
      wanted: "< " + Report.text([bound], digits: 0) + " ms", isMet: slowest < bound)
  }

  /// `document` with this report in place of what stands between its markers.
  func replacing(in document: String) throws(BenchmarkError) -> String {
    try Report.replacing(in: document, between: Self.begin, and: Self.end, with: markdown)
  }
}
