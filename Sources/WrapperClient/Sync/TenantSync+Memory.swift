internal import JSON
internal import Synchronization
internal import Values

extension TenantSync {
  /// An estimate of what the tenant occupies in memory, in bytes.
  var heldBytes: Int {
    let (truth, directory, known, generation) = state.withLock { state in
      (state.truth, state.directory, state.truthBytes, state.generation)
    }
    let bytes = known ?? truth.heldBytes
    if known == nil {
      state.withLock { if $0.generation == generation { $0.truthBytes = bytes } }
    }
    return bytes + (directory?.derivedBytes ?? 0) + Limits.followedTenantBytes
  }

  /// How many entries each cache of the tenant holds.
  var sizes: CacheMetrics.Sizes { state.withLock { CacheMetrics.Sizes($0.truth) } }

  /// Leaves what is operational to the file, until somebody asks for it.
  ///
  /// - Returns: whether there was anything to leave.
  func dropOperational() -> Bool {
    state.withLock { state in
      // What is being stored is not in the file yet.
      guard state.dropped.isEmpty, state.directory != nil, state.storesUnderWay == 0,
        adoption.isFree
      else { return false }
      state.dropped = Set(WrapperCollection.allCases.filter { !$0.isCritical })
      state.truth.dropOperational()
      state.truthBytes = nil
      state.directory = nil
      return true
    }
  }

  /// Takes from the file what was dropped.
  ///
  /// Without the file it stays away, and no snapshot is made that lacks it.
  func reload() {
    let dropped = state.withLock { $0.dropped }
    guard !dropped.isEmpty else { return }
    let stored: SnapshotStore.StoredTenant
    do {
      stored = try environment.snapshots.load(tenantID: tenantID)
    } catch {
      complaints.warn("reading the stored snapshot", "\(error)")
      return
    }
    for collection in dropped {
      var reader = SnapshotReader(tenantID: tenantID)
      let answer = stored.answers[collection.rawValue]
      // What was stored was read before; where it is gone all the same, it is fetched again.
      let snapshot = answer.flatMap { try? reader.read(collection, $0.body) }
      state.withLock { state in
        guard state.dropped.remove(collection) != nil else { return }
        state.collections[collection, default: .init()].etag = snapshot == nil ? nil : answer?.etag
        if let snapshot, let answer {
          use.renew(
            collection, at: answer.fetchedAt, maxAgeSeconds: nil, environment.configuration)
          apply(state.truth.events(for: snapshot), to: &state)
        } else {
          Self.markDue([collection], in: &state)
        }
      }
    }
    restore(stored.overlays.filter { dropped.contains($0.subject.collection) })
    state.withLock { apply([], to: &$0) }
  }
}
