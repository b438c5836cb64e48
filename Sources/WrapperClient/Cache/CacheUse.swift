internal import Synchronization
internal import Values

/// How one tenant's caches are used: questions, hits, the last use, and what was asked for after
/// the end of its life.
///
/// A hit is an answer from memory within its life. What is given stale while it is fetched again,
/// read from the file or fetched is none.
final class CacheUse: Sendable {
  /// Questions and those among them that hit.
  struct Counts: Sendable, Equatable {
    var lookups = 0
    var hits = 0
  }

  /// The counts of both tiers.
  struct Totals: Sendable, Equatable {
    var critical = Counts()
    var operational = Counts()
  }

  private struct Operational {
    var counts = Counts()
    /// When each tier's life ends, by the wall clock in milliseconds.
    var ends = [Int64](repeating: .min, count: OperationalTier.allCases.count)
    /// What was asked for after that.
    var wanted: Set<WrapperCollection> = []
  }

  private let time: TimeSource
  private let alarm: Alarm
  private let criticalLookups = Atomic(0)
  private let criticalMisses = Atomic(0)
  private let lastUsed: Atomic<Int64>
  private let operational = Mutex(Operational())

  /// Nothing asked yet; `alarm` is rung when something has to be fetched again.
  init(time: TimeSource, alarm: Alarm) {
    self.time = time
    self.alarm = alarm
    lastUsed = Atomic(time.now().milliseconds)
  }

  /// When the tenant was last asked about, by the wall clock in milliseconds.
  var lastUsedMilliseconds: Int64 { lastUsed.load(ordering: .relaxed) }

  /// A request is about to ask.
  func touch(at moment: Timestamp) {
    lastUsed.store(moment.milliseconds, ordering: .relaxed)
  }

  /// A question that the critical tier answered: a permission, a cost, whether somebody is active.
  func countCritical() {
    criticalLookups.add(1, ordering: .relaxed)
  }

  /// A question of the critical tier that had to wait.
  func countCriticalMiss() {
    criticalLookups.add(1, ordering: .relaxed)
    criticalMisses.add(1, ordering: .relaxed)
  }

  /// A question to a tier that is in memory.
  func count(_ tier: OperationalTier) {
    let now = time.now().milliseconds
    let isNews = operational.withLock { state -> Bool in
      state.counts.lookups += 1
      guard now >= state.ends[tier.rawValue] else {
        state.counts.hits += 1
        return false
      }
      return state.wanted.insert(tier.collection).inserted
    }
    if isNews { alarm.ring() }
  }

  /// A question to a tier that was answered beside the collections.
  func count(_ tier: OperationalTier, isHit: Bool) {
    operational.withLock { state in
      state.counts.lookups += 1
      if isHit { state.counts.hits += 1 }
    }
  }

  /// The answer for `collection` was right at `moment`; `maxAgeSeconds` shortens its life.
  func renew(
    _ collection: WrapperCollection, at moment: Timestamp, maxAgeSeconds: Double?,
    _ configuration: WrapperConfiguration
  ) {
    operational.withLock { state in
      for tier in OperationalTier.allCases where tier.collection == collection {
        let life = tier.lifeSeconds(configuration)
        state.ends[tier.rawValue] =
          moment.milliseconds + Int64(min(life, maxAgeSeconds ?? life) * 1000)
      }
      state.wanted.remove(collection)
    }
  }

  /// What is held of `collection` is known to be out of date.
  func expire(_ collection: WrapperCollection) {
    operational.withLock { state in
      for tier in OperationalTier.allCases where tier.collection == collection {
        state.ends[tier.rawValue] = .min
      }
    }
  }

  /// Whether somebody asked for `collection` after the end of its life.
  func wants(_ collection: WrapperCollection) -> Bool {
    operational.withLock { $0.wanted.contains(collection) }
  }

  /// The counts of both tiers.
  var totals: Totals {
    // The misses first: a question is counted before its miss.
    let misses = criticalMisses.load(ordering: .relaxed)
    let lookups = max(misses, criticalLookups.load(ordering: .relaxed))
    return Totals(
      critical: Counts(lookups: lookups, hits: lookups - misses),
      operational: operational.withLock { $0.counts })
  }

  /// Adds what was counted before the tenant was left to the file.
  func add(_ past: Totals) {
    criticalLookups.add(past.critical.lookups, ordering: .relaxed)
    criticalMisses.add(past.critical.lookups - past.critical.hits, ordering: .relaxed)
    operational.withLock { state in
      state.counts.lookups += past.operational.lookups
      state.counts.hits += past.operational.hits
    }
  }
}
