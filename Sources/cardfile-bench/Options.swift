/// What the command line asks for.
struct Options: Equatable {
  static let secondsMax = 600
  static let roundsMax = 99
  static let connectionsMax = 4000

  static let usage = """
    usage: cardfile-bench [--server PATH] [--folder PATH] [--seconds N] [--rounds N]
                          [--connections N] [--create-connections N,N] [--quick] [--write [PATH]]

      --server PATH             the release binary (dist/cardfile)
      --folder PATH             where the files lie; their disk is what is measured (.build)
      --seconds N               of each measurement in each round (2)
      --rounds N                interleaved rounds, of which the medians are taken (7)
      --connections N           of the reading measurements (64)
      --create-connections N,N  of the creating measurements (64,256)
      --quick                   one round of one second, to see that everything works
      --write [PATH]            puts the table between the markers of Resources/docs/performance.md
    """

  var server = "dist/cardfile"
  var folder = ".build"
  var seconds = 2
  var rounds = 7
  var connections = 64
  var createConnections = [64, 256]
  /// The document whose table is replaced; nil prints only.
  var document: String?

  init(parsing arguments: [String]) throws(BenchmarkError) {
    var rest = arguments[...]
    while let option = rest.popFirst() {
      switch option {
      case "--server": server = try Self.value(of: option, &rest)
      case "--folder": folder = try Self.value(of: option, &rest)
      case "--seconds": seconds = try Self.number(of: option, &rest, max: Self.secondsMax)
      case "--rounds": rounds = try Self.number(of: option, &rest, max: Self.roundsMax)
      case "--connections":
        connections = try Self.number(of: option, &rest, max: Self.connectionsMax)
      case "--create-connections":
        createConnections = []
        for text in try Self.value(of: option, &rest).split(separator: ",") {
          createConnections.append(
            try Self.checked(String(text), of: option, max: Self.connectionsMax))
        }
      case "--quick":
        seconds = 1
        rounds = 1
      case "--write":
        let hasPath = rest.first?.hasPrefix("--") == false
        document = hasPath ? rest.popFirst() : "Resources/docs/performance.md"
      default: throw BenchmarkError("unknown option \(option)\n\(Self.usage)")
      }
    }
    guard !createConnections.isEmpty else {
      throw BenchmarkError("--create-connections needs a number\n\(Self.usage)")
    }
  }

  static func value(
    of option: String, _ rest: inout ArraySlice<String>
  ) throws(BenchmarkError) -> String {
    guard let value = rest.popFirst() else { throw BenchmarkError("\(option) needs a value") }
    return value
  }

  static func number(
    of option: String, _ rest: inout ArraySlice<String>, max: Int
  ) throws(BenchmarkError) -> Int {
    try checked(value(of: option, &rest), of: option, max: max)
  }

  static func checked(
    _ text: String, of option: String, max: Int
  ) throws(BenchmarkError) -> Int {
    guard let number = Int(text), (1...max).contains(number) else {
      throw BenchmarkError("\(option) is a number from 1 to \(max), not \"\(text)\"")
    }
    return number
  }
}
