internal import CRM
internal import HTTP
internal import WrapperClient

/// What every resource can do, once for all of them.
struct RecordRoutes: Sendable {
  let store: RecordStore
  let wrapper: Wrapper
  let configuration: APIConfiguration
  private let repeats: RepeatedRequests

  init(store: RecordStore, wrapper: Wrapper, configuration: APIConfiguration) {
    self.store = store
    self.wrapper = wrapper
    self.configuration = configuration
    repeats = RepeatedRequests(store: store)
  }

  func endpoints(_ resource: Resource, at path: String) -> [Endpoint] {
    let description = resource.description
    let one = "\(path)/{id:uuid}"
    func mutation(
      _ method: HTTPMethod, _ pattern: String, _ action: String, hasBody: Bool,
      _ documentation: EndpointDocumentation,
      special: (@Sendable (HTTPRequestHead) -> Endpoint.Operation?)? = nil,
      _ handle: @escaping @Sendable (RequestContext) async throws -> HTTPResponse
    ) -> Endpoint {
      Endpoint(
        method, pattern, access: .permission(description.operation(action)), isMutation: true,
        bodyBytesMax: hasBody ? configuration.bodyBytesMax : 0, documentation,
        special: special,
        handler: .authorized {
          try await repeats.once($0, $0.readIdempotencyKey(), handle)
        })
    }
    return [
      Endpoint(
        .get, path, access: .permission(description.operation("read")),
        .list(resource), handler: .inline { try list(resource, $0) }),
      mutation(.post, path, "create", hasBody: true, .create(resource)) {
        try await create(resource, $0)
      },
      Endpoint(
        .get, one, access: .permission(description.operation("read")),
        .read(resource), handler: .inline { try read(resource, $0) }),
      mutation(.put, one, "update", hasBody: true, .replace(resource)) { context in
        try await change(resource, context) { .replace($0) }
      },
      mutation(.patch, one, "update", hasBody: true, .merge(resource)) { context in
        try await change(resource, context) { .merge($0) }
      },
      mutation(
        .delete, one, "delete", hasBody: false, .delete(resource),
        special: { Self.isPurge($0) ? .init(description.operation("purge")) : nil }
      ) {
        try await delete(resource, $0)
      },
      // Restoring undoes a deletion and needs the same permission.
      mutation(
        .post, "\(one)/restore", "delete", hasBody: false, .restore(resource),
        special: { _ in
          .init(description.operation("delete"), name: description.operation("restore"))
        }
      ) {
        try await run(.restore, resource, $0.mutation(), $0)
      },
    ]
  }

  private func list(_ resource: Resource, _ context: RequestContext) throws -> HTTPResponse {
    let query = try ListQuery(
      context.query(), resource, tenantID: context.tenantID, now: context.request.head.receivedAt)
    var response = HTTPResponse.json(
      try store.list(query, tenantID: context.tenantID, scope: context.scope))
    response.headers.add("Vary", "Authorization, Accept-Encoding")
    response.headers.add("Cache-Control", "private, no-cache")
    return response
  }

  private func read(_ resource: Resource, _ context: RequestContext) throws -> HTTPResponse {
    var fields: String?
    if !context.request.head.query.isEmpty {
      for item in try context.query().items {
        guard item.name == "fields" else {
          throw Problem.invalidParameter(item.name, "is not known here")
        }
        fields = item.value
      }
    }
    let record = try store.read(
      resource, id: context.parameters["id"], tenantID: context.tenantID, scope: context.scope,
      fields: fields)
    let etag = "\"\(record.version)\""
    var response: HTTPResponse
    if fields == nil, let known = context.request.head.headers["If-None-Match"],
      EntityTag.matches(known, etag)
    {
      response = HTTPResponse(status: 304)
    } else {
      response = .json(record.body)
    }
    response.headers.add("ETag", etag)
    response.headers.add("Vary", "Authorization, Accept-Encoding")
    response.headers.add("Cache-Control", "private, no-cache")
    return response
  }

  private func create(_ resource: Resource, _ context: RequestContext) async throws
    -> HTTPResponse
  {
    var mutation = try context.mutation()
    let body = try RecordBody.parse(context.bodyBytes, for: resource.description)
    if let target = body.userID {
      let context = try await renewed(context, for: target)
      mutation = try context.mutation(actingFor: target)
    }
    let prepared = try store.prepareCreate(resource, body, caller: mutation.caller)
    return try await CreditedMutation(wrapper, mutation, context.directory).run { mutation in
      try store.checkCreate(prepared, mutation)
    } _: { mutation in
      try await store.create(prepared, mutation)
    }
  }

  private func change(
    _ resource: Resource, _ context: RequestContext,
    _ update: (RecordBody) -> RecordStore.Update
  ) async throws -> HTTPResponse {
    let body = try RecordBody.parse(context.bodyBytes, for: resource.description)
    let context = try await renewed(context, for: body.userID)
    let mutation = try context.mutation(actingFor: body.userID)
    return try await run(update(body), resource, mutation, context)
  }

  /// The context in which the rights of somebody else for whom the caller acts are as new as the
  /// caller's own, where checks are strict.
  private func renewed(_ context: RequestContext, for target: String?) async throws
    -> RequestContext
  {
    guard wrapper.checksPermissionsStrictly, let target, target != context.session.userID else {
      return context
    }
    var context = context
    context.directory = try await wrapper.tenant(context.tenantID, decidingOn: target)
    return context
  }

  /// Whether a DELETE asks for more than the trash; what is wrong with its query is said later.
  private static func isPurge(_ head: HTTPRequestHead) -> Bool {
    // The handler reads the same query again, and refuses one that cannot be read.
    guard let items = try? QueryItems(parsing: head.query) else { return false }
    return items.items.last { $0.name == "purge" }?.value == "true"
  }

  /// Moves to the trash, or removes for good with `purge=true`.
  private func delete(_ resource: Resource, _ context: RequestContext) async throws
    -> HTTPResponse
  {
    for item in try context.query().items {
      guard item.name == "purge", ["true", "false"].contains(item.value) else {
        throw Problem.invalidParameter(item.name, "is not known here, or not true or false")
      }
    }
    let update = Self.isPurge(context.request.head) ? RecordStore.Update.purge : .trash
    return try await run(update, resource, context.mutation(), context)
  }

  private func run(
    _ update: RecordStore.Update, _ resource: Resource, _ mutation: Mutation,
    _ context: RequestContext
  ) async throws -> HTTPResponse {
    let id = context.parameters["id"]
    return try await CreditedMutation(wrapper, mutation, context.directory).run { mutation in
      try store.check(update, resource, id: id, mutation)
    } _: { mutation in
      try await store.update(update, resource, id: id, mutation)
    }
  }
}

/// Comparing entity tags for `If-None-Match` (RFC 9110 section 8.8.3.2): weakly.
enum EntityTag {
  static func matches(_ header: String, _ etag: String) -> Bool {
    header.split(separator: ",").contains { candidate in
      let tag = candidate.filter { $0 != " " }
      return tag == "*" || tag == etag || tag == "W/\(etag)"
    }
  }
}
