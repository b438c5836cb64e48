internal import Foundation

/// Calls `body` with a folder of its own, on a thread that may be blocked.
///
/// Swift has as few threads as there are cores, and what is tested here waits for other processes.
func withTemporaryFolder<T: Sendable>(
  _ body: @escaping @Sendable (String) throws -> T
) async throws -> T {
  try await withCheckedThrowingContinuation { continuation in
    DispatchQueue.global().async {
      let folder = NSTemporaryDirectory() + "/cardfile-bench-" + UUID().uuidString
      continuation.resume(
        with: Result {
          try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
          defer {
            // A folder that stays behind among the temporary files breaks nothing.
            try? FileManager.default.removeItem(atPath: folder)
          }
          return try body(folder)
        })
    }
  }
}
