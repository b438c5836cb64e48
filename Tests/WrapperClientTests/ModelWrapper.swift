import JSON
import Synchronization
import Values

@testable import WrapperClient

/// A Wrapper in memory with one tenant, that fails in every way a simulation tells it to.
///
/// It knows two truths: its own, and what of it was ever handed over.
final class ModelWrapper: WrapperSending {
  /// What one user may, each part with the number of the change that made it so.
  struct User: Sendable, Equatable {
    var permissions: Set<String> = []
    var roleIDs: Set<String> = []
    var isActive = true
  }

  /// A part of the truth and the number of the change that made it so.
  struct Part<Value: Sendable>: Sendable {
    var change: Int
    var value: Value
  }

  /// All that decisions depend on; each part by its own age.
  struct Truth: Sendable {
    var permissions: [String: Part<Set<String>>] = [:]
    var roleIDs: [String: Part<Set<String>>] = [:]
    var isActive: [String: Part<Bool>] = [:]
    var roles: [String: Part<Set<String>>] = [:]
    var costs: [String: Part<Int64>] = [:]

    func allows(_ permission: String, user: String) -> Bool {
      guard isActive[user]?.value ?? false else { return false }
      if permissions[user]?.value.contains(permission) ?? false { return true }
      return (roleIDs[user]?.value ?? []).contains {
        roles[$0]?.value.contains(permission) ?? false
      }
    }

    /// Forgets everybody else.
    mutating func keep(_ users: Set<String>) {
      permissions = permissions.filter { users.contains($0.key) }
      roleIDs = roleIDs.filter { users.contains($0.key) }
      isActive = isActive.filter { users.contains($0.key) }
    }

    /// Takes what is newer than what is held.
    mutating func merge(_ other: Truth) {
      func newer<Value>(_ held: Part<Value>, _ new: Part<Value>) -> Part<Value> {
        new.change > held.change ? new : held
      }
      permissions.merge(other.permissions, uniquingKeysWith: newer)
      roleIDs.merge(other.roleIDs, uniquingKeysWith: newer)
      isActive.merge(other.isActive, uniquingKeysWith: newer)
      roles.merge(other.roles, uniquingKeysWith: newer)
      costs.merge(other.costs, uniquingKeysWith: newer)
    }
  }

  /// How calls are answered.
  enum Fault: Sendable, CaseIterable {
    case none, unreachable, error, busy, nonsense, halfOfTheUsers, answerLost
  }

  struct Event: Sendable {
    var json: JSONValue
    /// What it says.
    var truth: Truth
  }

  struct State: Sendable {
    var truth = Truth()
    var received = Truth()
    /// The same with answers that lacked half of the users, which are believed only after a while.
    var believed: Truth?
    var changes = 0
    var events: [Event] = []
    var fault = Fault.none
    /// Credits in 1/10,000.
    var balance: Int64 = 0
    var keys: Set<String> = []
    /// How often each activity was counted.
    var counted: [String: Int] = [:]
  }

  /// The events that are kept, and how many an answer brings at most.
  static let eventsKept = 12
  static let eventsPerAnswer = 3

  let state = Mutex(State())
  private let clock: ManualClock

  init(clock: ManualClock) {
    self.clock = clock
  }

  func close() {}

  func send(_ call: WrapperCall) async -> Result<WrapperAnswer, TransportFailure> {
    // Every call takes a moment, longer than the shortest time between two reads of a balance.
    clock.advance(seconds: 0.06)
    return state.withLock { state in
      let fault = state.fault
      switch fault {
      case .unreachable: return .failure(.unreachable)
      case .error: return .success(Self.answer(500, "{}"))
      case .busy:
        var answer = Self.answer(503, "{}")
        answer.retryAfter = "30"
        return .success(answer)
      // A batch that is accepted in whatever words is accepted.
      case .nonsense where call.method == "POST": return .success(Self.answer(500, "{}"))
      case .nonsense: return .success(Self.answer(200, #"{"users":7,"events":{},"cursor":1"#))
      case .none, .halfOfTheUsers, .answerLost: break
      }
      let body = Self.body(call, &state, isCut: fault == .halfOfTheUsers)
      if fault == .answerLost { return .failure(.timeout) }
      return body.map { .success(Self.answer(200, $0.text)) } ?? .success(Self.answer(404, "{}"))
    }
  }

  private static func answer(_ status: Int, _ text: String) -> WrapperAnswer {
    WrapperAnswer(status: status, body: Array(text.utf8))
  }

  private static func body(
    _ call: WrapperCall, _ state: inout State, isCut: Bool
  ) -> JSONValue? {
    let isHandedOver = state.fault != .answerLost
    switch call.path {
    case let path where path.hasPrefix("/api/permissions"):
      if isHandedOver {
        var known = state.truth
        known.costs = [:]
        if isCut {
          let users = Set(state.truth.isActive.keys.sorted().prefix(2))
          known.keep(users)
          var believed = state.believed ?? state.received
          believed.merge(known)
          state.believed = believed
        } else {
          state.received.merge(known)
          state.believed = nil
        }
      }
      return permissions(state.truth, isCut: isCut)
    case let path where path.hasPrefix("/api/billing/credit-configs/"):
      if isHandedOver {
        var known = Truth()
        known.costs = state.truth.costs
        state.received.merge(known)
      }
      return [
        "operations": .array(
          state.truth.costs.map { code, cost in
            [
              "operationCode": .string(code),
              "creditCost": .decimal(units: cost.value, scale: 4),
            ]
          })
      ]
    case let path where path.hasPrefix("/api/billing/credits/"):
      return [
        "available": .decimal(units: state.balance, scale: 4), "dailyUsage": 0, "monthlyUsage": 0,
      ]
    case "/api/activities/batch": return count(call, &state)
    case let path where path.hasPrefix("/api/events"):
      return feed(path, &state, isHandedOver: isHandedOver)
    case let path where path.hasPrefix("/api/employees"):
      let ids = state.truth.isActive.keys.sorted()
      return [
        "employees": .array(
          ids.prefix(isCut ? 2 : ids.count).map { id in
            ["userId": .string(id), "isActive": .bool(state.truth.isActive[id]?.value ?? true)]
          })
      ]
    case let path where path.hasPrefix("/api/organizations/"):
      return ["entityId": "o1", "entityType": "organization", "name": "One"]
    case let path where path.hasPrefix("/api/tenants/"): return ["name": "One"]
    default: return nil
    }
  }

  private static func permissions(_ truth: Truth, isCut: Bool) -> JSONValue {
    let ids = truth.isActive.keys.sorted()
    return [
      "users": .array(
        ids.prefix(isCut ? 2 : ids.count).map { id in
          [
            "userId": .string(id), "permissions": list(truth.permissions[id]?.value),
            "roleIds": list(truth.roleIDs[id]?.value),
            "isActive": .bool(truth.isActive[id]?.value ?? true),
          ]
        }),
      "roles": .array(
        truth.roles.keys.sorted().map { id in
          ["roleId": .string(id), "name": .string(id), "permissions": list(truth.roles[id]?.value)]
        }),
    ]
  }

  static func list(_ texts: Set<String>?) -> JSONValue {
    .array((texts ?? []).sorted().map { .string($0) })
  }

  /// Counts each activity of a batch, unless the batch was counted before.
  private static func count(_ call: WrapperCall, _ state: inout State) -> JSONValue {
    guard state.keys.insert(call.idempotencyKey ?? "").inserted else { return ["accepted": 0] }
    let batch = (try? JSONParser.parse(call.body ?? []))?["activities"]?.array ?? []
    for activity in batch {
      state.counted[activity["id"]?.string ?? "", default: 0] += 1
      if case .number(let cost)? = activity["creditCost"] {
        state.balance -= cost.units(scale: 4) ?? 0
      }
    }
    return ["accepted": .integer(batch.count)]
  }

  private static func feed(
    _ path: String, _ state: inout State, isHandedOver: Bool
  ) -> JSONValue {
    let newest = state.events.count
    let after = path.split(separator: "&").first { $0.hasPrefix("after=") }
      .flatMap { Int($0.dropFirst("after=".count)) }
    guard let after else { return ["events": [], "cursor": .integer(newest), "reset": false] }
    guard after >= newest - eventsKept else {
      return ["events": [], "cursor": .integer(newest), "reset": true]
    }
    let events = state.events[after...].prefix(eventsPerAnswer)
    if isHandedOver {
      for event in events {
        state.received.merge(event.truth)
        state.believed?.merge(event.truth)
      }
    }
    return [
      "events": .array(events.map(\.json)), "cursor": .integer(after + events.count),
      "reset": false,
    ]
  }
}
