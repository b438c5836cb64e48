/// Where in a query string something is wrong.
public struct QueryPlace: Sendable, Equatable {
  /// What the fault is part of.
  public enum Part: Sendable, Equatable {
    /// The parameter's name: an unknown field or operator.
    case name
    /// The parameter's value.
    case value
  }

  /// The decoded name of the parameter.
  public var parameter: String
  /// The part that the token stands in.
  public var part: Part
  /// The piece at fault; nil for the whole part.
  public var token: String?
  /// How many bytes of the decoded part stand before the token.
  public var offset: Int
  /// How many characters of the query string, as it was sent and without its question mark, stand
  /// before the token; nil as long as it was not looked for.
  public var position: Int?

  /// A place made of its parts.
  public init(
    parameter: String, part: Part = .value, token: String? = nil, offset: Int = 0,
    position: Int? = nil
  ) {
    self.parameter = parameter
    self.part = part
    self.token = token
    self.offset = offset
    self.position = position
  }

  /// The same place with its position in the query string; unchanged when the parameter is not
  /// in it.
  func located(in items: QueryItems) -> QueryPlace {
    guard position == nil, let item = items.items.last(where: { $0.name == parameter }) else {
      return self
    }
    var place = self
    let start: Int
    switch part {
    case .name:
      place.token = token ?? item.name
      start = item.nameOffset
    case .value:
      place.token = token ?? item.value
      start = item.valueOffset
    }
    place.position = items.offset(after: offset, from: start)
    return place
  }
}

extension Problem {
  /// 400 for one query parameter.
  ///
  /// - Parameters:
  ///   - name: The parameter's decoded name.
  ///   - detail: What is wrong with it, as a verb with what follows it: "must be true or false".
  ///   - part: What the fault is part of.
  ///   - token: The piece at fault; nil for the whole part.
  ///   - offset: How many bytes of the decoded part stand before the token.
  public static func invalidParameter(
    _ name: String, _ detail: String, in part: QueryPlace.Part = .value, token: String? = nil,
    offset: Int = 0
  ) -> Problem {
    Problem(
      .invalidParameter, "The parameter \(name.prefix(64)) \(detail).",
      issues: [
        .init(
          pointer: "", code: "invalid_parameter", detail: "\(name.prefix(64)) \(detail)",
          place: QueryPlace(parameter: name, part: part, token: token, offset: offset))
      ])
  }

  /// The same problem with the positions of what is wrong in `query`, as far as they are not
  /// known yet.
  public func located(in query: QueryItems) -> Problem {
    var problem = self
    for index in problem.issues.indices {
      problem.issues[index].place = problem.issues[index].place?.located(in: query)
    }
    return problem
  }

  /// Whether the position of something that is wrong in the query string is not known yet.
  public var wantsLocation: Bool {
    issues.contains { $0.place.map { $0.position == nil } ?? false }
  }
}
