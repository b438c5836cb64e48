import JSON
import TestSupport
import Testing
import WrapperClient

/// A query string that is wrong is answered with what is wrong in it, and where.
@Suite struct QueryFaultTests {
  @Test("the first error names the parameter, the token at fault and its position as it was sent")
  func positions() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      _ = try await server.lead(["title": "t"])
      for (query, parameter, token) in [
        ("value[gt]=abc", "value[gt]", "abc"), ("status=new&colour=red", "colour", "colour"),
        ("title[like]=x", "title[like]", "like"), ("title[]=x", "title[]", ""),
        ("status[in]=new,oldish,won", "status[in]", "oldish"),
        ("limit=20&sort=-title,-colour,value", "sort", "colour"),
        ("sort=title,-title", "sort", "title"), ("fields=id,title,colour", "fields", "colour"),
        ("expand=owner,brother", "expand", "brother"), ("limit=201", "limit", "201"),
        ("count=yes", "count", "yes"), ("cursor=abc", "cursor", "abc"),
        ("createdAt[gte]=-30x", "createdAt[gte]", "-30x"), ("ownerId[gt]=a", "ownerId[gt]", "gt"),
        ("createdAt[in]=2026-01-31,then", "createdAt[in]", "then"),
        ("tags[gt]=a", "tags[gt]", "gt"),
        ("title[isNull]=maybe", "title[isNull]", "maybe"), ("limit=1&limit=2", "limit", "limit"),
        ("metadata[contains]=x", "metadata[contains]", "contains"),
      ] {
        let answer = try await server.send("GET", "/api/leads?\(query)")
        #expect(answer.status == 400, "\(query)")
        let fault = try #require(answer.json["errors"]?.array?.first, "\(query)")
        #expect(fault["parameter"] == .string(parameter), "\(query)")
        #expect(fault["token"] == .string(token), "\(query)")
        #expect(fault["code"] == answer.json["code"], "\(query)")
        #expect(fault["detail"]?.string?.isEmpty == false)
        let position = try #require(fault["position"]?.integer, "\(query)")
        #expect(query.dropFirst(Int(position)).hasPrefix(token), "\(query): \(position)")
        let isLast = query.hasPrefix("limit=1&") || query.hasPrefix("sort=title,")
        #expect(isLast == (query.prefix(Int(position)).contains(token) && !token.isEmpty))
      }
    }
  }

  @Test("positions count characters of the query as it was sent, percent-encoding included")
  func encodedQueries() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for (query, token) in [
        ("title=%C3%A9%20x&status%5Bin%5D=new%2C%C3%A9%2Cnew", "é"),
        ("q=a+b&%76alue%5Bgt%5D=1%2E2345", "1.2345"), ("%63olour=red", "colour"),
      ] {
        let answer = try await server.send("GET", "/api/leads?\(query)")
        #expect(answer.status == 400, "\(query)")
        let fault = try #require(answer.json["errors"]?.array?.first)
        #expect(fault["token"] == .string(token), "\(query)")
        let position = Int(fault["position"]?.integer ?? -1)
        let rest = query.dropFirst(position)
        #expect(rest.hasPrefix(["é": "%C3%A9", "1.2345": "1%2E2345"][token] ?? "%63olour"))
      }
      let broken = try await server.send("GET", "/api/leads?status=new&title=%zz")
      #expect(broken.status == 400)
      #expect(broken.json["errors"]?.array?.first?["parameter"] == "title")
      #expect(broken.json["errors"]?.array?.first?["position"] == 17)
    }
  }

  @Test("reads of one record and lists in memory say where their fault is as well")
  func otherRoutes() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let lead = try await server.lead(["title": "t"])
      for (path, parameter, token, position) in [
        ("/api/leads/\(lead.id)?fields=id,colour", "fields", "colour", 10),
        ("/api/leads/\(lead.id)?fields=id&expand=colour", "expand", "colour", 17),
        ("/api/leads/\(lead.id)?colour=red", "colour", "colour", 0),
        ("/api/users?limit=5&page=x", "page", "x", 13),
      ] {
        let fault = try await server.send("GET", path).json["errors"]?.array?.first
        #expect(fault?["parameter"] == .string(parameter), "\(path)")
        #expect(fault?["token"] == .string(token), "\(path)")
        #expect(fault?["position"] == .integer(position), "\(path)")
      }
    }
  }
}
