internal import Foundation
internal import Glibc
internal import Synchronization
internal import Values

/// How far a command has come, on one line of the terminal that is drawn over and over.
///
/// It stands on standard error and only where that is a terminal: a program that reads the output
/// gets nothing of it. May be told of progress from any thread.
final class ProgressBar: Sendable {
  private struct State {
    var done: Int64 = 0
    var total: Int64 = 0
    var drawnAt: UInt64 = 0
    var isDrawn = false
  }

  /// How often the line is drawn at most.
  private static let pauseNanoseconds: UInt64 = 100_000_000
  private static let barCharacters = 30

  private let title: String
  private let isShown: Bool
  private let startedAt: UInt64
  private let state = Mutex(State())

  /// A bar that shows nothing before it is told of progress.
  ///
  /// - Parameters:
  ///   - title: What is under way, in a word or two.
  ///   - isShown: Whether anything is drawn; by default where standard error is a terminal.
  init(_ title: String, isShown: Bool = isatty(STDERR_FILENO) == 1) {
    self.title = title
    self.isShown = isShown
    startedAt = TimeSource.system.monotonicNanoseconds()
  }

  /// Says that `done` of `total` are done; a total of 0 is not known.
  func report(_ done: Int64, of total: Int64) {
    guard isShown else { return }
    let now = TimeSource.system.monotonicNanoseconds()
    let line = state.withLock { state -> String? in
      state.done = done
      state.total = total
      let isDue = now >= state.drawnAt + Self.pauseNanoseconds || done == total
      guard isDue else { return nil }
      state.drawnAt = now
      state.isDrawn = true
      return Self.line(title, done, total, seconds: Double(now - startedAt) / 1e9)
    }
    if let line { Terminal.prompt("\r\(line)\u{1b}[K") }
  }

  /// Takes the line away, so that what follows stands at its place.
  func finish() {
    guard isShown, state.withLock({ $0.isDrawn }) else { return }
    Terminal.prompt("\r\u{1b}[K")
  }

  /// The line as it stands after `seconds`.
  static func line(_ title: String, _ done: Int64, _ total: Int64, seconds: Double) -> String {
    guard total > 0 else { return "\(title)  \(done)" }
    let part = min(1, max(0, Double(done) / Double(total)))
    let filled = Int(part * Double(barCharacters))
    let bar =
      String(repeating: "█", count: filled)
      + String(repeating: "░", count: barCharacters - filled)
    let left = part > 0 && part < 1 ? "  \(duration(seconds / part - seconds)) left" : ""
    return "\(title)  \(bar) \(Int(part * 100)) %  \(done) of \(total)\(left)"
  }

  private static func duration(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded(.up))
    return whole < 60 ? "\(whole) s" : "\(whole / 60) min \(whole % 60) s"
  }
}
