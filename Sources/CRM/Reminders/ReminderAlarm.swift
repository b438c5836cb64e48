internal import Synchronization
internal import Values

/// Wakes whoever fires reminders when one is set that is due sooner than the next one known.
final class ReminderAlarm: Sendable {
  private let alarm = Alarm()
  /// The moment that is slept for; nil while nobody sleeps.
  private let awaited = Mutex<String?>(nil)

  /// Notes that a reminder was set for a moment, RFC 3339.
  ///
  /// Called inside the transaction that sets it. Whoever is woken looks through the writer too, and
  /// so behind that transaction.
  func note(_ moment: String) {
    let isNews = awaited.withLock { awaited in awaited.map { moment < $0 } ?? true }
    if isNews { alarm.ring() }
  }

  /// Says that somebody is about to look for reminders that are due.
  func beginLook() {
    awaited.withLock { $0 = nil }
  }

  /// Sleeps until the moment, or until a reminder is set that is due before it.
  ///
  /// - Parameter next: When the next reminder is due; nil when none is set.
  func sleep(until next: Timestamp?, from now: Timestamp) async {
    let latest = now.advanced(byMilliseconds: Int64(Limits.reminderPauseSecondsMax * 1000))
    let end = min(next ?? latest, latest)
    awaited.withLock { $0 = end.rfc3339 }
    await alarm.wait(seconds: Double(end.milliseconds - now.milliseconds) / 1000)
  }
}
