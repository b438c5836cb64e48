internal import JSON
internal import Resources

/// The names and titles that the demo is made of, from `Resources/demo/records.json`.
struct DemoWords {
  struct Company {
    let name: String
    let domain: String
    let city: String
    let country: String
  }

  let firstNames: [String]
  let lastNames: [String]
  let companies: [Company]
  let jobTitles: [String]
  let sources: [String]
  let tags: [String]
  let leadTitles: [String]
  let lifecycles: [String]
  let outcomes: [String]
  let priorities: [String]
  let industries: [String]
  let lostReasons: [String]
  let notes: [String]
  let subjects: [String]
  let results: [String]
  let tasks: [String]

  /// - Throws: ``JSON/JSONSyntaxError`` when the embedded file is broken.
  init() throws {
    guard let file = EmbeddedFile.named("demo/records.json") else {
      preconditionFailure("the binary carries the demo's words")
    }
    let json = try JSONParser.parse(file.bytes)
    func list(_ name: String) -> [String] { (json[name]?.array ?? []).compactMap(\.string) }
    firstNames = list("firstNames")
    lastNames = list("lastNames")
    jobTitles = list("jobTitles")
    sources = list("sources")
    tags = list("tags")
    leadTitles = list("leadTitles")
    lifecycles = list("lifecycles")
    outcomes = list("outcomes")
    priorities = list("priorities")
    industries = list("industries")
    lostReasons = list("lostReasons")
    notes = list("notes")
    subjects = list("subjects")
    results = list("results")
    tasks = list("tasks")
    companies = (json["companies"]?.array ?? []).map { company in
      Company(
        name: company["name"]?.string ?? "", domain: company["domain"]?.string ?? "",
        city: company["city"]?.string ?? "", country: company["country"]?.string ?? "")
    }
  }
}
