internal import HTTP
internal import JSON
internal import SQLite

extension RecordValidation {
  /// Checks the members of `customFields` by their definitions.
  ///
  /// Of a record that exists only what changes is looked at, so that a definition made later does
  /// not get into the way of changing anything else. A record that is new or replaced gets the
  /// defaults of the members that it does not name.
  mutating func checkCustomFields(
    _ record: inout Record, stored: Record?, _ change: Change = .replace
  ) {
    let defined = customFields[resource.description.entityType]
    guard !defined.isEmpty || caller.hasStrictCustomFields, !hasIssue(Self.member) else { return }
    let before = stored.flatMap(Self.members) ?? JSONObject()
    let given = Self.members(record) ?? JSONObject()
    guard stored == nil || given != before else { return }
    var members = given
    for member in given.members where member.value != before[member.name] {
      guard let definition = defined.first(where: { $0.key == member.name }) else {
        if caller.hasStrictCustomFields { addUndefined(member.name) }
        continue
      }
      do throws(FieldIssue) {
        members[member.name] = try definition.checked(member.value)
      } catch {
        add(Self.pointer(member.name), error)
      }
    }
    for definition in defined {
      if change == .replace, members[definition.key] == nil {
        members[definition.key] = definition.initial
      }
      let wasThere = stored == nil || !Self.isBlank(before[definition.key])
      let name = Self.pointer(definition.key)
      if definition.isRequired, wasThere, Self.isBlank(members[definition.key]), !hasIssue(name) {
        add(name, FieldIssue("required", "\(definition.key) is required"))
      }
    }
    guard members != given else { return }
    do throws(FieldIssue) {
      record[Self.member] = .text(try StructuredField.object(.object(members)).text)
    } catch {
      add(Self.member, error)
    }
  }

  private static let member = "customFields"

  private static func members(_ record: Record) -> JSONObject? {
    record.json(at: record.resource.commonPlace(member)).object
  }

  private static func pointer(_ key: String) -> String { "\(member)/\(RecordBody.escaped(key))" }

  private mutating func addUndefined(_ key: String) {
    add(
      Self.pointer(key),
      FieldIssue("unknown_member", "the tenant has defined no field \(key.prefix(64)) here"))
  }

  /// Whether a value says nothing: none, spaces alone, or no option chosen.
  private static func isBlank(_ value: JSONValue?) -> Bool {
    switch value {
    case nil, .null?: true
    case .string(let text)?: text.allSatisfy(\.isWhitespace)
    case .array(let elements)?: elements.isEmpty
    default: false
    }
  }
}
