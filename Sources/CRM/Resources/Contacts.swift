internal import JSON

extension ResourceDescription {
  /// People: `/api/contacts`, and the same records as `/api/customers`.
  public static let contacts: ResourceDescription = {
    var contacts = ResourceDescription(
      name: "contacts", entityType: "contact", paths: ["/api/contacts", "/api/customers"],
      summary: "People the tenant deals with.",
      fields: [
        Field("firstName", .text(charactersMax: Limits.nameCharactersMax), "Given name.")
          .folded().title().personal(),
        Field("lastName", .text(charactersMax: Limits.nameCharactersMax), "Family name.")
          .folded().title().personal(),
        Field("email", .email, "E-mail address, one contact each.")
          .folded().unique().searchable().personal(),
        Field("phone", .phone, "Phone number.").searchable().personal(),
        Field("jobTitle", .text(charactersMax: Limits.nameCharactersMax), "Position.")
          .searchable().personal(),
        Field("company", .text(charactersMax: Limits.nameCharactersMax), "Company's name.")
          .folded().searchable(),
        Field("companyId", .reference(entityType: "company"), "The company's record."),
        Field(
          "lifecycle", .choice(["lead", "prospect", "customer", "former"]), "Where they stand."
        )
        .required().initially("lead"),
        Field("source", .text(charactersMax: Limits.labelCharactersMax), "Where they came from."),
        Field("address", .address, "Postal address: street, city, postalCode, country …")
          .personal(),
      ])
    contacts.planCount = PlanCount(.contacts)
    contacts.listAliases = ["search"]
    contacts.hasTagPaths = true
    contacts.rules = [
      .atLeastOne(
        of: ["firstName", "lastName", "email", "company"],
        "a contact needs a name, an e-mail address or a company")
    ]
    contacts.counters = [.contacts, .newContacts]
    return contacts
  }()
}
