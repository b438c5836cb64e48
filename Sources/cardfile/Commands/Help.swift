/// The texts of `cardfile help`.
enum Help {
  static let overview = """
    cardfile \(Program.version): a CRM server in one binary and one SQLite file

    cardfile serve [--demo]   serve the API; with --demo on a small made-up company
    cardfile wrapper          run the embedded Wrapper alone, to develop against it
    cardfile demo             fill a file with a long activity log, to try things on
    \(DirectoryNoun.all.map(line).joined(separator: "\n"))
    cardfile verify           tell whether the file is sound and its log what was written
    cardfile rebuild …        make sums, counters or full text anew
    cardfile help [command]   this page, or all options of a command
    cardfile --version        the version
    """

  static let serve = """
    cardfile serve: serve the API

    Options stand over the environment, the environment over .env in the working directory.

    \(table { _ in true })

    Every secret may also be given as NAME_FILE, the path of a file that holds it.
    SIGTERM finishes what was accepted and exits 0; SIGHUP reads the TLS files again.
    """

  static let wrapper = """
    cardfile wrapper: run the embedded Wrapper alone

    It serves tenants, people, permissions, credits and activities from its own tables, guarded by
    WRAPPER_API_KEY; without one it makes a key and prints it.

    \(table { $0.flag.map(CommandOptions.wrapperFlags.contains) == true })

    Switches that break it, to see what its clients do then:

    \(FaultSwitch.all.map { "  --\($0.name)\n      \($0.summary)" }.joined(separator: "\n"))

    A Wrapper that loses every fifth request, and is gone from the 60th second to the 90th:
      cardfile wrapper --demo --fail-rate 0.2 --down-after 60 --up-after 30
    """

  private static func line(_ noun: DirectoryNoun) -> String {
    let command = "cardfile \(noun.name) …"
    return command + String(repeating: " ", count: 26 - command.count) + noun.summary
  }

  private static func table(_ isIncluded: (Setting) -> Bool) -> String {
    Setting.all.filter(isIncluded).map { setting in
      let names = [setting.flag.map { "--\($0)" }, setting.name].compactMap(\.self)
        .joined(separator: ", ")
      let fallback = setting.fallback.map { " (\($0))" } ?? ""
      return "  \(names)\n      \(setting.summary)\(fallback)"
    }.joined(separator: "\n")
  }
}
