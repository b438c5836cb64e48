internal import HTTP
internal import JSON
internal import WrapperClient

extension Problem {
  /// What the embedded Wrapper refused, as a refusal of this server: with the same code, words and
  /// issues, under this request's id.
  ///
  /// What is not the client's to mend, and what is no problem document, becomes 503
  /// `wrapper_unavailable`.
  init(relayed reply: WrapperReply) {
    // An answer that cannot be read says nothing.
    let document = try? JSONParser.parse(reply.body).object
    let isOurs = (400..<500).contains(reply.status) || [503, 507].contains(reply.status)
    guard isOurs, let document, let code = document["code"]?.string else {
      self.init(
        .wrapperUnavailable, "The directory cannot be reached at the moment.",
        headers: ["Retry-After": reply.retryAfter ?? "5"])
      return
    }
    let title = document["title"]?.string ?? code
    var members = JSONObject()
    for member in document.members where !Self.ownMembers.contains(member.name) {
      members[member.name] = member.value
    }
    self.init(
      Code(code, reply.status, title), document["detail"]?.string ?? title,
      issues: (document["errors"]?.array ?? []).map { issue in
        Issue(
          pointer: issue["pointer"]?.string ?? "", code: issue["code"]?.string ?? "invalid",
          detail: issue["detail"]?.string ?? "")
      },
      members: members, headers: reply.retryAfter.map { ["Retry-After": $0] } ?? [:])
  }

  /// The members that every problem document is given when it is sent.
  private static let ownMembers = [
    "type", "title", "status", "detail", "instance", "code", "requestId", "error", "errors",
  ]
}
