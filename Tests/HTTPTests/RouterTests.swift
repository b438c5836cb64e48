import HTTP
import Testing

@Suite struct RouterTests {
  private static let id = "018f3a1c-7b2e-7c4d-8e5f-0123456789ab"

  private static let router: Router<String> = {
    var router = Router<String>()
    router.add(.get, "/", "root")
    router.add(.get, "/api/leads", "list")
    router.add(.post, "/api/leads", "create")
    router.add(.get, "/api/leads/stats", "stats")
    router.add(.get, "/api/leads/{id:uuid}", "read")
    router.add(.delete, "/api/leads/{leadId:uuid}", "delete")
    router.add(.get, "/api/leads/{id:uuid}/notes/{noteId}", "note")
    router.add(.get, "/api/users/{userId}/activity", "activity")
    router.add(.get, "/api/users/me/profile", "profile")
    router.add(.get, "/api/files/{id:uuid}", "file by id")
    router.add(.get, "/api/files/{name}", "file by name")
    router.add(.options, "/api/open", "own options")
    return router
  }()

  private static func describe(_ method: HTTPMethod, _ path: String) -> String {
    switch router.match(method, path: path) {
    case .found(let value, _): value
    case .options(let allow): "options " + allow.map(\.rawValue).joined(separator: ",")
    case .methodNotAllowed(let allow): "405 " + allow.map(\.rawValue).joined(separator: ",")
    case .notFound: "404"
    case .malformed: "400"
    }
  }

  @Test(
    "a path finds its route",
    arguments: [
      ("/", "root"), ("/api/leads", "list"), ("/api/leads/stats", "stats"),
      ("/api/leads/\(id)", "read"), ("/api/leads/\(id)/notes/7", "note"),
      ("/api/users/u1/activity", "activity"), ("/api/users/me/profile", "profile"),
      ("/api/files/\(id)", "file by id"), ("/api/files/a.txt", "file by name"),
    ])
  func found(path: String, value: String) {
    #expect(Self.describe(.get, path) == value)
  }

  @Test("a literal that leads nowhere gives way to a parameter")
  func goesBack() {
    #expect(Self.describe(.get, "/api/users/me/activity") == "activity")
  }

  @Test(
    "other paths are not found",
    arguments: [
      "", "api/leads", "//", "/api", "/api/leads/", "/api//leads", "/api/leads/x", "/API/leads",
      "/api/leads/018F3A1C-7B2E-7C4D-8E5F-0123456789AB", "/api/users//activity",
      "/api/leads%2Fstats",
      "/api/leads/\(id)x", "/api/files/",
    ])
  func notFound(path: String) {
    #expect(Self.describe(.get, path) == "404")
  }

  @Test("parameters are decoded after the path is split")
  func decodesParameters() throws {
    guard
      case .found("note", let parameters) = Self.router.match(
        .get, path: "/api/leads/\(Self.id)/notes/a%2Fb%20%C3%A9+c")
    else {
      Issue.record("not found")
      return
    }
    #expect(parameters["id"] == Self.id)
    #expect(parameters["noteId"] == "a/b é+c")
  }

  @Test("an escaped path is the same path")
  func escapedLiteral() {
    #expect(Self.describe(.get, "/%61pi/le%61ds/stats") == "stats")
    #expect(Self.describe(.get, "/api/leads/%3018f3a1c-7b2e-7c4d-8e5f-0123456789ab") == "read")
  }

  @Test(
    "a path whose escapes are broken is malformed",
    arguments: [
      "/api/files/%", "/api/files/%2", "/api/files/%zz", "/api/files/%00", "/%ff", "/a%C3/%A9",
    ])
  func malformed(path: String) {
    #expect(Self.describe(.get, path) == "400")
  }

  @Test("HEAD falls back to GET and Allow says so")
  func head() {
    #expect(Self.describe(.head, "/api/leads") == "list")
    #expect(Self.describe(.head, "/api/open") == "405 OPTIONS")
    #expect(Self.describe(.put, "/api/leads") == "405 GET,HEAD,POST,OPTIONS")
    #expect(Self.describe(.options, "/api/leads") == "options GET,HEAD,POST,OPTIONS")
    #expect(Self.describe(.options, "/api/open") == "own options")
    #expect(Self.describe(.options, "/nowhere") == "404")
  }

  @Test("two methods of one path may name its parameter differently")
  func namesByMethod() {
    guard
      case .found("delete", let parameters) = Self.router.match(
        .delete, path: "/api/leads/\(Self.id)")
    else {
      Issue.record("not found")
      return
    }
    #expect(parameters["leadId"] == Self.id)
  }

  @Test("routes are listed in the order in which they were added")
  func listsRoutes() {
    #expect(Self.router.routes.prefix(3).map(\.1) == ["/", "/api/leads", "/api/leads"])
    #expect(Self.router.routes.count == 12)
  }

  @Test("a route that is added twice stops the program")
  func duplicate() async {
    await #expect(processExitsWith: .failure) {
      var router = Router<Int>()
      router.add(.get, "/a/{x}", 1)
      router.add(.get, "/a/{y}", 2)
    }
  }

  @Test("a parameter that the pattern does not have stops the program")
  func unknownParameter() async {
    await #expect(processExitsWith: .failure) {
      var router = Router<Int>()
      router.add(.get, "/a/{x}", 1)
      if case .found(_, let parameters) = router.match(.get, path: "/a/b") {
        _ = parameters["y"]
      }
    }
  }
}
