internal import Cryptography
internal import Foundation
internal import HTTP
internal import JSON
internal import Values

/// `activity-backup-<tenantId>.json` beside the database: one line of JSON per refused batch.
struct DeadLetterFile: Sendable {
  let path: String

  /// The longest name that file systems take.
  private static let nameBytesMax = 255

  init(databasePath: String, tenantID: String) {
    var name = "activity-backup-\(PercentEncoding.encode(tenantID)).json"
    if name.utf8.count > Self.nameBytesMax {
      name = "activity-backup-\(Hexadecimal.text(SHA256.hash(Array(tenantID.utf8)))).json"
    }
    path =
      URL(fileURLWithPath: databasePath).deletingLastPathComponent()
      .appendingPathComponent(name).path
    self.tenantID = tenantID
  }

  private let tenantID: String

  /// Appends the refused batch and returns when it is on the disk.
  func append(
    _ batch: OutboxStore.Batch, _ refusal: BatchDelivery.Refusal, at now: Timestamp
  ) throws {
    let activities = try JSONParser.parse(batch.body)["activities"] ?? .array([])
    let line: JSONValue = [
      "timestamp": .string(now.rfc3339), "activities": activities,
      "tenantId": .string(tenantID), "status": .integer(refusal.status),
      "reason": .string(refusal.reason),
    ]
    // Nobody else may read it from the first moment on; a link in its place is not followed.
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else {
      throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: path])
    }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    fchmod(descriptor, 0o600)
    let end = try file.seekToEnd()
    var bytes = line.bytes + Array("\n".utf8)
    if end > 0 {
      try file.seek(toOffset: end - 1)
      // A line that a crash cut off ends here.
      if try file.read(upToCount: 1) != Data("\n".utf8) { bytes.insert(0x0a, at: 0) }
    }
    try file.write(contentsOf: Data(bytes))
    try file.synchronize()
    try file.close()
  }
}
