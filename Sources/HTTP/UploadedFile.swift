/// The one file that a request brings, as it arrives: the whole body, or the one file of a form.
///
/// A class, since it is one place in one stream; one task at a time uses it.
public final class UploadedFile {
  /// What the client calls it, which may hold anything; nil when it does not say.
  public let name: String?
  /// The media type that the client says it has.
  public let contentType: String?
  private let body: any HTTPRequestBodyStream
  private let form: MultipartReader?

  /// Reads what stands before the file's first byte.
  ///
  /// - Throws: 400 `malformed_request` for a body that says it is a form and is none, 422
  ///   `validation_failed` for a form without a file, ``HTTPBodyError``.
  public init(_ head: HTTPRequestHead, _ body: any HTTPRequestBodyStream) async throws {
    self.body = body
    let type = head.headers["Content-Type"]
    let parameters = FieldParameters(type ?? "")
    guard parameters.value == "multipart/form-data" else {
      form = nil
      name = head.headers["Content-Disposition"].flatMap { ContentDisposition($0).fileName }
      contentType = type
      return
    }
    let form = try MultipartReader(body, contentType: parameters)
    while let part = try await form.nextPart() {
      guard let fileName = part.disposition.fileName else { continue }
      self.form = form
      name = fileName
      contentType = part.contentType
      return
    }
    throw Problem(
      .validationFailed, "The form has no file.",
      issues: [
        .init(
          pointer: "", code: "required",
          detail: "a part with a file name in its Content-Disposition is wanted")
      ])
  }

  /// The next bytes of the file; nil at its end, when all of the body has come.
  ///
  /// - Throws: 400 `malformed_request`, 422 `validation_failed` for a form with a second file,
  ///   ``HTTPBodyError``.
  public func next() async throws -> [UInt8]? {
    guard let form else { return try await body.next() }
    if let bytes = try await form.nextBytes() { return bytes }
    // Other parts are left alone, but the form must be whole, and a second file is refused rather
    // than lost.
    while let part = try await form.nextPart() {
      guard part.disposition.fileName == nil else {
        throw Problem(
          .validationFailed, "The form has more than one file.",
          issues: [.init(pointer: "", code: "too_many", detail: "one file a request is wanted")])
      }
    }
    return nil
  }
}
