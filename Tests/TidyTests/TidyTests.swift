internal import Testing

/// The rules of the house, checked on the tree as it lies here.
@Suite("The tree keeps its own rules") struct TidyTests {
  private let tree = SourceTree.current

  @Test("the tree was found, so that no rule passes on nothing")
  func treeIsFound() {
    #expect(tree.swift.count > 20)
    #expect(tree.sources.contains { $0.path == "Package.swift" })
    #expect(tree.resourcePaths.contains("schema/0001-initial.sql"))
  }

  @Test("no file is longer than 500 lines")
  func files() { expectNone(tree.sources, LengthRules.longFiles) }

  @Test("no function is longer than 70 lines")
  func functions() { expectNone(tree.swift, LengthRules.longFunctions) }

  @Test("no line is wider than 100 columns")
  func lines() { expectNone(tree.sources, LengthRules.longLines) }

  @Test("unsafe pointers stay in SQLite, HTTPServer and Resources")
  func unsafeWords() { expectNone(tree.swift, WordRules.unsafeWords) }

  @Test("no error is turned into a crash by a forced try")
  func forcedTries() { expectNone(tree.swift, WordRules.forcedTries) }

  @Test("only the programs print")
  func prints() { expectNone(tree.swift, WordRules.prints) }

  @Test("nothing is left unfinished")
  func unfinishedWork() { expectNone(tree.sources + tree.resources, WordRules.unfinishedWork) }

  @Test("an error is dropped only beside a comment that says why")
  func droppedErrors() { expectNone(tree.production, WordRules.droppedErrors) }

  @Test("what the compiler cannot check carries a safety comment")
  func safety() { expectNone(tree.swift, WordRules.unexplainedSafety) }

  @Test("no closure is a mutex's own value")
  func lockedClosures() { expectNone(tree.swift, WordRules.lockedClosures) }

  @Test("no type has a name that says nothing")
  func names() { expectNone(tree.swift, WordRules.vagueNames) }

  @Test("every file of Resources is in the binary's table")
  func resources() {
    let table = tree.text(of: "Sources/CResources/resources.c")
    #expect(ResourceRules.missing(tree.resourcePaths, in: table) == [])
  }

  @Test("the schema files are numbered without a gap")
  func schema() { #expect(ResourceRules.misnumbered(tree.resourcePaths) == []) }

  @Test("every dependency runs to a lower floor")
  func dependencies() {
    let targets = PackageManifest.targets(of: tree.text(of: "Package.swift"))
    let tests = Set(tree.sources.filter { $0.path.hasPrefix("Tests/") }.map(\.target))
    #expect(targets.contains { $0.name == "cardfile" && $0.dependencies.contains("Values") })
    #expect(ImportRules.risingDependencies(targets, below: tests) == [])
  }

  @Test("every import is declared in the manifest")
  func imports() {
    let targets = PackageManifest.targets(of: tree.text(of: "Package.swift"))
    expectNone(tree.swift) { ImportRules.undeclaredImports($0, targets) }
  }

  private func expectNone(
    _ files: [SourceFile], sourceLocation: SourceLocation = #_sourceLocation,
    _ rule: (SourceFile) -> [Finding]
  ) {
    let findings = files.flatMap(rule)
    let report = findings.map(\.description).joined(separator: "\n")
    #expect(findings.isEmpty, "\(report)", sourceLocation: sourceLocation)
  }
}
