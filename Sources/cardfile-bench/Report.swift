internal import Foundation

/// A figure beside what it has to reach.
struct Verdict {
  let name: String
  let value: String
  let wanted: String
  let isMet: Bool
}

/// The measurements and verdicts as Markdown.
struct Report {
  static let begin = "<!-- benchmark:begin -->"
  static let end = "<!-- benchmark:end -->"

  let command: String
  let date: String
  let machine: String
  let series: [Series]
  let verdicts: [Verdict]

  var isMet: Bool { verdicts.allSatisfy(\.isMet) }

  var markdown: String {
    var lines = [
      "`\(command)`, \(date), \(machine). Medians over the rounds.", "",
      "| measurement | a second | p50 ms | p99 ms | server CPU µs | RSS MB | failed |",
      "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for series in series {
      let cells = [
        Self.text(series.perSecond, digits: 0), Self.text(series.median, digits: 2),
        Self.text(series.percentile99, digits: 2), Self.text(series.processor, digits: 0),
        Self.text(series.resident, digits: 1),
        series.median.isEmpty ? "" : String(series.failures),
      ]
      lines.append("| \(series.name) | \(cells.joined(separator: " | ")) |")
    }
    lines += ["", "| target | measured | wanted | |", "| --- | ---: | ---: | --- |"]
    for verdict in verdicts {
      let mark = verdict.isMet ? "met" : "**missed**"
      lines.append("| \(verdict.name) | \(verdict.value) | \(verdict.wanted) | \(mark) |")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// `document` with this report in place of what stands between the markers.
  func replacing(in document: String) throws(BenchmarkError) -> String {
    try Self.replacing(in: document, between: Self.begin, and: Self.end, with: markdown)
  }

  static func replacing(
    in document: String, between begin: String, and end: String, with markdown: String
  ) throws(BenchmarkError) -> String {
    guard let head = document.range(of: begin),
      let tail = document.range(of: end, range: head.upperBound..<document.endIndex)
    else { throw BenchmarkError("the document has no lines \(begin) and \(end)") }
    return document[..<head.upperBound] + "\n\n" + markdown + "\n" + document[tail.lowerBound...]
  }

  /// The median with a fixed number of decimals; empty for no values.
  static func text(_ values: [Double], digits: Int) -> String {
    values.isEmpty ? "" : String(format: "%.\(digits)f", Statistics.median(values))
  }
}
