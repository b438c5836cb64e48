public import HTTP

/// A search over several kinds of records, read from its query string.
public struct SearchQuery: Sendable {
  /// Characters of what may be looked for.
  public static let charactersMax = 200
  /// The kinds of records that can be found, by entity type.
  public static let types = ResourceDescription.entityTypes
  /// The parameters that are read here.
  public static let parameters = ["q", "types", "limit", "cursor"]

  let terms: [SearchTerm]
  /// The kinds to look among, by entity type.
  public let types: [String]
  let page: PageParameters
  private let text: String

  /// Reads the parameters out of `values`, by name.
  ///
  /// - Throws: 400 `invalid_parameter` naming the parameter at fault.
  public init(_ values: [String: String]) throws(Problem) {
    text = values["q"] ?? ""
    guard text.unicodeScalars.count <= Self.charactersMax else {
      throw .invalidParameter("q", "takes at most \(Self.charactersMax) characters")
    }
    terms = SearchTerm.terms(text)
    let asked = (values["types"] ?? "").split(separator: ",").map(String.init)
    if let unknown = asked.first(where: { !Self.types.contains($0) }) {
      throw .invalidParameter("types", "names \(unknown.prefix(64)), which does not exist")
    }
    types = asked.isEmpty ? Self.types : Self.types.filter(asked.contains)
    page = try PageParameters(values)
  }

  /// What a cursor is bound to.
  func binding(tenantID: String, userID: String) -> String {
    Cursor.binding(
      tenantID: tenantID, resource: "search", parts: [userID, text, types.joined(separator: ",")])
  }
}
