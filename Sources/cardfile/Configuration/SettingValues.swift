internal import Cryptography
internal import Foundation

/// All settings: flags, over environment, over `.env`, over defaults.
///
/// Collects every fault before it speaks.
struct SettingValues {
  /// Where a value stands; the later ones stand over the earlier.
  enum Origin: Int {
    case nowhere
    case file
    case environment
    case commandLine
  }

  private(set) var values: [String: String] = [:]
  private var origins: [String: Origin] = [:]
  private(set) var faults: [String] = []
  private(set) var warnings: [String] = []

  /// - Parameters:
  ///   - flags: Options of the command line by flag name.
  ///   - environment: The process's environment.
  ///   - file: What `.env` says.
  init(flags: [String: String], environment: [String: String], file: [String: String]) {
    for (source, origin) in [(file, Origin.file), (environment, .environment)] {
      refuseUnknown(source, origin == .file ? ".env" : "the environment")
      for setting in Setting.all {
        for name in [setting.name] + setting.aliases {
          guard let value = source[name], !value.isEmpty else { continue }
          take(setting, value, as: name, from: origin)
        }
        if setting.kind.isSecret { takeFile(setting, source, origin) }
      }
    }
    for setting in Setting.all {
      if let flag = setting.flag, let value = flags[flag] {
        take(setting, value, as: "--\(flag)", from: .commandLine)
      }
    }
  }

  /// The text of a setting, or its default's.
  func text(_ name: String) -> String? {
    values[name] ?? Setting.all.first { $0.name == name }?.fallback
  }

  /// Where the value of a setting came from.
  func origin(of name: String) -> Origin { origins[name] ?? .nowhere }

  func list(_ name: String) -> [String] {
    (text(name) ?? "").split(separator: ",")
      .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }

  func flag(_ name: String) -> Bool { text(name).map(Self.isOn) ?? false }

  func integer(_ name: String) -> Int? { text(name).flatMap(Int.init) }

  func decimal(_ name: String) -> Double? { text(name).flatMap(Double.init) }

  mutating func addFault(_ fault: String) { faults.append(fault) }

  private mutating func take(
    _ setting: Setting, _ value: String, as name: String, from origin: Origin
  ) {
    if let wanted = Self.fault(setting.kind, value) {
      faults.append(
        setting.kind.isSecret ? "\(name): \(wanted)" : "\(name)=\(value): \(wanted)")
      return
    }
    values[setting.name] = value
    origins[setting.name] = origin
  }

  /// `<NAME>_FILE` names a file whose content is the secret.
  private mutating func takeFile(
    _ setting: Setting, _ source: [String: String], _ origin: Origin
  ) {
    guard let path = source["\(setting.name)_FILE"], !path.isEmpty else { return }
    do {
      let text = try String(contentsOfFile: path, encoding: .utf8)
      take(
        setting, text.trimmingCharacters(in: .whitespacesAndNewlines), as: "\(setting.name)_FILE",
        from: origin)
    } catch {
      faults.append("\(setting.name)_FILE=\(path): the file cannot be read")
    }
  }

  private mutating func refuseUnknown(_ source: [String: String], _ origin: String) {
    let known = Set(
      Setting.all.flatMap { [$0.name, "\($0.name)_FILE"] + $0.aliases })
    for name in source.keys.sorted() where !known.contains(name) {
      if let entry = Setting.withoutFunction.first(where: { name.hasPrefix($0.prefix) }) {
        warnings.append("\(name) has no effect: \(entry.reason)")
      } else if name.hasPrefix("CRM_") {
        let near = known.sorted().filter { $0.hasPrefix(name.prefix(8)) }
        faults.append(
          "\(name) in \(origin): there is no such setting"
            + (near.isEmpty ? "" : "; did you mean \(near.joined(separator: " or "))?"))
      }
    }
  }

  static func isOn(_ value: String) -> Bool { ["true", "1", "yes", "on"].contains(value) }

  /// What is wanted instead, or nil when the value is right.
  private static func fault(_ kind: Setting.Kind, _ value: String) -> String? {
    switch kind {
    case .text, .path, .list:
      return nil
    case .flag:
      return ["true", "false", "1", "0", "yes", "no", "on", "off"].contains(value)
        ? nil : "true or false is wanted"
    case .integer(let range):
      return Int(value).map(range.contains) == true
        ? nil : "a whole number from \(range.lowerBound) to \(range.upperBound) is wanted"
    case .decimal(let range):
      return Double(value).map(range.contains) == true
        ? nil : "a number from \(range.lowerBound) to \(range.upperBound) is wanted"
    case .choice(let words):
      return words.contains(value) ? nil : "one of \(words.joined(separator: ", ")) is wanted"
    case .secret(let bytesMin):
      return value.utf8.count >= bytesMin ? nil : "at least \(bytesMin) bytes are wanted"
    case .signingKeys:
      return SigningKeys.keys(setting: value) == nil ? SigningKeys.wanted : nil
    case .keys(let count):
      let keys = value.split(separator: ",", omittingEmptySubsequences: false).map {
        Base64.decode($0.trimmingCharacters(in: .whitespaces))
      }
      return keys.allSatisfy { $0?.count == count }
        ? nil
        : "base64 of \(count) bytes is wanted, such as `openssl rand -base64 \(count)` prints; "
          + "several are separated by commas"
    }
  }
}
