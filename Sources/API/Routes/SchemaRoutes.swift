internal import CRM
internal import Cryptography
internal import HTTP
internal import JSON
internal import Values
internal import WrapperClient

/// What a form, a column picker or an importer needs to know of all resources.
struct SchemaRoutes: Sendable {
  private let store: RecordStore
  /// What is the same for everybody, made once.
  private let described: [(resource: Resource, json: JSONObject)]

  init(store: RecordStore) {
    self.store = store
    described = store.catalog.resources.map { ($0, ResourceSchema.json($0)) }
  }

  var endpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/api/schema", access: .signedIn, .schema,
        handler: .authorized { try await schema($0) })
    ]
  }

  private func schema(_ context: RequestContext) async throws -> HTTPResponse {
    _ = try context.queryValues([])
    let customFields = try store.customFields(of: context.tenantID)
    let resources = described.map { resource, json in
      var json = json
      json["customFields"] = .array(
        customFields[resource.description.entityType].map(ResourceSchema.json))
      json["actions"] = .object(actions(on: resource, context))
      return JSONValue.object(json)
    }
    let directory = context.directory
    let response = HTTPResponse.data([
      "resources": .array(resources), "pipelines": .array(try await pipelines(context)),
      "currency": .string(directory.currency),
      "currencies": .array(CurrencyCodes.all.sorted().map(JSONValue.string)),
      "strictCustomFields": .bool(directory.hasStrictCustomFields),
      "limits": ResourceSchema.limits,
    ])
    return response.revalidated(by: context.request.head)
  }

  /// How far the caller may do what can be done: `tenant`, `team`, `own`, or not at all: false.
  private func actions(on resource: Resource, _ context: RequestContext) -> JSONObject {
    JSONObject(
      ResourceSchema.actions(on: resource).map { action, operation in
        let decision = context.directory.check(
          userID: context.session.userID, permission: operation)
        return (action, decision.isAllowed ? .string(decision.scope.text) : false)
      })
  }

  /// Every tenant has at least one, which is made when nobody has asked before.
  private func pipelines(_ context: RequestContext) async throws -> [JSONValue] {
    guard let resource = store.catalog.resource(entityType: "pipeline") else { return [] }
    try await store.start(resource, tenantID: context.tenantID)
    return try store.pipelines(tenantID: context.tenantID)
  }
}

extension HTTPResponse {
  /// The answer with a tag that follows from its body; without the body where the client has it.
  fileprivate func revalidated(by head: HTTPRequestHead) -> HTTPResponse {
    guard case .bytes(let bytes) = body else { return self }
    let etag = "\"\(Hexadecimal.text(SHA256.hash(bytes).prefix(16)))\""
    var response = self
    if let known = head.headers["If-None-Match"], EntityTag.matches(known, etag) {
      response = HTTPResponse(status: 304)
      response.headers.add("Vary", "Authorization, Accept-Encoding")
      response.headers.add("Cache-Control", "private, no-cache")
    }
    response.headers.add("ETag", etag)
    return response
  }
}
