internal import JSON

extension ResourceDescription {
  /// What is attached to records: `/api/files`, and below each record.
  public static let files: ResourceDescription = {
    var files = ResourceDescription(
      name: "files", entityType: "file", paths: ["/api/files"],
      summary: "What is attached to a contact, company, lead or deal.",
      fields: [
        Field("name", .fileName, "What it is called.").required().folded().title().personal(),
        Field(
          "contentType", .text(charactersMax: Limits.mediaTypeCharactersMax), "Its media type."
        )
        .required().serverSet(),
        Field("size", .integer, "Its size in bytes.").required().serverSet(),
        Field("sha256", .text(charactersMax: 64), "SHA-256 of its bytes, lower-case hex.")
          .required().serverSet(),
      ] + hangingFields)
    files.hangsFrom = parents
    files.hasContent = true
    files.planCount = PlanCount(.storage, amountField: "size")
    files.activityMembers = ["name", "size", "contentType", "sha256"].map { ($0, $0) }
    return files
  }()
}
