internal import Testing

@Suite("The import rules find what runs upwards") struct ImportRuleTests {
  private let manifest = """
    let package = Package(
      targets: [
        .executableTarget(name: "cardfile-bench", dependencies: ["JSON"]),
        // .target(name: "Gone", dependencies: ["cardfile"]),
        .target(
          name: "CRM",
          dependencies: [
            "HTTP", "JSON",
          ], swiftSettings: [.define("A")]),
        .target(name: "JSON"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .testTarget(name: "CRMTests", dependencies: ["CRM", "cardfile-bench"]),
      ])
    """

  private var targets: [ManifestTarget] { PackageManifest.targets(of: manifest) }

  @Test("the manifest's targets are read with their dependencies")
  func manifestTargets() {
    #expect(targets.map(\.name).sorted() == ["CRM", "CRMTests", "CZlib", "JSON", "cardfile-bench"])
    #expect(targets.first { $0.name == "CRM" }?.dependencies == ["HTTP", "JSON"])
    #expect(targets.first { $0.name == "JSON" }?.dependencies == [])
    #expect(targets.first { $0.name == "CZlib" }?.kind == .system)
  }

  @Test("a dependency on the same or a higher floor is found, and a room on no floor")
  func risingDependencies() {
    let rising = [
      ManifestTarget(name: "JSON", kind: .library, dependencies: ["CRM", "Values"]),
      ManifestTarget(name: "CRM", kind: .library, dependencies: ["WrapperClient"]),
      ManifestTarget(name: "Attic", kind: .library, dependencies: []),
      ManifestTarget(name: "SQLite", kind: .library, dependencies: ["TestSupport"]),
      ManifestTarget(name: "TestSupport", kind: .library, dependencies: ["JSON"]),
    ]
    #expect(ImportRules.risingDependencies(rising, below: ["TestSupport"]).count == 4)
    #expect(ImportRules.risingDependencies(targets, below: []) == [])
  }

  @Test("an import that the target does not declare is found")
  func undeclaredImports() {
    let text = """
      internal import FoundationEssentials
      // import API
      public import struct HTTP.Problem
      @testable import Database
      """
    let file = SourceFile(path: "Sources/CRM/Lead.swift", text: text)
    #expect(ImportRules.undeclaredImports(file, targets).map(\.line) == [4])
  }

  @Test("a folder without a target is found, and a program is imported by its module's name")
  func folders() {
    let stray = SourceFile(path: "Sources/Attic/A.swift", text: "")
    #expect(ImportRules.undeclaredImports(stray, targets).count == 1)
    let test = SourceFile(path: "Tests/CRMTests/A.swift", text: "import cardfile_bench")
    #expect(ImportRules.undeclaredImports(test, targets) == [])
  }
}
