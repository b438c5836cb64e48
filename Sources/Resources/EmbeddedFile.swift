internal import CResources

/// A file of the `Resources` folder that is compiled into the binary.
public struct EmbeddedFile: Sendable {
  /// The path below `Resources`, for example `schema/0001-initial.sql`.
  public let path: String
  /// The file's bytes, copied out of the binary.
  public let bytes: [UInt8]

  /// The bytes read as UTF-8, invalid sequences repaired.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// The file at `path`, or nil when the binary carries none of that name.
  public static func named(_ path: String) -> EmbeddedFile? {
    all(under: path).first { $0.path == path }
  }

  /// All files whose path begins with `prefix`, ordered by path.
  public static func all(under prefix: String) -> [EmbeddedFile] {
    (0..<cardfile_resource_count())
      .map { index in
        let entry = cardfile_resource_at(index)
        // Safety: `bytes` points at `count` constant bytes of the binary, alive for ever.
        return EmbeddedFile(
          path: String(cString: entry.path),
          bytes: Array(UnsafeBufferPointer(start: entry.bytes, count: entry.count)))
      }
      .filter { $0.path.hasPrefix(prefix) }
      .sorted { $0.path < $1.path }
  }
}
