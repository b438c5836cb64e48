/// The help of the directory's commands, made from their tables.
enum DirectoryHelp {
  /// All of a noun.
  static func page(_ noun: DirectoryNoun) -> String {
    """
    cardfile \(noun.name): \(noun.summary)

    \(noun.verbs.map { verb(noun, $0) }.joined(separator: "\n\n"))

    Every command takes
      --db FILE, CRM_DB_PATH
          The SQLite file (data/cardfile.db).
    \(noun.verbs.contains(where: \.needsTenant) ? tenant : "")\
      --json
          Print JSON for programs.

    A running server makes the change itself and holds it at once; without one the file is changed.

    Examples:
    \(noun.verbs.flatMap(\.examples).map { "  cardfile \($0)" }.joined(separator: "\n"))
    """
  }

  private static let tenant = """
      --tenant ID, CRM_TENANT_ID
          The tenant; not needed where the file has only one.

    """

  private static func verb(_ noun: DirectoryNoun, _ verb: DirectoryVerb) -> String {
    let required = verb.options.filter(\.isRequired).map { "--\($0.name) \($0.value)" }
    let hasMore = verb.options.contains { !$0.isRequired }
    let words =
      ["cardfile", noun.name, verb.name] + verb.operands + required + (hasMore ? ["[options]"] : [])
    let options = verb.options.map { option in
      var name = "--\(option.name)"
      if case .flag = option.kind {} else { name += " \(option.value)" }
      return "\n      \(name)\n          \(option.summary)"
    }
    return "  \(words.joined(separator: " "))\n      \(verb.summary)" + options.joined()
  }
}
