internal import CRM
internal import HTTP
internal import JSON

extension OutsideChange {
  /// What the log and the answer say of a change of the directory.
  ///
  /// - Parameters:
  ///   - entityType: What kind of thing was changed.
  ///   - verb: What was done to it.
  ///   - named: The id in the path; nil where a new thing has its own.
  ///   - tenantID: What stands for a thing without an id.
  ///   - states: The thing before and after.
  ///   - path: Where things of the kind are.
  init(
    _ entityType: String, verb: String, named: String?, tenantID: String,
    _ states: (before: JSONValue?, after: JSONValue?), at path: String
  ) {
    // What is gone is shown as it was.
    let data = states.after ?? states.before ?? .null
    let entityID = named ?? data["id"]?.string ?? tenantID
    let isCreated = verb == "create"
    self.init(
      status: isCreated ? 201 : 200, entityType: entityType, entityID: entityID, data: data,
      changes: Self.changes(states.before, states.after),
      location: isCreated ? "\(path)/\(PercentEncoding.encode(entityID))" : nil)
  }

  /// The members that differ; no answer of the directory holds a password.
  private static func changes(_ before: JSONValue?, _ after: JSONValue?) -> JSONObject {
    let (old, new) = (before?.object ?? JSONObject(), after?.object ?? JSONObject())
    var changes = JSONObject()
    for name in old.names + new.names.filter({ old[$0] == nil }) {
      let (from, to) = (old[name] ?? .null, new[name] ?? .null)
      guard from != to else { continue }
      changes[name] = before == nil ? ["to": to] : ["from": from, "to": to]
    }
    return changes
  }
}
