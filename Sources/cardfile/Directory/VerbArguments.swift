/// The arguments behind a verb: operands in order, long options anywhere.
struct VerbArguments: Sendable {
  private(set) var operands: [String: String] = [:]
  private(set) var options: [String: [String]] = [:]
  /// Options of every verb.
  private(set) var common: [String: String] = [:]

  /// Options of every verb that take a value.
  private static let commonNames = ["db", "tenant"]

  var isJSON: Bool { options["json"] != nil }

  /// - Throws: ``CommandFailure/usage(_:)`` naming what is missing, too much or not known.
  init(_ arguments: [String], _ verb: DirectoryVerb) throws(CommandFailure) {
    try self.init(arguments, operands: verb.operands, options: verb.options)
  }

  /// The same for a command that has no noun.
  init(
    _ arguments: [String], operands wanted: [String], options known: [DirectoryVerb.Option]
  ) throws(CommandFailure) {
    var places = wanted[...]
    var rest = arguments[...]
    var takesOptions = true
    while let argument = rest.popFirst() {
      if takesOptions, argument == "--" {
        takesOptions = false
      } else if takesOptions, argument.hasPrefix("--") {
        try takeOption(argument, &rest, known)
      } else if let place = places.popFirst() {
        operands[place] = argument
      } else {
        throw .usage("\(argument) is one word too many")
      }
    }
    if let missing = places.first { throw .usage("\(missing) is wanted") }
    for option in known where option.isRequired && options[option.name] == nil {
      throw .usage("--\(option.name) is wanted")
    }
  }

  private mutating func takeOption(
    _ argument: String, _ rest: inout ArraySlice<String>, _ known: [DirectoryVerb.Option]
  ) throws(CommandFailure) {
    let parts = argument.dropFirst(2).split(
      separator: "=", maxSplits: 1, omittingEmptySubsequences: false
    ).map(String.init)
    let name = parts[0]
    let option = known.first { $0.name == name }
    if name == "json" { return options[name] = [""] }
    if let option, case .flag = option.kind { return options[name] = [""] }
    let isCommon = Self.commonNames.contains(name)
    guard isCommon || option != nil else {
      // Without the value: somebody may have tried to hand over a password this way.
      throw .usage("there is no option --\(name)")
    }
    guard let value = parts.count == 2 ? parts[1] : rest.popFirst() else {
      throw .usage("--\(name) wants a value")
    }
    if isCommon { return common[name] = value }
    if let option, !option.isRepeatable, options[name] != nil {
      throw .usage("--\(name) is given twice")
    }
    options[name, default: []].append(value)
  }
}

extension DirectoryVerb.Option {
  /// Whether it may be given more than once.
  var isRepeatable: Bool {
    switch kind {
    case .texts, .role, .members: true
    case .flag, .text, .unit, .truth, .limit, .choice: false
    }
  }
}
