/// The members of a JSON object in the order they were written; names are unique.
public struct JSONObject: Sendable, Hashable {
  /// One name and its value.
  public struct Member: Sendable, Hashable {
    /// The member's name.
    public var name: String
    /// The member's value.
    public var value: JSONValue
  }

  /// The members in order.
  public private(set) var members: [Member]

  /// An object of the given members; a later one of the same name replaces an earlier one.
  public init(_ members: [(String, JSONValue)] = []) {
    self.members = []
    self.members.reserveCapacity(members.count)
    for (name, value) in members { self[name] = value }
  }

  /// Takes members whose names are known to be unique.
  init(unchecked members: [Member]) {
    self.members = members
  }

  /// The names in order.
  public var names: [String] { members.map(\.name) }

  /// Whether there are no members.
  public var isEmpty: Bool { members.isEmpty }

  /// The value of `name`; setting nil removes the member.
  public subscript(name: String) -> JSONValue? {
    get { members.first { $0.name == name }?.value }
    set {
      let index = members.firstIndex { $0.name == name }
      switch (index, newValue) {
      case (let index?, let value?): members[index].value = value
      case (let index?, nil): members.remove(at: index)
      case (nil, let value?): members.append(Member(name: name, value: value))
      case (nil, nil): break
      }
    }
  }

  /// Makes room for `capacity` members.
  public mutating func reserveCapacity(_ capacity: Int) {
    members.reserveCapacity(capacity)
  }

  /// Appends a member whose name is known not to be there yet, so that nobody has to look.
  public mutating func append(unique name: String, _ value: JSONValue) {
    assert(self[name] == nil, "the name stands there already")
    members.append(Member(name: name, value: value))
  }

  /// Applies `patch` by JSON Merge Patch (RFC 7396): null removes, an object merges, all else
  /// replaces.
  public func merged(with patch: JSONObject) -> JSONObject {
    var result = self
    for member in patch.members {
      switch member.value {
      case .null:
        result[member.name] = nil
      case .object(let part):
        let base = result[member.name]?.object ?? JSONObject()
        result[member.name] = .object(base.merged(with: part))
      default:
        result[member.name] = member.value
      }
    }
    return result
  }
}
