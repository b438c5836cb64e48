/// The long options of a command: `--name value`, `--name=value`, or `--name` alone for a switch.
struct CommandOptions {
  /// Why the options were refused.
  struct Refusal: Error {
    let reason: String
  }

  /// Values of settings.
  let flags: [String: String]
  /// Values of what only this command knows.
  let switches: [String: String]

  /// - Throws: ``Refusal`` for an option that `command` does not know or that lacks its value.
  init(_ arguments: [String], command: String) throws(Refusal) {
    var flags: [String: String] = [:]
    var switches: [String: String] = [:]
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("--") else {
        throw Refusal(reason: "\(argument) is not an option")
      }
      let parts = argument.dropFirst(2).split(
        separator: "=", maxSplits: 1, omittingEmptySubsequences: false
      ).map(String.init)
      let name = parts.first ?? ""
      let fault = command == "wrapper" ? FaultSwitch.named(name) : nil
      let setting = Self.setting(name, command: command)
      guard fault != nil || setting != nil else {
        // Without the value: somebody may have tried to hand over a secret this way.
        throw Refusal(reason: "there is no option --\(name)")
      }
      let value: String
      if parts.count == 2 {
        value = parts[1]
      } else if setting?.isFlag ?? fault?.isFlag ?? false {
        value = "true"
      } else if let next = rest.popFirst() {
        value = next
      } else {
        throw Refusal(reason: "--\(name) wants a value")
      }
      if setting != nil { flags[name] = value } else { switches[name] = value }
    }
    self.flags = flags
    self.switches = switches
  }

  private static func setting(_ name: String, command: String) -> Setting? {
    guard command == "serve" || wrapperFlags.contains(name) else { return nil }
    return Setting.all.first { $0.flag == name }
  }

  /// What the Wrapper alone can use.
  static let wrapperFlags = ["db", "listen", "demo", "tls-cert", "tls-key", "behind-proxy"]
}
