internal import Foundation

/// A fresh folder that is removed with everything in it when nobody holds it any more.
public final class TemporaryFolder: Sendable {
  /// Where it is, without a slash at the end.
  public let path: String

  /// Makes the folder.
  public init() throws {
    path = NSTemporaryDirectory().appendingPathComponent("cardfile-\(UUID().uuidString)")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    // What is left in the system's temporary folder is the system's to clear.
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The path of a file in it.
  public func file(_ name: String) -> String { "\(path)/\(name)" }
}

extension String {
  fileprivate func appendingPathComponent(_ name: String) -> String {
    hasSuffix("/") ? self + name : "\(self)/\(name)"
  }
}
