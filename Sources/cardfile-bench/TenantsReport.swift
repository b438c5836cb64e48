/// What `cardfile-bench tenants` was asked for.
struct TenantsOptions: Equatable {
  static let tenantsMax = 5000

  static let usage = """
    usage: cardfile-bench tenants [--server PATH] [--folder PATH] [--tenants N,N] [--write [PATH]]

      --tenants N,N             with how many tenants of 20 users it is measured (1,100,1000)
    """

  var server = "dist/cardfile"
  var folder = ".build"
  var tenants = [1, 100, 1000]
  /// The document whose table is replaced; nil prints only.
  var document: String?

  init(parsing arguments: [String]) throws(BenchmarkError) {
    var rest = arguments[...]
    while let option = rest.popFirst() {
      switch option {
      case "--server": server = try Options.value(of: option, &rest)
      case "--folder": folder = try Options.value(of: option, &rest)
      case "--tenants":
        tenants = []
        for text in try Options.value(of: option, &rest).split(separator: ",") {
          tenants.append(try Options.checked(String(text), of: option, max: Self.tenantsMax))
        }
      case "--write":
        let hasPath = rest.first?.hasPrefix("--") == false
        document = hasPath ? rest.popFirst() : "Resources/docs/performance.md"
      default: throw BenchmarkError("unknown option \(option)\n\(Self.usage)")
      }
    }
    guard !tenants.isEmpty else {
      throw BenchmarkError("--tenants needs a number\n\(Self.usage)")
    }
  }
}

/// The figures of many tenants as Markdown.
struct TenantsReport {
  static let begin = "<!-- tenants:begin -->"
  static let end = "<!-- tenants:end -->"

  let command: String
  let date: String
  let machine: String
  let rows: [TenantsBenchmark.Row]

  var markdown: String {
    var lines = [
      "`\(command)`, \(date), \(machine).", "",
      "| tenants of 20 users | KB each in use | KB each left to the file | all first requests s "
        + "| a first request ms | change to refusal ms | worst ms | permission check ns |",
      "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows {
      let cells = [
        "\(row.tenants)", Report.text([row.usedKilobytes].compactMap(\.self), digits: 1),
        Report.text([row.leftKilobytes].compactMap(\.self), digits: 1),
        Report.text([row.syncSeconds], digits: 2),
        Report.text([row.firstRequestMilliseconds], digits: 1),
        Report.text([row.refusalMilliseconds], digits: 1),
        Report.text([row.worstRefusalMilliseconds], digits: 1),
        Report.text([row.checkNanoseconds], digits: 0),
      ]
      lines.append("| \(cells.joined(separator: " | ")) |")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// `document` with this report in place of what stands between its markers.
  func replacing(in document: String) throws(BenchmarkError) -> String {
    try Report.replacing(in: document, between: Self.begin, and: Self.end, with: markdown)
  }
}
