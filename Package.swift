// swift-tools-version: 6.2
import PackageDescription

// The rooms, top to bottom. A target may import only what its line names; `make build` passes
// --explicit-target-dependency-import-check error, so an import that runs upwards does not compile.
let package = Package(
  name: "cardfile",
  products: [
    .executable(name: "cardfile", targets: ["cardfile"])
  ],
  targets: [
    .executableTarget(
      name: "cardfile",
      dependencies: [
        "API", "EmbeddedWrapper", "WrapperClient", "CRM", "Database", "SQLite", "HTTPServer",
        "HTTP",
        "JSON", "Cryptography", "Values", "Resources",
      ],
      // Stands in for malloc in the whole process: a tenth less time for every request.
      linkerSettings: [.linkedLibrary("mimalloc")]),

    .executableTarget(
      name: "cardfile-bench",
      dependencies: [
        "CRM", "WrapperClient", "Database", "Cryptography", "JSON", "Values", "Resources",
        "CBenchmark",
      ]),

    .target(
      name: "API",
      dependencies: [
        "CRM", "WrapperClient", "Database", "SQLite", "HTTP", "JSON", "Cryptography", "Values",
        "Resources",
      ]),
    .target(
      name: "EmbeddedWrapper",
      dependencies: [
        "Database", "SQLite", "HTTPServer", "HTTP", "JSON", "Cryptography", "Values",
      ]),

    .target(
      name: "CRM",
      dependencies: ["Database", "SQLite", "HTTP", "JSON", "Cryptography", "Values"]),
    .target(
      name: "WrapperClient",
      dependencies: [
        "Database", "SQLite", "HTTPServer", "HTTP", "JSON", "Cryptography", "Values",
      ]),

    .target(
      name: "Database", dependencies: ["SQLite", "Cryptography", "Values", "Resources"]),
    .target(
      name: "HTTPServer",
      dependencies: ["HTTP", "JSON", "Values", "CMicrohttpd", "CGnuTLS", "CZlib"]),

    .target(name: "SQLite", dependencies: ["JSON", "Values", "CSQLite"]),
    .target(name: "HTTP", dependencies: ["JSON", "Values"]),

    .target(name: "JSON", dependencies: ["Values"]),
    .target(name: "Cryptography", dependencies: ["Values", "CGnuTLS", "CCrypt"]),
    .target(name: "Values"),
    .target(name: "Resources", dependencies: ["CResources"]),

    .target(
      name: "CBenchmark", dependencies: ["CSQLite", "CMicrohttpd"],
      cSettings: [.treatAllWarnings(as: .error)]),
    .testTarget(name: "ValuesTests", dependencies: ["Values"]),
    .testTarget(name: "JSONTests", dependencies: ["JSON", "Values"]),
    .testTarget(name: "CryptographyTests", dependencies: ["Cryptography", "Values"]),
    .testTarget(name: "SQLiteTests", dependencies: ["SQLite", "JSON", "Values"]),
    .testTarget(
      name: "DatabaseTests", dependencies: ["Database", "SQLite", "Cryptography", "Values"]),

    .target(name: "CResources", cSettings: [.disableWarning("c23-extensions")]),
    .systemLibrary(
      name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(
      name: "CMicrohttpd", pkgConfig: "libmicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
    .systemLibrary(
      name: "CGnuTLS", pkgConfig: "gnutls", providers: [.apt(["libmicrohttpd-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CCrypt", pkgConfig: "libcrypt", providers: [.apt(["libcrypt-dev"])]),

    .testTarget(name: "TidyTests"),
    .testTarget(
      name: "BenchmarkTests",
      dependencies: [
        "cardfile-bench", "CBenchmark", "CRM", "Database", "JSON", "Resources", "SQLite",
        "Values",
      ]),
    .target(name: "TestSupport", dependencies: ["JSON"], path: "Tests/TestSupport"),
    .testTarget(name: "HTTPTests", dependencies: ["HTTP", "JSON", "Values"]),
    .testTarget(
      name: "APITests",
      dependencies: [
        "API", "CRM", "Cryptography", "Database", "EmbeddedWrapper", "HTTP", "HTTPServer", "JSON",
        "SQLite", "TestSupport", "Values", "WrapperClient",
      ]),
    // They run the program itself as a child, so it is built before them.
    .testTarget(
      name: "CardfileTests",
      dependencies: ["cardfile", "Cryptography", "JSON", "SQLite", "TestSupport", "Values"]),
    .testTarget(
      name: "HTTPServerTests",
      dependencies: ["HTTPServer", "HTTP", "JSON", "Values", "TestSupport"]),
    .testTarget(
      name: "WrapperClientTests",
      dependencies: [
        "WrapperClient", "EmbeddedWrapper", "Cryptography", "Database", "SQLite", "HTTPServer",
        "HTTP", "JSON", "Values", "TestSupport",
      ]),
    .testTarget(
      name: "EmbeddedWrapperTests",
      dependencies: [
        "EmbeddedWrapper", "Database", "SQLite", "JSON", "Values", "TestSupport",
      ]),
  ]
)

let sharedSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .treatWarning("DeprecatedDeclaration", as: .warning),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InferIsolatedConformances"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableUpcomingFeature("ImmutableWeakCaptures"),
]

for target in package.targets where target.type != .system {
  target.swiftSettings = (target.swiftSettings ?? []) + sharedSettings
}
