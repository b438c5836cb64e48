internal import Synchronization

/// How the calls to the Wrapper ended and how long they took.
public struct CallStatistics: Sendable, Equatable {
  /// Calls by outcome: the status class of the answer, such as `2xx`, or why there was none.
  public var outcomes: [String: Int] = [:]
  /// How long all of them took together, in nanoseconds.
  public var totalNanoseconds: UInt64 = 0

  /// All calls.
  public var count: Int { outcomes.values.reduce(0, +) }
}

/// Counts the calls by endpoint, whose number is bounded: ids are left out of their names.
final class CallTally: Sendable {
  private let statistics = Mutex<[String: CallStatistics]>([:])

  /// What was counted so far, by endpoint.
  var all: [String: CallStatistics] { statistics.withLock { $0 } }

  func count(
    _ call: WrapperCall, _ result: Result<WrapperAnswer, TransportFailure>, nanoseconds: UInt64
  ) {
    let endpoint = Self.endpoint(call.path)
    let outcome =
      switch result {
      case .success(let answer): "\(answer.status / 100)xx"
      case .failure(let failure): failure.name
      }
    statistics.withLock { statistics in
      statistics[endpoint, default: CallStatistics()].outcomes[outcome, default: 0] += 1
      statistics[endpoint, default: CallStatistics()].totalNanoseconds += nanoseconds
    }
  }

  /// The part of the path that names what is asked for, without ids and query.
  static func endpoint(_ path: String) -> String {
    let parts = path.prefix { $0 != "?" }.split(separator: "/").map(String.init)
    switch (parts.first, parts.count) {
    case ("api", 2...):
      return parts[1] == "billing" && parts.count > 2 ? parts[2] : parts[1]
    case ("auth", 2...): return "auth/\(parts[1])"
    case (let first?, _): return first
    case (nil, _): return "/"
    }
  }
}

extension TransportFailure {
  /// The failure's name as a label.
  fileprivate var name: String {
    switch self {
    case .timeout: "timeout"
    case .noConnection: "no_connection"
    case .unreachable: "unreachable"
    case .tooLarge: "too_large"
    case .redirected: "redirected"
    case .unusableAddress: "unusable_address"
    }
  }
}
