internal import JSON
internal import Synchronization
internal import Values

/// The newest activities that other applications logged, by tenant: a window, not a record.
final class ForeignActivities: Sendable {
  private struct Entry {
    /// Place among all entries of all tenants.
    var order: Int
    var bytes: Int
    var receivedAt: Timestamp
    var id: String
    var activity: JSONObject
  }

  private struct State {
    var windows: [String: [Entry]] = [:]
    var bytes = 0
    var nextOrder = 0
  }

  private let state = Mutex(State())
  private let time: TimeSource

  init(time: TimeSource) {
    self.time = time
  }

  /// The tenant's activities of the last hour, newest first.
  func recent(tenantID: String) -> [JSONObject] {
    let oldest = time.now().advanced(byMilliseconds: -Limits.foreignActivityMillisecondsMax)
    return state.withLock { state in
      (state.windows[tenantID] ?? []).reversed().filter { $0.receivedAt >= oldest }
        .map(\.activity)
    }
  }

  /// Takes an activity, unless the window has it already; the oldest ones make room.
  func add(tenantID: String, id: String, _ activity: JSONObject) {
    let bytes = JSONValue.object(activity).bytes.count
    guard bytes <= Limits.foreignActivityBytesMax else { return }
    let now = time.now()
    state.withLock { state in
      var window = state.windows[tenantID] ?? []
      guard !window.contains(where: { $0.id == id }) else { return }
      window.append(
        Entry(
          order: state.nextOrder, bytes: bytes, receivedAt: now, id: id, activity: activity))
      state.nextOrder += 1
      state.bytes += bytes
      if window.count > Limits.foreignActivitiesPerTenantMax {
        state.bytes -= window.removeFirst().bytes
      }
      state.windows[tenantID] = window
      while state.bytes > Limits.foreignActivitiesBytesMax { Self.dropOldest(in: &state) }
    }
  }

  private static func dropOldest(in state: inout State) {
    let oldest = state.windows.min { left, right in
      (left.value.first?.order ?? .max) < (right.value.first?.order ?? .max)
    }
    guard let tenantID = oldest?.key, var window = state.windows[tenantID], !window.isEmpty else {
      return state.bytes = 0
    }
    state.bytes -= window.removeFirst().bytes
    state.windows[tenantID] = window.isEmpty ? nil : window
  }
}
