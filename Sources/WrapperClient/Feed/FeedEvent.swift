internal import JSON

/// An event that passed the filter.
struct FeedEvent: Sendable {
  /// The Wrapper's name for it; one that was seen is not applied again.
  let id: String
  let channel: FeedChannel
  /// What it says; nil when its data cannot be read, so that only its channel counts.
  let change: FeedChange?
  /// Why its data cannot be read.
  let problem: String?

  /// Passes `value` if its channel, tenant, type and data belong together.
  ///
  /// - Parameter serves: Whether a tenant is served here.
  init(_ value: JSONValue, serves: (String) -> Bool) throws(EventRejection) {
    guard let id = value["id"].flatMap({ FeedAnswer.token($0) }),
      let name = value["channel"]?.string, let type = value["eventType"]?.string
    else { throw EventRejection(.malformed) }
    channel = try FeedChannel(name)
    guard serves(channel.tenantID) else { throw EventRejection(.tenant) }
    guard channel.topic.eventType == type else { throw EventRejection(.eventType) }
    self.id = id
    let data: JSONObject
    switch value["data"] {
    case nil, .null: data = JSONObject()
    case .object(let object)?: data = object
    default:
      (change, problem) = (nil, "data is no object")
      return
    }
    try Self.check(data, tenantID: channel.tenantID)
    do throws(AnswerRejection) {
      change = try FeedChange(channel.topic, data, tenantID: channel.tenantID)
      problem = nil
    } catch {
      (change, problem) = (nil, error.reason)
    }
    if case .cost(let operation, _) = change, !operation.hasPrefix("crm.") {
      throw EventRejection(.operation)
    }
  }

  /// Refuses data that names another tenant, at the top or in the part it carries.
  private static func check(_ data: JSONObject, tenantID: String) throws(EventRejection) {
    for part in [data, data["profile"]?.object, data["activity"]?.object] {
      switch part?["tenantId"] {
      case nil, .null, .string(tenantID)?: continue
      default: throw EventRejection(.dataTenant)
      }
    }
  }
}
