internal import Database
internal import HTTP
internal import JSON
internal import SQLite

/// A change that rests on another version of a record than the stored one.
///
/// What the answer says of it is looked up outside the writer's transaction.
struct VersionMismatch: Error {
  /// The stored record.
  let current: Record
  /// The version that the client knew; nil when it named none that there was.
  let base: Int64?
  let update: RecordStore.Update
  let caller: Caller

  /// - Throws: ``VersionMismatch`` unless `If-Match` and the body's `version` allow the stored
  ///   version.
  static func check(
    _ stored: Record, _ update: RecordStore.Update, _ mutation: Mutation
  ) throws(VersionMismatch) {
    if let precondition = mutation.precondition, !precondition.allows(stored.version) {
      var known: [Int64] = []
      if case .versions(let versions) = precondition { known = versions }
      throw VersionMismatch(
        current: stored, base: known.filter { $0 < stored.version }.max(), update: update,
        caller: mutation.caller)
    }
    if let version = update.body?.members["version"]?.integer, version != stored.version {
      throw VersionMismatch(
        current: stored, base: version, update: update, caller: mutation.caller)
    }
  }

  /// What the client wants and what somebody else has made of it meanwhile, by member.
  ///
  /// - Parameters:
  ///   - base: The members as the client knew them; where nil, every member counts that would
  ///     become another than it is.
  func conflicts(base: JSONObject?) -> JSONObject {
    guard let body = update.body else { return JSONObject() }
    let isReplacement = if case .replace = update { true } else { false }
    var conflicts = JSONObject()
    for (place, field) in current.resource.fields.enumerated() where field.access == .client {
      let known = base.map { $0[field.name] ?? .null }
      let now = current.json(at: place)
      let given = body.members[field.name]
      guard given != nil || (isReplacement && field.initial != .caller) else { continue }
      var yours = Self.stored(given ?? .null, field)
      if !isReplacement, let patch = given?.object, let whole = (known ?? now).object {
        guard Self.clash(patch, known?.object, now.object ?? JSONObject()) else { continue }
        yours = .object(whole.merged(with: patch))
      }
      guard yours != now, yours != known, known != now else { continue }
      var conflict = JSONObject([("yours", yours), ("current", now)])
      if let known { conflict = JSONObject([("base", known)] + conflict.members.map(Self.pair)) }
      conflicts[field.name] = .object(conflict)
    }
    return conflicts
  }

  private static func pair(_ member: JSONObject.Member) -> (String, JSONValue) {
    (member.name, member.value)
  }

  /// Whether a merge patch and somebody else have changed the same member of an object.
  private static func clash(_ patch: JSONObject, _ base: JSONObject?, _ now: JSONObject) -> Bool {
    patch.members.contains { member in
      let yours = member.value == .null ? nil : member.value
      guard yours != now[member.name] else { return false }
      guard let base else { return true }
      return base[member.name] != yours && base[member.name] != now[member.name]
    }
  }

  /// The value as it would be stored; what would be refused is shown as it was sent.
  private static func stored(_ json: JSONValue, _ field: Field) -> JSONValue {
    // Why it would be refused is not what was asked.
    guard let value = try? FieldCodec.value(json, field) else { return json }
    guard value == .null else { return FieldCodec.json(value, field) }
    if case .value(let initial) = field.initial { return initial }
    return FieldCodec.json(FieldCodec.empty(field), field)
  }
}

extension RecordStore {
  /// 412 with the version that is stored now, and all that the caller may know of the conflict.
  ///
  /// - Throws: what reading the database throws.
  func problem(_ mismatch: VersionMismatch) throws -> Problem {
    let record = mismatch.current
    var members = JSONObject([("currentVersion", .integer(record.version))])
    let scope = mismatch.caller.scope(record.resource.description.operation("read"))
    if scope?.contains(record) == true {
      members["current"] = .object(record.object)
      let base = try mismatch.base.flatMap { version in
        try database.read { connection in
          try FieldChanges.members(of: record, at: version, in: connection)
        }
      }
      members["conflicts"] = .object(mismatch.conflicts(base: base))
    }
    return Problem(
      .versionMismatch, "The record has been changed meanwhile; its version is \(record.version).",
      members: members, headers: ["ETag": "\"\(record.version)\""])
  }
}

extension Record {
  /// The record as JSON shows it.
  var object: JSONObject {
    JSONObject(resource.fields.indices.map { (resource.fields[$0].name, json(at: $0)) })
  }
}
