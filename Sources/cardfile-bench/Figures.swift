/// Everything that is measured, and what it has to reach.
struct Figures {
  /// How many creates share one commit in the ceilings on writing.
  static let groupSizes = [1, 16, 64]
  /// Parts of the ceiling that a read has to reach, and the multiple that a create has to.
  static let getPartMin = 0.45
  static let listPartMin = 0.25
  static let createMultipleMin = 4.0
  static let idleMegabytesMax = 45.0
  static let startMillisecondsMax = 150.0

  var get: Series
  var list: Series
  var creates: [Series]
  var bareGet: Series
  var bareList: Series
  var pages: Series
  var groups: [Series]
  /// Memory of a server at rest on an existing file.
  var idleMegabytes: [Double] = []
  /// From starting the program on an existing file until /health/ready answers.
  var startMilliseconds: [Double] = []

  init(_ options: Options, threads: Int) {
    get = Series("GET lead by id, \(options.connections) connections")
    bareGet = Series("ceiling: libmicrohttpd, answer of the same size")
    list = Series("GET list of 50 leads, \(options.connections) connections")
    bareList = Series("ceiling: libmicrohttpd, answer of the list's size")
    pages = Series("ceiling: SQLite to JSON, 50 leads, \(threads) threads, no HTTP")
    creates = options.createConnections.map { Series("POST lead, \($0) connections") }
    groups = Self.groupSizes.map { Series("ceiling: SQLite, durable creates, \($0) a commit") }
  }

  var series: [Series] { [get, bareGet, list, bareList, pages] + creates + groups }

  var verdicts: [Verdict] {
    var verdicts = [
      part("GET by id ÷ libmicrohttpd", get.ratio(to: bareGet), Self.getPartMin),
      part("list ÷ SQLite to JSON", list.ratio(to: pages), Self.listPartMin),
    ]
    for create in creates {
      let multiple = create.ratio(to: groups[0])
      verdicts.append(
        Verdict(
          name: "\(create.name) ÷ one by one", value: Report.text([multiple], digits: 2) + " ×",
          wanted: "≥ " + Report.text([Self.createMultipleMin], digits: 0) + " ×",
          isMet: multiple >= Self.createMultipleMin))
    }
    verdicts.append(
      below("memory at rest", idleMegabytes, Self.idleMegabytesMax, unit: "MB", digits: 1))
    verdicts.append(
      below("start to ready", startMilliseconds, Self.startMillisecondsMax, unit: "ms", digits: 0))
    return verdicts
  }

  private func part(_ name: String, _ ratio: Double, _ minimum: Double) -> Verdict {
    Verdict(
      name: name, value: Report.text([ratio * 100], digits: 0) + " %",
      wanted: "≥ " + Report.text([minimum * 100], digits: 0) + " %", isMet: ratio >= minimum)
  }

  private func below(
    _ name: String, _ values: [Double], _ maximum: Double, unit: String, digits: Int
  ) -> Verdict {
    Verdict(
      name: name, value: "\(Report.text(values, digits: digits)) \(unit)",
      wanted: "< " + Report.text([maximum], digits: 0) + " " + unit,
      isMet: Statistics.median(values) < maximum)
  }
}
