internal import JSON

extension ResourceDescription {
  /// What people write down about a record: `/api/notes`, and below each record.
  public static let notes: ResourceDescription = {
    var notes = ResourceDescription(
      name: "notes", entityType: "note", paths: ["/api/notes"],
      summary: "What people write down about a contact, company, lead or deal.",
      fields: [
        Field("body", .longText, "The text.").required().searchable().personal(),
        Field("type", .choice(["general", "call", "meeting", "email", "other"]), "What it is of.")
          .required().initially("general"),
        Field(
          "visibility", .choice(["public", "private"]),
          "A private note exists for its creator only."
        )
        .required().initially("public"),
        Field("pinned", .flag, "Whether it stands above the others.").required().initially(false),
      ] + hangingFields)
    notes.hangsFrom = parents
    notes.privacy = Privacy(field: "visibility", value: "private")
    return notes
  }()

  /// The resources that notes, interactions and files hang from.
  static let parents = ["contact", "company", "lead", "deal"]

  /// The members by which a record hangs from another.
  static let hangingFields = [
    Field("entityType", .choice(parents), "The kind of record it hangs from.").required(),
    Field("entityId", .entity, "The record it hangs from.").required(),
  ]
}
