extension Field {
  /// What lists can ask of its values, as the `op` of `field[op]=value`.
  public var operators: [String] {
    let asked: [Filter.Operator] =
      switch type {
      case .tenant: []
      case .tags: [.eq, .ne, .in, .nin, .contains, .all, .none, .isNull]
      case let type where type.isStructured: [.isNull]
      case let type where type.isText:
        [.eq, .ne, .gt, .gte, .lt, .lte, .in, .nin, .contains, .startsWith, .isNull]
      case .integer, .decimal, .timestamp, .date:
        [.eq, .ne, .gt, .gte, .lt, .lte, .in, .nin, .isNull]
      default: [.eq, .ne, .in, .nin, .isNull]
      }
    return asked.map(\.rawValue)
  }
}
