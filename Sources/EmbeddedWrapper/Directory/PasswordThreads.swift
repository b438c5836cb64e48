internal import Cryptography
internal import Dispatch
internal import Values

/// Runs crypt(3), two at a time and away from the threads that serve requests.
///
/// One hash takes about 18 ms and 16 MB by design, so a crowd of sign-ins must not take all
/// processors and memory at once.
final class PasswordThreads: Sendable {
  static let shared = PasswordThreads()

  private let queues = [
    DispatchQueue(label: "cardfile.password.0"), DispatchQueue(label: "cardfile.password.1"),
  ]
  private let turns = PasswordTurns()

  private init() {}

  /// A new hash; nil when crypt(3) refuses the password or too many wait.
  func hash(_ password: String, random: RandomSource) async -> String? {
    await run { PasswordHash.make(password, random: random) } ?? nil
  }

  /// Whether the password fits the hash; nil when too many wait.
  func verify(_ password: String, _ hash: String) async -> Bool? {
    await run { PasswordHash.verify(password, hash) }
  }

  private func run<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value? {
    guard let turn = turns.take() else { return nil }
    defer { turns.giveBack() }
    return await withCheckedContinuation { continuation in
      queues[turn % queues.count].async { continuation.resume(returning: work()) }
    }
  }
}
