internal import Foundation

/// The package as it lies on the disk.
struct SourceTree: Sendable {
  static let current = SourceTree(root: packageRoot)

  let root: String
  /// Every Swift and C file of `Sources` and `Tests`, and the manifest.
  let sources: [SourceFile]
  /// What the programs are made of, without the tests: a test may well drop an error.
  var production: [SourceFile] { sources.filter { $0.path.hasPrefix("Sources/") } }
  /// Every file below `Resources`, by its path below that folder.
  let resourcePaths: [String]

  init(root: String) {
    self.root = root
    let paths = ["Sources", "Tests"].flatMap { folder in
      Self.files(below: root + "/" + folder).map { folder + "/" + $0 }
    }
    sources = (paths + ["Package.swift"])
      .filter { path in [".swift", ".c", ".h"].contains { path.hasSuffix($0) } }
      .map { SourceFile(path: $0, text: Self.text(of: root + "/" + $0)) }
    resourcePaths = Self.files(below: root + "/Resources")
  }

  var swift: [SourceFile] { sources.filter(\.isSwift) }

  /// The text resources: schema, queries, web pages, documents.
  var resources: [SourceFile] {
    resourcePaths
      .filter { path in Self.textEndings.contains { path.hasSuffix($0) } }
      .map { SourceFile(path: "Resources/" + $0, text: text(of: "Resources/" + $0)) }
  }

  func text(of path: String) -> String { Self.text(of: root + "/" + path) }

  private static let textEndings = [".sql", ".md", ".html", ".css", ".js", ".json", ".svg"]

  // This file is Tests/TidyTests/SourceTree.swift below the root.
  private static let packageRoot = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  private static func text(of path: String) -> String {
    guard let data = FileManager.default.contents(atPath: path) else { return "" }
    return String(decoding: data, as: UTF8.self)
  }

  private static func files(below folder: String) -> [String] {
    guard let enumerator = FileManager.default.enumerator(atPath: folder) else { return [] }
    var paths: [String] = []
    while let path = enumerator.nextObject() as? String {
      var isFolder = ObjCBool(false)
      let exists = FileManager.default.fileExists(
        atPath: folder + "/" + path, isDirectory: &isFolder)
      let name = path.split(separator: "/").last ?? ""
      if exists, !isFolder.boolValue, !name.hasPrefix("."), !name.hasSuffix("~") {
        paths.append(path)
      }
    }
    return paths.sorted()
  }
}
