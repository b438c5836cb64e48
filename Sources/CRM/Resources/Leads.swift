internal import JSON

extension ResourceDescription {
  /// Possible business that nobody has judged yet: `/api/leads`.
  public static let leads: ResourceDescription = {
    var leads = ResourceDescription(
      name: "leads", entityType: "lead", paths: ["/api/leads"],
      summary: "Possible business that has yet to be qualified.",
      fields: [
        Field("title", .text(charactersMax: Limits.nameCharactersMax), "What it is about.")
          .required().folded().title(),
        Field("source", .text(charactersMax: Limits.labelCharactersMax), "Where it came from."),
        Field("value", .money, "What it may be worth."),
        Field("currency", .currency, "The currency of the value, ISO 4217.")
          .initially(.tenantCurrency(whenSet: "value")),
        Field("priority", .choice(["low", "medium", "high"]), "How urgent it is.")
          .required().initially("medium"),
        Field(
          "status", .choice(["new", "contacted", "qualified", "unqualified", "converted"]),
          "How far it has come."
        )
        .required().initially("new"),
        Field("firstName", .text(charactersMax: Limits.nameCharactersMax), "Given name.")
          .searchable().personal(),
        Field("lastName", .text(charactersMax: Limits.nameCharactersMax), "Family name.")
          .folded().searchable().personal(),
        Field("email", .email, "E-mail address.").folded().searchable().personal(),
        Field("phone", .phone, "Phone number.").searchable().personal(),
        Field("company", .text(charactersMax: Limits.nameCharactersMax), "Company's name.")
          .searchable(),
        Field("contactId", .reference(entityType: "contact"), "The contact's record."),
        Field("convertedAt", .timestamp, "When it became a deal.").serverSet(),
        Field("dealId", .reference(entityType: "deal"), "The deal that it became.").serverSet(),
      ])
    leads.bodyEnvelope = "leadData"
    leads.hasTagPaths = true
    leads.createdIDMember = "leadId"
    leads.activityMembers = [
      ("leadTitle", "title"), ("leadSource", "source"), ("leadValue", "value"),
      ("priority", "priority"), ("customFields", "customFields"),
    ]
    leads.counters = [.leads, .newLeads, .convertedLeads]
    return leads
  }()
}
