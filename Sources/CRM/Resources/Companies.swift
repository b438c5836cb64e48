extension ResourceDescription {
  /// Organisations: `/api/companies`.
  public static let companies: ResourceDescription = {
    var companies = ResourceDescription(
      name: "companies", entityType: "company", paths: ["/api/companies"],
      summary: "Organisations the tenant deals with.",
      fields: [
        Field("name", .text(charactersMax: Limits.nameCharactersMax), "What it is called.")
          .required().folded().title(),
        Field("domain", .text(charactersMax: Limits.nameCharactersMax), "Its domain: example.org.")
          .searchable(),
        Field("phone", .phone, "Phone number.").searchable(),
        Field("website", .text(charactersMax: Limits.nameCharactersMax), "Address on the web."),
        Field("industry", .text(charactersMax: Limits.nameCharactersMax), "What it does.")
          .searchable(),
        Field("size", .text(charactersMax: Limits.labelCharactersMax), "How large it is: 11-50."),
        Field("address", .address, "Postal address: street, city, postalCode, country …"),
      ])
    companies.hasTagPaths = true
    companies.counters = [.companies]
    return companies
  }()
}
