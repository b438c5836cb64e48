public import HTTP
internal import JSON

/// The resources that take part when a lead becomes a contact, a company and a deal.
public struct LeadConversion: Sendable {
  /// What is converted.
  public let leads: Resource
  /// What the person becomes.
  public let contacts: Resource
  /// What their company becomes.
  public let companies: Resource
  /// What the business becomes.
  public let deals: Resource

  /// The resources of `catalog`; nil where one of them is not served.
  public init?(_ catalog: Catalog) {
    guard let leads = catalog.resource(entityType: "lead"),
      let contacts = catalog.resource(entityType: "contact"),
      let companies = catalog.resource(entityType: "company"),
      let deals = catalog.resource(entityType: "deal")
    else { return nil }
    self.leads = leads
    self.contacts = contacts
    self.companies = companies
    self.deals = deals
  }

  /// What a request says about the records that are made.
  public struct Body: Sendable {
    /// Members of the new contact, beside what the lead says.
    let contact: JSONObject
    /// Members of the new company, beside what the lead says.
    let company: JSONObject
    /// Whether there shall be a company at all.
    let wantsCompany: Bool
    /// Members of the deal, beside what the lead says.
    let deal: JSONObject
    /// The user the body names; must be the caller's, unless the caller may act for others.
    public let userID: String?

    /// Reads the body; none at all is an empty object.
    ///
    /// - Throws: 400 `malformed_json`, 422 naming every member that is unknown or of a wrong kind.
    public static func parse(_ bytes: [UInt8]) throws(Problem) -> Body {
      let body = try RecordBody.parse(bytes.isEmpty ? Array("{}".utf8) : bytes)
      var issues = body.members.names
        .filter { !["contact", "company", "deal"].contains($0) }
        .map { RecordBody.unknownMember($0, under: "") }
      let wantsCompany = body.members["company"] != false
      var parts: [String: JSONObject] = [:]
      for name in ["contact", "company", "deal"] {
        guard let json = body.members[name], !json.isNull else { continue }
        if name == "company", !wantsCompany { continue }
        parts[name] = json.object
        guard parts[name] == nil else { continue }
        issues.append(
          .init(pointer: "/\(name)", code: "invalid_type", detail: "an object is wanted"))
      }
      guard issues.isEmpty else { throw RecordBody.validation(issues) }
      return Body(
        contact: parts["contact"] ?? JSONObject(), company: parts["company"] ?? JSONObject(),
        wantsCompany: wantsCompany, deal: parts["deal"] ?? JSONObject(), userID: body.userID)
    }
  }
}
