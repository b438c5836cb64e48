internal import CRM
internal import HTTP
internal import WrapperClient

/// How files come and go: the record of a file is like any other, its bytes are streamed.
struct FileRoutes: Sendable {
  let store: RecordStore
  let wrapper: Wrapper
  let configuration: APIConfiguration
  private let transfers = FileTransfers()

  init(store: RecordStore, wrapper: Wrapper, configuration: APIConfiguration) {
    self.store = store
    self.wrapper = wrapper
    self.configuration = configuration
  }

  func endpoints(_ resource: Resource, _ place: RecordRoutes.Place) -> [Endpoint] {
    let description = resource.description
    var endpoints = [
      Endpoint(
        .get, "\(place.one)/content", access: .permission(description.operation("read")),
        .content(resource), handler: .inline { try content(resource, place, $0) })
    ]
    if place.parent != nil {
      endpoints.append(
        Endpoint(
          .post, place.path, access: .permission(description.operation("create")),
          isMutation: true, bodyBytesMax: configuration.fileBytesMax + CRM.Limits.formBytesMax,
          streamsBody: true, .upload(resource),
          handler: .authorized { try await upload(resource, place, $0) }))
    }
    return endpoints
  }

  // MARK: In

  private func upload(
    _ resource: Resource, _ place: RecordRoutes.Place, _ context: RequestContext
  ) async throws -> HTTPResponse {
    guard let parent = place.reference(context), case .stream(let body) = context.request.body
    else { preconditionFailure("files are uploaded as streams, below what they hang from") }
    let head = context.request.head
    if let coding = head.headers["Content-Encoding"], !HTTPHeaders.areEqual(coding, "identity") {
      throw Problem(.unsupportedMediaType, "Files are taken without a content coding.")
    }
    let announced = leastByteCount(head)
    let mutation = try context.mutation()
    try store.requireReadable(parent, caller: mutation.caller)
    guard announced <= configuration.fileBytesMax else {
      throw Problem.fileTooLarge(configuration.fileBytesMax)
    }
    let end = try transfers.begin(context)
    defer { end() }
    return try await CreditedMutation(wrapper, mutation, context.directory).run { mutation in
      try store.checkUpload(announced, to: parent, mutation)
    } _: { mutation in
      // Whoever is refused here has not sent the bytes yet.
      try store.checkUpload(announced, to: parent, mutation)
      return try await store.upload(
        UploadedFile(head, body), as: resource, to: parent,
        bytesMax: configuration.fileBytesMax, mutation)
    }
  }

  /// How large the file is at least, by what the head says: 0 when it says nothing.
  private func leastByteCount(_ head: HTTPRequestHead) -> Int {
    let length = head.headers["Content-Length"].flatMap { Int($0) } ?? 0
    let isForm =
      FieldParameters(head.headers["Content-Type"] ?? "").value == "multipart/form-data"
    return isForm ? max(0, length - CRM.Limits.formBytesMax) : length
  }

  // MARK: Out

  private func content(
    _ resource: Resource, _ place: RecordRoutes.Place, _ context: RequestContext
  ) throws -> HTTPResponse {
    let parent = place.reference(context)
    if let parent { try store.requireReadable(parent, caller: context.mutation().caller) }
    let file = try store.file(
      resource, id: context.parameters[place.idName], below: parent,
      tenantID: context.tenantID, scope: context.scope)
    let head = context.request.head
    let etag = "\"\(file.sha256)\""
    if let known = head.headers["If-None-Match"], EntityTag.matches(known, etag) {
      return HTTPResponse(status: 304, headers: Self.validity(etag))
    }
    switch Self.range(head, etag, file.byteCount) {
    case .whole:
      return try send(file, 0..<file.byteCount, 200, etag, context)
    case .part(let range):
      var response = try send(file, range, 206, etag, context)
      response.headers.add(
        "Content-Range", ByteRange.contentRange(range, of: file.byteCount))
      return response
    case .unsatisfiable:
      throw Problem(
        .rangeNotSatisfiable, "The file has \(file.byteCount) bytes.",
        headers: ["Content-Range": "bytes */\(file.byteCount)"])
    }
  }

  /// The part that is wanted (RFC 9110 sections 13.1.5 and 14.2): of GET only, and only while the
  /// file is still the one that `If-Range` names.
  private static func range(_ head: HTTPRequestHead, _ etag: String, _ byteCount: Int)
    -> ByteRange
  {
    guard head.method == .get, (head.headers["If-Range"] ?? etag) == etag else { return .whole }
    return ByteRange(head.headers["Range"], byteCount: byteCount)
  }

  private func send(
    _ file: StoredFile, _ range: Range<Int>, _ status: Int, _ etag: String,
    _ context: RequestContext
  ) throws(Problem) -> HTTPResponse {
    let end = try transfers.begin(context)
    var response = HTTPResponse(
      status: status, headers: Self.validity(etag),
      body: .stream(store.download(file, range, ended: end), byteCount: range.count))
    response.headers.add("Content-Type", file.contentType)
    response.headers.add(
      "Content-Disposition", ContentDisposition.attachment(fileName: file.name))
    // Whatever is in it: a browser saves it and runs none of it.
    response.headers.add(
      "Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
    return response
  }

  /// What holds for the content whether it is sent or known already.
  private static func validity(_ etag: String) -> HTTPHeaders {
    [
      "ETag": etag, "Accept-Ranges": "bytes", "Vary": "Authorization, Accept-Encoding",
      "Cache-Control": "private, no-cache",
    ]
  }
}
