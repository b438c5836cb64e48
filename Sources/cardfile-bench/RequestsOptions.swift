/// What `cardfile-bench requests` was asked for.
struct RequestsOptions: Equatable {
  static let contactsMax = 10_000_000
  /// Fewer would not make whole companies of ten contacts with deals of all kinds.
  static let contactsMin = 1000

  static let usage = """
    usage: cardfile-bench requests [--server PATH] [--folder PATH] [--contacts N] [--seconds N]
                                   [--write [PATH]]

      --contacts N              in the file; all else goes with it (100000)
      --seconds N               of each request for each of those who look (1)
    """

  var server = "dist/cardfile"
  var folder = ".build"
  var contacts = 100_000
  var seconds = 1
  /// The document whose table is replaced; nil prints only.
  var document: String?

  init(parsing arguments: [String]) throws(BenchmarkError) {
    var rest = arguments[...]
    while let option = rest.popFirst() {
      switch option {
      case "--server": server = try Options.value(of: option, &rest)
      case "--folder": folder = try Options.value(of: option, &rest)
      case "--contacts":
        contacts = try Options.number(of: option, &rest, max: Self.contactsMax)
      case "--seconds": seconds = try Options.number(of: option, &rest, max: Options.secondsMax)
      case "--write":
        let hasPath = rest.first?.hasPrefix("--") == false
        document = hasPath ? rest.popFirst() : "Resources/docs/performance.md"
      default: throw BenchmarkError("unknown option \(option)\n\(Self.usage)")
      }
    }
    guard contacts >= Self.contactsMin else {
      throw BenchmarkError("--contacts is at least \(Self.contactsMin)\n\(Self.usage)")
    }
  }
}
