internal import JSON

/// One answer of the change feed, read strictly as far as the feed itself goes.
///
/// What is wrong inside one event is that event's matter: the others are taken all the same.
struct FeedAnswer: Sendable {
  /// The events as they were sent, in order.
  let events: [JSONValue]
  /// Where the next poll begins.
  let cursor: String
  /// Whether the events after the cursor that was sent are no longer known.
  let isReset: Bool

  /// Reads the body of an answer.
  init(_ body: [UInt8]) throws(AnswerRejection) {
    let value: JSONValue
    do {
      value = try JSONParser.parse(body)
    } catch {
      throw AnswerRejection("no JSON: \(error.reason) at byte \(error.offset)")
    }
    guard let events = value["events"]?.array else { throw AnswerRejection("events is no list") }
    guard let cursor = value["cursor"].flatMap({ Self.token($0) }) else {
      throw AnswerRejection("cursor is no text")
    }
    switch value["reset"] {
    case nil, .null: isReset = false
    case .bool(let flag)?: isReset = flag
    default: throw AnswerRejection("reset is neither true nor false")
    }
    self.events = events
    self.cursor = cursor
  }

  /// A name that the Wrapper gave, as text or as a number.
  static func token(_ value: JSONValue) -> String? {
    let text: String
    switch value {
    case .string(let string): text = string
    case .number(let number): text = number.text
    default: return nil
    }
    return (1...Limits.feedTokenBytesMax).contains(text.utf8.count) ? text : nil
  }
}
