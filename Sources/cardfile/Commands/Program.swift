internal import Foundation

/// The program's entry: picks the command.
enum Program {
  /// The version of `--version`, the OpenAPI document and the User-Agent.
  static let version = "0.1.0"

  /// Exit codes: 0 ok, 1 failed, 2 wrong usage.
  enum ExitCode {
    static let success: Int32 = 0
    static let failure: Int32 = 1
    static let usage: Int32 = 2
  }

  @concurrent
  static func run(_ arguments: [String]) async -> Int32 {
    guard let first = arguments.first else {
      Terminal.output(Help.overview)
      return ExitCode.usage
    }
    let rest = Array(arguments.dropFirst())
    switch first {
    case "--version", "version":
      Terminal.output("cardfile \(version)")
      return ExitCode.success
    case "help", "--help", "-h":
      return help(rest)
    case "serve", "wrapper":
      if rest.contains("--help") || rest.contains("-h") { return help([first]) }
      let options: CommandOptions
      do {
        options = try CommandOptions(rest, command: first)
      } catch {
        Terminal.error("cardfile \(first): \(error.reason)\nSee: cardfile help \(first)")
        return ExitCode.usage
      }
      return first == "serve" ? await ServeCommand.run(options) : await WrapperCommand.run(options)
    case "verify", "rebuild":
      if rest.contains("--help") || rest.contains("-h") { return help([first]) }
      return first == "verify" ? await VerifyCommand.run(rest) : await RebuildCommand.run(rest)
    case "demo":
      if rest.contains("--help") || rest.contains("-h") { return help([first]) }
      return await DemoCommand.run(rest)
    default:
      if let noun = DirectoryNoun.named(first) { return await DirectoryCommand.run(noun, rest) }
      Terminal.error("cardfile: there is no command \(first)\n\n\(Help.overview)")
      return ExitCode.usage
    }
  }

  private static func help(_ topics: [String]) -> Int32 {
    switch topics.first {
    case nil: Terminal.output(Help.overview)
    case "serve": Terminal.output(Help.serve)
    case "wrapper": Terminal.output(Help.wrapper)
    case "verify": Terminal.output(VerifyCommand.help)
    case "rebuild": Terminal.output(RebuildCommand.help)
    case "demo": Terminal.output(DemoCommand.help)
    case let topic?:
      if let noun = DirectoryNoun.named(topic) {
        Terminal.output(DirectoryHelp.page(noun))
        return ExitCode.success
      }
      Terminal.error("cardfile help: there is no command \(topic)\n\n\(Help.overview)")
      return ExitCode.usage
    }
    return ExitCode.success
  }
}
