internal import HTTP

/// The channels that a reader of the feed wants.
enum FeedChannels: Sendable, Equatable {
  /// `crm:*`: everything of every tenant.
  case all
  /// The named channels of the named tenants.
  case tenants([String: Set<DirectoryEvent.Channel>])

  /// Reads names separated by commas: `crm:*`, `crm:<tenant>:*` and `crm:<tenant>:<channel>`.
  ///
  /// - Parameter tenantID: To whom `crm:*` is confined, if to anybody.
  /// - Throws: 400 `invalid_parameter` for anything else, and for too many tenants.
  init(_ text: String?, tenantID: String?) throws(Problem) {
    var wanted: [String: Set<DirectoryEvent.Channel>] = [:]
    var isAll = false
    let names = (text ?? "").split(separator: ",")
    guard !names.isEmpty else { throw Problem(.invalidParameter, "channels is missing.") }
    for name in names {
      if name == "crm:*" {
        isAll = true
      } else {
        let (tenantID, channels) = try Self.channels(name)
        wanted[tenantID, default: []].formUnion(channels)
      }
    }
    if isAll, let tenantID { wanted[tenantID] = Set(DirectoryEvent.Channel.allCases) }
    guard wanted.count <= Limits.feedTenantsMax else {
      throw Problem(
        .invalidParameter, "channels names more than \(Limits.feedTenantsMax) tenants.")
    }
    self = isAll && tenantID == nil ? .all : .tenants(wanted)
  }

  /// Whether an event of the channel is wanted.
  func contains(_ channel: DirectoryEvent.Channel, of tenantID: String) -> Bool {
    switch self {
    case .all: true
    case .tenants(let tenants): tenants[tenantID]?.contains(channel) == true
    }
  }

  private static func channels(
    _ name: Substring
  ) throws(Problem) -> (tenantID: String, [DirectoryEvent.Channel]) {
    // A tenant's id may hold a colon itself: it ends at the last one.
    guard name.hasPrefix("crm:"), let colon = name.lastIndex(of: ":"),
      let start = name.index(name.startIndex, offsetBy: 4, limitedBy: colon),
      let tenantID = PercentEncoding.decode(String(name[start..<colon])), !tenantID.isEmpty
    else {
      throw Problem(.invalidParameter, "\(name) is no channel: crm:* or crm:<tenant>:<channel>.")
    }
    let type = name[name.index(after: colon)...]
    if type == "*" { return (tenantID, DirectoryEvent.Channel.allCases) }
    guard let channel = DirectoryEvent.Channel(rawValue: String(type)) else {
      throw Problem(.invalidParameter, "\(name) is no channel: there is no \(type).")
    }
    return (tenantID, [channel])
  }
}
