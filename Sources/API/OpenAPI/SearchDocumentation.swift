internal import CRM
internal import JSON

// What the published document says of the search over all kinds of records.
extension EndpointDocumentation {
  static let search = question(
    "search", tag: "search",
    "Finds records of all kinds by their words, the best first.",
    remarks: """
      Every word must be there, or begin a word that is, without regard to case and accents; of \
      more than ten words the first ten count. A number of three digits and more also finds phone \
      numbers, in any notation, by any end of at least four digits or the beginning of such an \
      end. What has a word in its title stands before what has it elsewhere, whole words before \
      beginnings, the newest change first among equals. Kinds that the caller may not read are \
      left out. In `snippet`, which is HTML, hits stand between `<mark>` and `</mark>`.
      """,
    parameters: [
      .init(
        name: "q", summary: "What to find.",
        schema: ["type": "string", "maxLength": .integer(SearchQuery.charactersMax)]),
      .init(
        name: "types", summary: "The kinds to look among, separated by commas; all without it.",
        schema: ["type": "string", "examples": ["contact,deal"]]),
    ] + Parameter.paging.filter { SearchQuery.parameters.contains($0.name) },
    answer: "A page.",
    SchemaPart.object([
      "data": [
        "type": "array",
        "items": SchemaPart.object([
          "entityType": [
            "type": "string", "enum": .array(SearchQuery.types.map(JSONValue.string)),
          ],
          "id": SchemaPart.text, "title": SchemaPart.text, "snippet": SchemaPart.text,
          "score": SchemaPart.number,
        ]),
      ],
      "nextCursor": SchemaPart.optionalText,
    ]), problems: [504])
}
