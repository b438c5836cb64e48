internal import JSON
internal import Synchronization

/// Where and how people worked, as far as it is counted.
enum ActivityFacet: String, CaseIterable {
  case location, method, address

  /// Its member of an entry's `compliance`.
  private var member: String {
    switch self {
    case .location: "location"
    case .method: "authenticationMethod"
    case .address: "ipAddress"
    }
  }

  /// What stands for a value that is missing.
  private static let unknown = "unknown"

  /// The value in an entry's `compliance`, JSON.
  ///
  /// ``sql`` says the same of a stored entry.
  func value(in compliance: JSONValue?) -> String {
    guard let text = compliance?[member]?.string, !text.isEmpty else { return Self.unknown }
    return text
  }

  /// The value of the row `a` of the log.
  var sql: String {
    """
    coalesce(CASE WHEN json_valid(a.compliance) AND json_type(a.compliance, '$.\(member)') = 'text'
      THEN nullif(json_extract(a.compliance, '$.\(member)'), '') END, '\(Self.unknown)')
    """
  }

  /// Every facet's value of one entry, in the order of all cases.
  static func values(in compliance: String) -> [String] {
    if let known = lately.withLock({ $0[compliance] }) { return known }
    // What is no JSON tells nothing.
    let object = try? JSONParser.parse(Array(compliance.utf8))
    let values = allCases.map { $0.value(in: object) }
    lately.withLock { lately in
      if lately.count >= latelyMax { lately.removeAll() }
      lately[compliance] = values
    }
    return values
  }

  /// Entries of one person have the same text for hours.
  private static let lately = Mutex<[String: [String]]>([:])
  private static let latelyMax = 512
}
