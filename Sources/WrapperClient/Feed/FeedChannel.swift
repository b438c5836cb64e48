/// What an event on the feed is about, as the last part of its channel names it.
enum FeedTopic: String, Sendable, CaseIterable {
  case creditConfigurations = "credit-configs"
  case roles
  case users
  case hierarchy
  case activities

  /// The one type that events of this topic have.
  var eventType: String {
    switch self {
    case .creditConfigurations: "credit-config-changed"
    case .roles: "role-changed"
    case .users: "user-changed"
    case .hierarchy: "hierarchy-changed"
    case .activities: "activity-logged"
    }
  }

  /// What has to be fetched when an event of this topic says less than it should.
  var collections: [WrapperCollection] {
    switch self {
    case .creditConfigurations: [.creditConfiguration]
    case .roles: [.permissions]
    case .users: [.permissions, .employees]
    case .hierarchy: [.organization]
    case .activities: []
    }
  }
}

/// A channel of the feed: `crm:<tenantId>:<topic>`.
struct FeedChannel: Sendable, Hashable {
  let tenantID: String
  let topic: FeedTopic

  /// Takes `name` apart.
  ///
  /// A tenant's id may hold colons itself, so the topic is what follows the last one.
  init(_ name: String) throws(EventRejection) {
    guard name.hasPrefix(Self.prefix), let end = name.lastIndex(of: ":"),
      let start = name.index(name.startIndex, offsetBy: Self.prefix.count, limitedBy: end),
      start < end
    else { throw EventRejection(.channel) }
    guard let topic = FeedTopic(rawValue: String(name[name.index(after: end)...])) else {
      throw EventRejection(.dataType)
    }
    tenantID = String(name[start..<end])
    self.topic = topic
  }

  private static let prefix = "crm:"
}

/// Why an event of the feed was dropped before it could reach a cache.
public enum RejectionReason: String, Sendable, Hashable, CaseIterable {
  /// It is no object with an id, a channel and a type.
  case malformed
  /// Its channel is not one of the CRM's.
  case channel
  /// Its tenant is not served.
  case tenant
  /// The last part of its channel is none of the five.
  case dataType = "data_type"
  /// Its type is unknown or does not belong to its channel.
  case eventType = "event_type"
  /// Its data names another tenant than its channel.
  case dataTenant = "data_tenant"
  /// Its operation code does not begin with `crm.`.
  case operation
  /// Its data cannot be read.
  case data
}

/// An event that is not taken.
struct EventRejection: Error, Hashable {
  let reason: RejectionReason
  /// What was wrong, for the log; without any of the event's own content.
  var detail = ""

  init(_ reason: RejectionReason, _ detail: String = "") {
    self.reason = reason
    self.detail = detail
  }
}
