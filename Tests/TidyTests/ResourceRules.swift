/// What the binary carries is what lies in `Resources`.
enum ResourceRules {
  /// Files that are missing from the table in resources.c, by name or by content.
  static func missing(_ paths: [String], in table: String) -> [String] {
    paths.filter { path in
      !table.contains("#embed \"../../Resources/\(path)\"") || !table.contains("(\"\(path)\",")
    }
  }

  /// Schema files whose name is not NNNN-name.sql or whose number leaves a gap, from 0001.
  static func misnumbered(_ paths: [String]) -> [String] {
    let names = paths.filter { $0.hasPrefix("schema/") }.map { String($0.dropFirst(7)) }.sorted()
    return names.enumerated().filter { index, name in
      let digits = name.prefix(4)
      let isNamed = name.dropFirst(4).hasPrefix("-") && name.hasSuffix(".sql") && name.count > 9
      return digits.count != 4 || Int(digits) != index + 1 || !isNamed
    }
    .map(\.element)
  }
}
