internal import CRM
internal import HTTP
internal import WrapperClient

/// What every resource can do, once for all of them.
struct RecordRoutes: Sendable {
  let store: RecordStore
  let wrapper: Wrapper
  let configuration: APIConfiguration
  private let files: FileRoutes

  init(store: RecordStore, wrapper: Wrapper, configuration: APIConfiguration) {
    self.store = store
    self.wrapper = wrapper
    self.configuration = configuration
    files = FileRoutes(store: store, wrapper: wrapper, configuration: configuration)
  }

  /// Where records of a resource are served: by themselves, or below what they hang from.
  struct Place: Sendable {
    /// The path of them all.
    let path: String
    /// The name of the parameter that holds a record's id.
    let idName: String
    /// What they hang from, whose id is the parameter `id`; nil where they stand by themselves.
    let parent: Resource?

    /// The path of one.
    var one: String { "\(path)/{\(idName):uuid}" }

    /// Every place of `resource`: the usual path first.
    static func all(of resource: Resource, in catalog: Catalog) -> [Place] {
      let description = resource.description
      let own = description.paths.map { Place(path: $0, idName: "id", parent: nil) }
      let below = description.hangsFrom.compactMap(catalog.resource).flatMap { parent in
        parent.description.paths.map {
          Place(
            path: "\($0)/{id:uuid}/\(description.name)", idName: "\(description.entityType)Id",
            parent: parent)
        }
      }
      return own + below
    }

    /// The record that the request's path names as the parent.
    func reference(_ context: RequestContext) -> ParentReference? {
      parent.map { ParentReference($0, id: context.parameters["id"]) }
    }
  }

  func endpoints(_ resource: Resource) -> [Endpoint] {
    var endpoints: [Endpoint] = []
    for place in Place.all(of: resource, in: store.catalog) {
      endpoints += lists(resource, place)
      endpoints.append(read(resource, place))
      if resource.description.hasContent {
        endpoints += files.endpoints(resource, place)
      } else {
        endpoints.append(create(resource, place))
        endpoints += upserts(resource, place)
      }
      endpoints += changes(resource, place)
      endpoints += verbs(resource, place)
      endpoints += tags(resource, place)
    }
    return endpoints
  }

  /// The list, also under the further names that it has.
  private func lists(_ resource: Resource, _ place: Place) -> [Endpoint] {
    let aliases = place.parent == nil ? resource.description.listAliases : []
    return [list(resource, place, place.path, .list(resource))]
      + aliases.map { alias in
        var documentation = EndpointDocumentation.list(resource)
        documentation.operationID = "\(alias)-\(resource.description.name)"
        return list(resource, place, "\(place.path)/\(alias)", documentation)
      }
  }

  private func list(
    _ resource: Resource, _ place: Place, _ path: String, _ documentation: EndpointDocumentation
  ) -> Endpoint {
    let permission = resource.description.operation("read")
    let handle: @Sendable (RequestContext) throws -> HTTPResponse = { context in
      try self.list(resource, place, context)
    }
    return Endpoint(
      .get, path, access: .permission(permission), documentation,
      handler: resource.hasStart
        ? .authorized { context in
          try await store.start(resource, tenantID: context.tenantID)
          return try handle(context)
        } : .inline(handle))
  }

  private func read(_ resource: Resource, _ place: Place) -> Endpoint {
    Endpoint(
      .get, place.one, access: .permission(resource.description.operation("read")),
      .read(resource), handler: .inline { try read(resource, place, $0) })
  }

  private func create(_ resource: Resource, _ place: Place) -> Endpoint {
    Endpoint(
      .post, place.path, access: .permission(resource.description.operation("create")),
      isMutation: true, bodyBytesMax: configuration.bodyBytesMax, .create(resource),
      handler: .change { try await create(resource, place, $0) })
  }

  private func changes(_ resource: Resource, _ place: Place) -> [Endpoint] {
    let description = resource.description
    func endpoint(
      _ method: HTTPMethod, _ pattern: String, _ action: String, hasBody: Bool,
      _ documentation: EndpointDocumentation,
      special: (@Sendable (HTTPRequestHead) -> Endpoint.Operation?)? = nil,
      _ prepare: @escaping @Sendable (RequestContext) async throws -> PreparedChange
    ) -> Endpoint {
      Endpoint(
        method, pattern, access: .permission(description.operation(action)), isMutation: true,
        bodyBytesMax: hasBody ? configuration.bodyBytesMax : 0, documentation,
        special: special, handler: .change(prepare))
    }
    return [
      endpoint(.put, place.one, "update", hasBody: true, .replace(resource)) { context in
        try await change(resource, place, context) { .replace($0) }
      },
      endpoint(.patch, place.one, "update", hasBody: true, .merge(resource)) { context in
        try await change(resource, place, context) { .merge($0) }
      },
      endpoint(
        .delete, place.one, "delete", hasBody: false, .delete(resource),
        special: { Self.isPurge($0) ? .init(description.operation("purge")) : nil }
      ) {
        try delete(resource, place, $0)
      },
      // Restoring undoes a deletion and needs the same permission.
      endpoint(
        .post, "\(place.one)/restore", "delete", hasBody: false, .restore(resource),
        special: { _ in
          .init(description.operation("delete"), name: description.operation("restore"))
        }
      ) {
        try prepare(.restore, resource, place, $0.mutation(), $0)
      },
    ]
  }

  private func verbs(_ resource: Resource, _ place: Place) -> [Endpoint] {
    resource.description.verbs.map { verb in
      Endpoint(
        .patch, "\(place.one)/\(verb.name)",
        access: .permission(resource.description.operation(verb.name)), isMutation: true,
        bodyBytesMax: configuration.bodyBytesMax, .verb(verb, resource),
        handler: .change { context in
          let body = try RecordBody.parse(context.bodyBytes, for: verb, resource)
          return try await change(resource, place, body, context) { .merge($0) }
        })
    }
  }

  private func list(_ resource: Resource, _ place: Place, _ context: RequestContext) throws
    -> HTTPResponse
  {
    let items = try context.query()
    let query = try ListQuery(
      items, resource, tenantID: context.tenantID, viewerID: context.session.userID,
      parent: place.reference(context),
      customFields: store.customFields(for: items, tenantID: context.tenantID),
      now: context.request.head.receivedAt)
    if let parent = place.reference(context) {
      try store.requireReadable(parent, caller: context.mutation().caller)
    }
    return .personal(
      try store.list(
        query, tenantID: context.tenantID, scope: context.scope, related: context.related))
  }

  private func read(_ resource: Resource, _ place: Place, _ context: RequestContext) throws
    -> HTTPResponse
  {
    let asked = try context.queryValues(["fields", "expand"])
    if let parent = place.reference(context) {
      try store.requireReadable(parent, caller: context.mutation().caller)
    }
    let record = try store.read(
      resource, id: context.parameters[place.idName], below: place.reference(context),
      tenantID: context.tenantID, scope: context.scope, fields: asked["fields"],
      expand: asked["expand"], related: context.related)
    let etag = "\"\(record.version)\""
    var response: HTTPResponse
    if asked.isEmpty, let known = context.request.head.headers["If-None-Match"],
      EntityTag.matches(known, etag)
    {
      response = HTTPResponse(status: 304)
      response.headers.add("Vary", "Authorization, Accept-Encoding")
      response.headers.add("Cache-Control", "private, no-cache")
    } else {
      response = .personal(record.body)
    }
    response.headers.add("ETag", etag)
    return response
  }

  private func create(_ resource: Resource, _ place: Place, _ context: RequestContext) async throws
    -> PreparedChange
  {
    var mutation = try context.mutation()
    var body = try RecordBody.parse(context.bodyBytes, for: resource.description)
    if let target = body.userID {
      let context = try await renewed(context, for: target)
      mutation = try context.mutation(actingFor: target)
    }
    if let parent = place.reference(context) {
      if !context.createdBefore.contains(parent.id) {
        try store.requireReadable(parent, caller: mutation.caller)
      }
      try body.hang(from: parent)
    }
    if resource.hasStart { try await store.start(resource, tenantID: context.tenantID) }
    return try store.prepareCreate(resource, body, mutation)
  }

  private func change(
    _ resource: Resource, _ place: Place, _ context: RequestContext,
    _ update: (RecordBody) -> RecordStore.Update
  ) async throws -> PreparedChange {
    let body = try RecordBody.parse(context.bodyBytes, for: resource.description)
    return try await change(resource, place, body, context, update)
  }

  private func change(
    _ resource: Resource, _ place: Place, _ body: RecordBody, _ context: RequestContext,
    _ update: (RecordBody) -> RecordStore.Update
  ) async throws -> PreparedChange {
    let context = try await renewed(context, for: body.userID)
    let mutation = try context.mutation(actingFor: body.userID)
    var body = body
    if let parent = place.reference(context) { try body.hang(from: parent) }
    return try prepare(update(body), resource, place, mutation, context)
  }

  /// The context in which the rights of somebody else for whom the caller acts are as new as the
  /// caller's own, where checks are strict.
  func renewed(_ context: RequestContext, for target: String?) async throws
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
  private func delete(_ resource: Resource, _ place: Place, _ context: RequestContext) throws
    -> PreparedChange
  {
    for item in try context.query().items {
      guard item.name == "purge", ["true", "false"].contains(item.value) else {
        throw Problem.invalidParameter(
          item.name, "is not known here, or not true or false",
          in: item.name == "purge" ? .value : .name)
      }
    }
    let update = Self.isPurge(context.request.head) ? RecordStore.Update.purge : .trash
    return try prepare(update, resource, place, context.mutation(), context)
  }

  private func prepare(
    _ update: RecordStore.Update, _ resource: Resource, _ place: Place, _ mutation: Mutation,
    _ context: RequestContext
  ) throws -> PreparedChange {
    store.prepare(
      update, resource, id: context.parameters[place.idName], below: place.reference(context),
      mutation)
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
