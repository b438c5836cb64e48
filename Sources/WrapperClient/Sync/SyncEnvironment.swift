internal import Database
internal import Synchronization
internal import Values

/// What everything that follows a tenant shares.
struct SyncEnvironment: Sendable {
  let configuration: WrapperConfiguration
  let transport: any WrapperSending
  let snapshots: SnapshotStore
  let outbox: OutboxStore
  let onDemand: OnDemandCache
  let time: TimeSource
  let random: RandomSource
  let log: @Sendable (WrapperLogLevel, String) -> Void

  /// What is shared by those who keep in `database` what came through `transport`.
  init(
    configuration: WrapperConfiguration, transport: any WrapperSending, database: Database,
    time: TimeSource, random: RandomSource,
    log: @escaping @Sendable (WrapperLogLevel, String) -> Void
  ) {
    self.configuration = configuration
    self.transport = transport
    snapshots = SnapshotStore(
      database,
      cipher: SnapshotCipher(keys: configuration.cacheKeys, random: random, log: log))
    outbox = OutboxStore(database, snapshots: snapshots)
    onDemand = OnDemandCache(time: time)
    self.time = time
    self.random = random
    self.log = log
  }

  var backoff: Backoff { Backoff(configuration) }

  /// Whether the configuration admits the tenant.
  func serves(_ tenantID: String) -> Bool {
    configuration.servedTenants?.contains(tenantID) ?? true
  }

  var offlineSeconds: Double { configuration.offlineMinutes * 60 }

  /// The longest time without an answer that leaves enough of a short offline time.
  var silenceSeconds: Double { max(1, (offlineSeconds / 3).rounded(.down)) }

  /// The time until one call asks for all whether the Wrapper is back, less some jitter.
  var probePause: Double { Limits.probeSeconds * (0.8 + 0.2 * random.fraction()) }

  /// How often the balance is read when no operation asks for it.
  var balancePollSeconds: Double { min(Limits.balancePollSeconds, silenceSeconds) }
}

/// Writes each complaint of a tenant, or about something else, at most once a minute.
final class Complaints: Sendable {
  private let lastSeconds = Mutex<[String: Double]>([:])
  private let environment: SyncEnvironment
  private let speaker: String

  init(_ environment: SyncEnvironment, tenantID: String) {
    self.environment = environment
    speaker = "tenant \(tenantID)"
  }

  /// Complaints about something that is not one tenant's.
  init(_ environment: SyncEnvironment, about speaker: String) {
    self.environment = environment
    self.speaker = speaker
  }

  /// Logs `message` unless something about the same `subject` was logged a moment ago.
  ///
  /// Subjects are names of the program's own, so that their number is bounded.
  func warn(_ subject: String, _ message: @autoclosure () -> String) {
    write(.warning, subject, message())
  }

  /// The same for what somebody must mend.
  func alarm(_ subject: String, _ message: @autoclosure () -> String) {
    write(.error, subject, message())
  }

  private func write(
    _ level: WrapperLogLevel, _ subject: String, _ message: @autoclosure () -> String
  ) {
    let now = environment.time.monotonicSeconds
    let isDue = lastSeconds.withLock { last -> Bool in
      guard now - (last[subject] ?? -.infinity) >= Limits.complaintSeconds else { return false }
      last[subject] = now
      return true
    }
    if isDue { environment.log(level, "\(speaker): \(subject): \(message())") }
  }
}
