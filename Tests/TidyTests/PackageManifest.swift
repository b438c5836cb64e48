internal import Foundation

/// What Package.swift says about one target.
struct ManifestTarget: Equatable {
  enum Kind: String, CaseIterable {
    case library = ".target("
    case executable = ".executableTarget("
    case system = ".systemLibrary("
    case test = ".testTarget("
  }

  let name: String
  let kind: Kind
  let dependencies: [String]
}

/// The targets of a manifest, read from its text.
///
/// Reading text instead of `swift package dump-package` keeps the test free of a second build lock.
enum PackageManifest {
  static func targets(of text: String) -> [ManifestTarget] {
    let withoutComments = text.split(separator: "\n").filter { line in
      !line.drop { $0 == " " }.hasPrefix("//")
    }
    .joined(separator: "\n")
    return ManifestTarget.Kind.allCases.flatMap { kind in
      withoutComments.components(separatedBy: kind.rawValue).dropFirst().compactMap { rest in
        let declaration = balancedPrefix(of: rest)
        guard let name = quoted(in: part(of: declaration, after: "name:", until: ",")).first else {
          return nil
        }
        let dependencies = quoted(in: part(of: declaration, after: "dependencies: [", until: "]"))
        return ManifestTarget(name: name, kind: kind, dependencies: dependencies)
      }
    }
  }

  /// What stands before the parenthesis that closes an opened one.
  private static func balancedPrefix(of text: String) -> String {
    var depth = 1
    return String(
      text.prefix { character in
        if character == "(" { depth += 1 }
        if character == ")" { depth -= 1 }
        return depth > 0
      })
  }

  private static func part(of text: String, after start: String, until end: Character) -> String {
    guard let range = text.range(of: start) else { return "" }
    return String(text[range.upperBound...].prefix { $0 != end })
  }

  private static func quoted(in text: String) -> [String] {
    text.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
      .filter { !$0.offset.isMultiple(of: 2) }
      .map { String($0.element) }
  }
}
