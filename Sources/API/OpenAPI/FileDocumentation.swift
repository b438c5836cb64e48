internal import CRM
internal import HTTP
internal import JSON

extension EndpointDocumentation {
  /// Bytes are of the type that the file was said to be of.
  private static let bytes = "*/*"

  static func upload(_ resource: Resource) -> Self {
    var documentation = Self(
      operationID: "upload-\(resource.description.name)", tag: resource.description.name,
      summary:
        "Attaches a \(resource.description.entityType): the body, or the first file of a form.",
      answers: [
        .init(
          status: 201, summary: "What was done.", schema: Schemas.envelope(resource),
          hasETag: true)
      ],
      problems: common + [402, 404, 413, 415, 422, 507],
      headers: ["Content-Disposition", "X-Reason"])
    documentation.requestContent = JSONObject([
      ("*/*", ["schema": ["type": "string", "format": "binary"]]),
      (
        "multipart/form-data",
        [
          "schema": [
            "type": "object", "required": ["file"],
            "properties": ["file": ["type": "string", "format": "binary"]],
          ]
        ]
      ),
    ])
    return documentation
  }

  static func content(_ resource: Resource) -> Self {
    Self(
      operationID: "content-of-\(resource.description.name)", tag: resource.description.name,
      summary: "The bytes of a \(resource.description.entityType), whole or a single `Range`.",
      answers: [
        .init(
          status: 200, summary: "All of it.", schema: ["type": "string", "format": "binary"],
          hasETag: true, mediaType: bytes),
        .init(
          status: 206, summary: "The range that was asked for.",
          schema: ["type": "string", "format": "binary"], hasETag: true, mediaType: bytes),
        .init(status: 304, summary: "The content that `If-None-Match` names.", schema: nil),
      ], problems: [400, 401, 403, 404, 416, 429, 503],
      headers: ["Range", "If-Range", "If-None-Match"])
  }
}
