/// Imports run downwards, from the programs to the values.
enum ImportRules {
  /// The rooms, lowest floor first.
  ///
  /// A target may depend only on targets of lower floors.
  static let floors: [Set<String>] = [
    ["CSQLite", "CMicrohttpd", "CGnuTLS", "CZlib", "CCrypt", "CResources"],
    ["Values", "Resources", "CBenchmark"],
    ["JSON", "Cryptography"],
    ["HTTP", "SQLite"],
    ["Database", "HTTPServer"],
    ["CRM", "WrapperClient"],
    ["API", "EmbeddedWrapper"],
    ["cardfile", "cardfile-bench"],
  ]

  /// Modules that come with Swift and Linux.
  static let platformModules: Set<String> = [
    "Foundation", "FoundationEssentials", "FoundationNetworking", "Synchronization", "Glibc",
    "Dispatch", "Testing",
  ]

  /// Dependencies in the manifest that run upwards or sideways.
  ///
  /// Targets below `Tests` may depend on anything, and nothing of `Sources` on them.
  static func risingDependencies(
    _ targets: [ManifestTarget], below tests: Set<String>
  ) -> [String] {
    let rooms = targets.filter { $0.kind != .test && !tests.contains($0.name) }
    return rooms.flatMap { target -> [String] in
      guard let floor = floor(of: target.name) else {
        return ["\(target.name) stands on no floor of the table in ImportRules"]
      }
      return target.dependencies
        .filter { (self.floor(of: $0) ?? Int.max) >= floor }
        .map { "\(target.name) depends on \($0), which is no lower floor" }
    }
  }

  /// Imports of a file that its target does not declare.
  static func undeclaredImports(_ file: SourceFile, _ targets: [ManifestTarget]) -> [Finding] {
    guard !file.target.isEmpty else { return [] }
    guard let target = targets.first(where: { $0.name == file.target }) else {
      return [file.finding(line: 1, "the folder \(file.target) is no target of Package.swift")]
    }
    // A program's module is named with an underscore where its target has a hyphen.
    let allowed = Set(target.dependencies.map { $0.replacing("-", with: "_") })
    return imports(of: file)
      .filter { !allowed.contains($0.text) && !platformModules.contains($0.text) }
      .map { file.finding(line: $0.line, "import of \($0.text)") }
  }

  static func imports(of file: SourceFile) -> [Token] {
    let tokens = file.tokens
    let kinds: Set<String> = [
      "struct", "class", "enum", "protocol", "typealias", "func", "let", "var",
    ]
    return tokens.indices.dropLast().compactMap { index in
      guard tokens[index].text == "import" else { return nil }
      let next = tokens[index + 1]
      return kinds.contains(next.text) && index + 2 < tokens.count ? tokens[index + 2] : next
    }
  }

  private static func floor(of target: String) -> Int? {
    floors.firstIndex { $0.contains(target) }
  }
}
