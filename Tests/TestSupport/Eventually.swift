internal import Dispatch

/// Waits until `condition` holds, for something that tells nobody when it changes.
///
/// - Returns: Whether it came to hold within `seconds`.
public func eventually(
  within seconds: Double = 20, _ condition: @escaping @Sendable () -> Bool
) async -> Bool {
  let deadline = DispatchTime.now() + seconds
  while !condition() {
    guard DispatchTime.now() < deadline else { return false }
    do {
      try await Task.sleep(for: .milliseconds(2))
    } catch {
      return condition()
    }
  }
  return true
}
