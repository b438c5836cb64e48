/// A `Content-Disposition` field: what a file is called (RFC 6266, and RFC 7578 in forms).
public struct ContentDisposition: Sendable {
  /// `attachment`, `inline` or `form-data`, in lower case.
  public let kind: String
  /// The form's field.
  public let fieldName: String?
  /// The file's name as the client gave it, which may hold anything; nil when there is none.
  public let fileName: String?

  /// Reads as much of a field's value as can be understood; `filename*` (RFC 8187) wins.
  public init(_ field: String) {
    let parameters = FieldParameters(field)
    kind = parameters.value
    fieldName = parameters["name"]
    fileName = parameters["filename*"].flatMap(Self.extended) ?? parameters["filename"]
  }

  /// The field that offers a file for saving under `fileName`.
  ///
  /// Names with anything but plain ASCII come twice: spelled out for every client as far as it
  /// goes, and whole in the form of RFC 8187.
  public static func attachment(fileName: String) -> String {
    let plain = String(fileName.unicodeScalars.map { isPlain($0) ? Character($0) : "_" })
    let field = "attachment; filename=\"\(plain)\""
    return plain == fileName
      ? field : "\(field); filename*=UTF-8''\(PercentEncoding.encode(fileName))"
  }

  /// What needs no escape in quotation marks, and is no escape to clients that decode too much.
  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    (0x20..<0x7f).contains(scalar.value) && !"\"\\%/".unicodeScalars.contains(scalar)
  }

  /// `UTF-8'en'a%20b` (RFC 8187 section 3.2); nil for what is not of that form.
  private static func extended(_ value: String) -> String? {
    let parts = value.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, HTTPHeaders.areEqual(String(parts[0]), "UTF-8") else { return nil }
    return PercentEncoding.decode(parts[2])
  }
}
