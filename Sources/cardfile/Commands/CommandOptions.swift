/// The long options of a command: `--name value`, `--name=value`, or `--name` alone for a switch.
struct CommandOptions {
  /// Why the options were refused.
  struct Refusal: Error {
    let reason: String
  }

  let flags: [String: String]

  /// - Throws: ``Refusal`` for an option that `command` does not know or that lacks its value.
  init(_ arguments: [String], command: String) throws(Refusal) {
    var flags: [String: String] = [:]
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("--") else {
        throw Refusal(reason: "\(argument) is not an option")
      }
      let parts = argument.dropFirst(2).split(
        separator: "=", maxSplits: 1, omittingEmptySubsequences: false
      ).map(String.init)
      guard let name = parts.first,
        let setting = Setting.all.first(where: { $0.flag == name }),
        command == "serve" || Self.wrapperFlags.contains(name)
      else {
        // Without the value: somebody may have tried to hand over a secret this way.
        throw Refusal(reason: "there is no option --\(parts.first ?? "")")
      }
      if parts.count == 2 {
        flags[name] = parts[1]
      } else if case .flag = setting.kind {
        flags[name] = "true"
      } else if let value = rest.popFirst() {
        flags[name] = value
      } else {
        throw Refusal(reason: "--\(name) wants a value")
      }
    }
    self.flags = flags
  }

  /// What the Wrapper alone can use.
  static let wrapperFlags = ["db", "listen", "demo"]
}
