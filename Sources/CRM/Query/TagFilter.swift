internal import HTTP
internal import SQLite
internal import Values

/// Conditions on tags, which compare without case and accents.
///
/// `tags=a,b` and `tags[in]`: any; `tags[all]`: every one; `tags[none]`, `tags[nin]`, `tags[ne]`:
/// no one.
enum TagFilter {
  static func condition(
    _ asked: Filter.Asked, _ resource: Resource, tenantID: String
  ) throws(Problem) -> SQLFragment {
    func holders(of tags: [String], negated: Bool = false) -> SQLFragment {
      Self.holders(of: tags, resource, tenantID: tenantID, negated: negated)
    }
    if asked.asked == .isNull {
      return SQLFragment("t.tags \(try asked.flag() ? "=" : "<>") '[]'")
    }
    var tags: [String] = []
    for tag in try Filter.list(asked.value, name: asked.name).map(Folding.fold)
    where !tags.contains(tag) {
      tags.append(tag)
    }
    switch asked.asked ?? .in {
    case .eq, .in, .contains: return holders(of: tags)
    case .ne, .nin, .none: return holders(of: tags, negated: true)
    case .all:
      var every = SQLFragment("1")
      for tag in tags {
        every.append(SQLFragment(" AND "))
        every.append(holders(of: [tag]))
      }
      return every
    default: throw asked.unfitOperator()
    }
  }

  /// The rows `t` that have one of `tags`, found in the index of tags.
  private static func holders(
    of tags: [String], _ resource: Resource, tenantID: String, negated: Bool
  ) -> SQLFragment {
    let marks = tags.map { _ in "?" }.joined(separator: ", ")
    return SQLFragment(
      """
      t.id \(negated ? "NOT IN" : "IN") (
        SELECT g.entity_id FROM record_tags AS g
        WHERE g.tenant_id = ? AND g.entity_type = ? AND g.tag_folded IN (\(marks)))
      """,
      [.text(tenantID), .text(resource.description.entityType)] + tags.map(SQLiteValue.text))
  }
}
