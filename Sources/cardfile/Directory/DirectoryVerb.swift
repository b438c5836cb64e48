internal import JSON

/// What the commands of the directory are about: `cardfile user …`.
///
/// The tables of nouns and verbs are all there is to say of these commands: arguments are read by
/// them, bodies are made by them, and the help is printed from them.
struct DirectoryNoun: Sendable {
  let name: String
  let summary: String
  let verbs: [DirectoryVerb]

  /// Every noun, in the order of the help.
  static let all: [DirectoryNoun] = [.user, .role, .unit, .tenant, .credits, .export, .importing]

  static func named(_ name: String) -> DirectoryNoun? { all.first { $0.name == name } }

  func verb(_ name: String) -> DirectoryVerb? {
    verbs.first { $0.name == name || $0.aliases.contains(name) }
  }
}

/// One thing that can be done: `cardfile user add`.
struct DirectoryVerb: Sendable {
  /// A long option.
  struct Option: Sendable {
    /// What it takes.
    enum Kind: Sendable {
      /// Nothing: it stands alone.
      case flag
      /// Text; where `isClearable`, the empty text stands for none.
      case text(isClearable: Bool = false)
      /// Text, any number of times.
      case texts
      case role
      case unit
      case truth
      /// A number, or `none`.
      case limit
      /// `name=value`, any number of times.
      case members
      case choice([String])
    }

    let name: String
    let kind: Kind
    /// What stands for its value in the help.
    var value = "TEXT"
    let summary: String
    /// The member of the body that it becomes; nil for one that is used otherwise.
    var member: String?
    var isRequired = false
  }

  let name: String
  /// Further names, not shown in the help.
  var aliases: [String] = []
  /// What must stand behind the verb, in order.
  var operands: [String] = []
  var options: [Option] = []
  let summary: String
  /// Lines that can be typed as they are, without `cardfile`.
  var examples: [String] = []
  /// Whether it is about one tenant.
  var needsTenant = true
  /// Whether it makes the file where there is none.
  var makesFile = false
  /// Whether it works on the directory, which a remote Wrapper keeps where there is one.
  var isOfDirectory = true
  /// The tenant that is meant where none is named and the file has none yet.
  var fallbackTenant: @Sendable (VerbArguments, DirectoryAccess) async throws -> String? = {
    _, _ in nil
  }
  let run: @Sendable (DirectoryCall) async throws -> VerbOutput
}

/// What a verb has to say.
enum VerbOutput: Sendable {
  /// A line for each entry.
  case table([JSONValue], columns: [Column])
  /// A line for each member.
  case record(JSONValue, columns: [Column])
  /// What was done, and the thing as it is now.
  case done(String, JSONValue)
  /// Nothing: what was asked for stands on standard output already.
  case nothing

  /// One member of what is shown.
  struct Column: Sendable {
    let title: String
    let member: String

    init(_ title: String, _ member: String) {
      self.title = title
      self.member = member
    }
  }
}
