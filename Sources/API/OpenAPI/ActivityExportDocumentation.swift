internal import CRM
internal import JSON

// What the published document says of the activity log as a file.
extension EndpointDocumentation {
  static let activityExport = Self(
    operationID: "export-activities", tag: "activities",
    summary: "Hands out the activity log as a file, of any size, oldest entry first.",
    parameters: Parameter.activityFilters + [
      .init(
        name: "format", summary: "`ndjson` or `csv`.",
        schema: ["type": "string", "enum": ["ndjson", "csv"], "default": "ndjson"])
    ],
    answers: [
      .init(
        status: 200, summary: "One entry a line, then the manifest.", schema: SchemaPart.text,
        mediaType: "application/x-ndjson"),
      .init(
        status: 200, summary: "One entry a line under a line of names.", schema: SchemaPart.text,
        mediaType: "text/csv"),
    ],
    problems: common.filter { $0 != 406 } + [402, 504, 507], headers: ["X-Reason"],
    remarks: """
      One's own entries. Those of others need `crm.activities.export` beside \
      `crm.activities.read`, as far as the scopes of both reach, or `crm.admin`. The file \
      ends with the newest entry at the beginning of the export. Every line carries what the \
      hashes of the chain are taken over, so that the whole log, exported without a filter, \
      can be proved and imported elsewhere. The last line of NDJSON is `{"manifest": …}`: \
      how many lines there are, which is the first and which the last; a file without it is \
      not complete. Cells of CSV that a spreadsheet would run have an apostrophe in front. \
      The export is logged as `crm.activities.export` before its first byte, and as \
      `crm.activities.export.completed` when all of it was handed out.
      """)
}
