internal import JSON
internal import Synchronization
internal import Values

/// Answers about single people and units that the collections do not hold, fetched when asked for.
///
/// Those who ask for the same at the same time share one call; what the Wrapper does not know is
/// remembered for 30 seconds; what it knows for as long as the like in the collections, and after
/// that it is given once more while it is fetched again.
final class OnDemandCache: Sendable {
  /// What is asked for.
  struct Key: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
      /// `GET /api/employees/:id`
      case employee
      /// `GET /api/users/:id/comprehensive`: never remembered, it says what a user may.
      case comprehensive
      /// `GET /api/organizations/:id/hierarchy`
      case hierarchy
      /// `GET /api/activities?…`, of which the id is the query.
      case activities
    }

    let kind: Kind
    let tenantID: String
    let id: String
  }

  /// What the Wrapper said.
  enum Finding: Sendable {
    /// There is such a thing; its life is shortened by `maxAgeSeconds`.
    case found(JSONObject, maxAgeSeconds: Double?)
    /// There is none.
    case missing
    /// It spoke of somebody or something else, so that there is none as far as anybody may know.
    case foreign
    /// It said nothing usable.
    case failed
  }

  private struct Entry {
    /// Nil for what does not exist.
    var answer: JSONObject?
    var endSeconds: Double
    var bytes: Int
    var order: UInt64
  }

  private struct State {
    var entries: [Key: Entry] = [:]
    var flights: [Key: Promise<Finding>] = [:]
    /// Counts what was forgotten: an answer that was under way meanwhile is not remembered.
    var forgotten: [String: UInt64] = [:]
    var bytes = 0
    var nextOrder: UInt64 = 0
  }

  private let state = Mutex(State())
  private let time: TimeSource

  init(time: TimeSource) {
    self.time = time
  }

  /// An estimate of what is held, in bytes.
  var heldBytes: Int { state.withLock { $0.bytes } }

  /// The answer for `key`, fetched by `fetch` when memory has none.
  ///
  /// - Returns: the answer, and whether memory had it within its life.
  func find(
    _ key: Key, lifeSeconds: Double, waitSeconds: Double,
    fetch: @escaping @Sendable () async -> Finding
  ) async -> (finding: Finding, isHit: Bool) {
    let now = time.monotonicSeconds
    let (known, isFresh, flight) = state.withLock { state -> (Finding?, Bool, Promise<Finding>?) in
      let entry = state.entries[key]
      let isFresh = (entry?.endSeconds ?? -.infinity) > now
      let known = entry.flatMap { entry -> Finding? in
        // Nothing says that what was missing is missing still.
        guard let answer = entry.answer else { return isFresh ? .missing : nil }
        return .found(answer, maxAgeSeconds: nil)
      }
      if isFresh { return (known, true, nil) }
      if let flight = state.flights[key] { return (known, false, flight) }
      guard state.flights.count < Limits.onDemandCallsMax else { return (known, false, nil) }
      let flight = Promise<Finding>()
      state.flights[key] = flight
      let forgotten = state.forgotten[key.tenantID, default: 0]
      Task {
        let finding = await fetch()
        self.land(key, finding, lifeSeconds: lifeSeconds, forgotten: forgotten)
        flight.fulfil(finding)
      }
      return (known, false, flight)
    }
    if let known { return (known, isFresh) }
    let finding = await flight?.value(withinSeconds: waitSeconds)
    return (finding.flatMap { $0 } ?? .failed, false)
  }

  /// Forgets what is held about the tenant, because something of it has changed.
  func forget(tenantID: String) {
    state.withLock { state in
      let isFlying = state.flights.keys.contains { $0.tenantID == tenantID }
      if isFlying { state.forgotten[tenantID, default: 0] += 1 }
      for (key, entry) in state.entries where key.tenantID == tenantID {
        state.bytes -= entry.bytes
        state.entries[key] = nil
      }
    }
  }

  /// Forgets everything, because memory is short.
  func forgetAll() {
    state.withLock { state in
      state.entries = [:]
      state.bytes = 0
    }
  }

  private func land(
    _ key: Key, _ finding: Finding, lifeSeconds: Double, forgotten: UInt64
  ) {
    let now = time.monotonicSeconds
    state.withLock { state in
      state.flights[key] = nil
      let isOutdated = state.forgotten[key.tenantID, default: 0] != forgotten
      if state.flights.isEmpty { state.forgotten = [:] }
      guard !isOutdated else { return }
      switch finding {
      case .failed, .foreign: return
      case .missing:
        remember(key, nil, endSeconds: now + Limits.unknownSeconds, in: &state)
      case .found(let answer, let maxAge):
        guard key.kind != .comprehensive else { return }
        let life = min(lifeSeconds, maxAge ?? lifeSeconds)
        remember(key, answer, endSeconds: now + life, in: &state)
      }
    }
  }

  private func remember(
    _ key: Key, _ answer: JSONObject?, endSeconds: Double, in state: inout State
  ) {
    var held = HeldBytes()
    held.add(bytes: HeldBytes.text(key.id) + MemoryLayout<(Key, Entry)>.stride * 2)
    if let answer { held.add(answer) }
    guard held.total <= Limits.onDemandBytesMax else { return }
    if let old = state.entries.removeValue(forKey: key) { state.bytes -= old.bytes }
    if state.entries.count >= Limits.onDemandEntriesMax,
      let oldest = state.entries.min(by: { $0.value.order < $1.value.order })
    {
      state.bytes -= oldest.value.bytes
      state.entries[oldest.key] = nil
    }
    state.nextOrder += 1
    state.entries[key] = Entry(
      answer: answer, endSeconds: endSeconds, bytes: held.total, order: state.nextOrder)
    state.bytes += held.total
  }
}
