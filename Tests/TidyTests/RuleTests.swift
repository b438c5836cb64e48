internal import Testing

/// Each rule is shown a text that breaks it: a rule that cannot fail is worth nothing.
@Suite("Every rule finds what breaks it") struct RuleTests {
  private func file(_ text: String, path: String = "Sources/CRM/Sample.swift") -> SourceFile {
    SourceFile(path: path, text: text)
  }

  private func lines(_ findings: [Finding]) -> [Int] { findings.map(\.line) }

  @Test("a file of 501 lines is too long, one of 500 is not")
  func longFile() {
    let line = "let a = 1\n"
    #expect(LengthRules.longFiles(file(String(repeating: line, count: 501))).count == 1)
    #expect(LengthRules.longFiles(file(String(repeating: line, count: 500))).isEmpty)
  }

  @Test("a line of 101 columns is too wide, one of 100 letters with accents is not")
  func longLine() {
    #expect(lines(LengthRules.longLines(file("\n" + String(repeating: "a", count: 101)))) == [2])
    #expect(LengthRules.longLines(file(String(repeating: "é", count: 100))).isEmpty)
  }

  @Test(
    "a body of more than 70 lines is found in every kind of declaration",
    arguments: [
      "func f(a: [Int] = [1]) throws(E) -> (Int, Int) where T: P {", "init?(a: Int) {", "deinit {",
      "subscript(i: Int) -> Int {", "var sum: [Int] {", "func `}` () {",
    ])
  func longFunction(head: String) {
    let line = "  if true { print(\"}\") }  // }\n"
    let allowed = head + "\n" + String(repeating: line, count: 68) + "}\n"
    let long = head + "\n" + String(repeating: line, count: 69) + "}\n"
    #expect(lines(LengthRules.longFunctions(file("struct S {\n\(long)}\n"))) == [2])
    #expect(LengthRules.longFunctions(file("struct S {\n\(allowed)}\n")).isEmpty)
  }

  @Test("a requirement without body and a call of init are no functions")
  func bodiless() {
    let rest = String(repeating: "  let a = 1\n", count: 90)
    #expect(
      LengthRules.longFunctions(file("protocol P {\n  func f() -> Int\n}\nenum E {\n\(rest)}\n"))
        .isEmpty)
    #expect(LengthRules.longFunctions(file("var a: Int\nenum E {\n\(rest)}\n")).isEmpty)
    #expect(LengthRules.longFunctions(file("enum E {\n  case a\n\(rest)}\n")).isEmpty)
  }

  @Test("an unsafe word is found in code outside its rooms, not in text and comments")
  func unsafeWords() {
    let text = "// Unsafe\nlet a = \"Unsafe\"\nlet b: UnsafeRawPointer\n"
    #expect(lines(WordRules.unsafeWords(file(text))) == [3])
    #expect(WordRules.unsafeWords(file(text, path: "Sources/SQLite/Sample.swift")).isEmpty)
    #expect(lines(WordRules.unsafeWords(file("let a = \"\\(unsafeBitCast(b))\""))) == [1])
  }

  @Test("a forced try is found also inside an interpolation")
  func forcedTry() {
    #expect(lines(WordRules.forcedTries(file("// try!\nlet a = \"\\(try! f())\""))) == [2])
  }

  @Test("a print is found in a room, not in a program, nor a method of that name")
  func prints() {
    #expect(lines(WordRules.prints(file("a.print(1)\n  print (\"x\")"))) == [2])
    #expect(WordRules.prints(file("print(1)", path: "Sources/cardfile/main.swift")).isEmpty)
    #expect(WordRules.prints(file("print(1)", path: "Tests/CRMTests/A.swift")).count == 1)
  }

  @Test(
    "words for unfinished work are found in comments and text",
    arguments: [
      "// TO" + "DO: later", "// FIX" + "ME", "// X" + "XX", "a(\"not imple" + "mented\")",
    ])
  func unfinishedWork(line: String) {
    #expect(lines(WordRules.unfinishedWork(file("let a = 1\n\(line)"))) == [2])
  }

  @Test("a form's attribute and the phrase of status 501 are the field's own terms")
  func ownTerms() {
    let attribute = "<input place" + "holder=\"Name\">"
    #expect(WordRules.unfinishedWork(file(attribute, path: "Resources/web/a.html")).isEmpty)
    #expect(WordRules.unfinishedWork(file(attribute)).count == 1)
    #expect(WordRules.unfinishedWork(file("case 501: \"Not Imple" + "mented\"")).isEmpty)
  }

  @Test("a dropped error needs a comment on its line or directly above its statement")
  func droppedErrors() {
    #expect(lines(WordRules.droppedErrors(file("let a = 1  // One.\nlet b = try? f()"))) == [2])
    #expect(lines(WordRules.droppedErrors(file("// A reason.\n\nlet b = try? f()"))) == [3])
    #expect(WordRules.droppedErrors(file("// Gone is gone.\nlet b = try? f()")).isEmpty)
    #expect(WordRules.droppedErrors(file("try? f()  // Gone is gone.")).isEmpty)
    #expect(WordRules.droppedErrors(file("// Gone is gone.\nlet b =\n  try? f()")).isEmpty)
  }

  @Test("an unchecked promise needs a safety comment within six lines above")
  func safety() {
    let promise = "final class A: @unchecked Sendable {}"
    #expect(lines(WordRules.unexplainedSafety(file(promise))) == [1])
    #expect(lines(WordRules.unexplainedSafety(file("nonisolated(unsafe) var a = 1"))) == [1])
    #expect(WordRules.unexplainedSafety(file("// Safety: one owner.\n\(promise)")).isEmpty)
    let far = "// Safety: one owner.\n" + String(repeating: "let a = 1\n", count: 6)
    #expect(lines(WordRules.unexplainedSafety(file(far + promise))) == [8])
    #expect(WordRules.unexplainedSafety(file("let a = \"Safety:\"\n\(promise)")).count == 1)
  }

  @Test("a closure is found as a mutex's own value, not in a structure or beside a mutex")
  func lockedClosures() {
    let closure = "let a = Mutex<(@Sendable (Int) -> Void)?>(nil)"
    #expect(lines(WordRules.lockedClosures(file("\n\(closure)"))) == [2])
    #expect(WordRules.lockedClosures(file("let a = Mutex<Observer?>(nil)")).isEmpty)
    #expect(WordRules.lockedClosures(file("func a(_ b: Mutex<Int>) {}\nlet c: () -> Int")).isEmpty)
  }

  @Test(
    "a type name that says nothing is found",
    arguments: [
      "LeadManager", "HTTPHelper", "Util", "StoreImpl", "DateUtils", "LeadService", "HelperList",
    ])
  func vagueNames(name: String) {
    #expect(lines(WordRules.vagueNames(file("\nfinal class \(name) {}"))) == [2])
  }

  @Test("a name that only contains such letters is not")
  func clearNames() {
    let text = "struct Implicit {}\nclass func make() {}\nenum Utilization {}\nlet aManager = 1"
    #expect(WordRules.vagueNames(file(text)).isEmpty)
  }

  @Test("a resource is missed when its name or its bytes are not in the table")
  func missingResources() {
    let table = "#embed \"../../Resources/web/a.js\"\nENTRY(\"web/a.js\", a),\n"
    #expect(ResourceRules.missing(["web/a.js"], in: table) == [])
    #expect(ResourceRules.missing(["web/b.js"], in: table) == ["web/b.js"])
    let unnamed = "#embed \"../../Resources/web/a.js\"\n"
    #expect(ResourceRules.missing(["web/a.js"], in: unnamed) == ["web/a.js"])
  }

  @Test("a gap, a double and a nameless file in the schema are found")
  func schemaNumbers() {
    #expect(ResourceRules.misnumbered(["schema/0001-a.sql", "schema/0002-b.sql"]) == [])
    #expect(ResourceRules.misnumbered(["schema/0001-a.sql", "schema/0003-b.sql"]).count == 1)
    #expect(ResourceRules.misnumbered(["schema/0001-a.sql", "schema/0001-b.sql"]).count == 1)
    #expect(ResourceRules.misnumbered(["schema/1-a.sql"]).count == 1)
    #expect(ResourceRules.misnumbered(["schema/0001-.sql"]).count == 1)
  }
}
