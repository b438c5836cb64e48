import Database
import JSON
import SQLite
import TestSupport
import Testing
import WrapperClient

/// How SQLite answers the lists: every one by an index.
@Suite struct QueryPlanTests {
  @Test("no list, count or search walks a whole table, and the usual ones need no sorting")
  func plans() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await server.contact(["firstName": "Ann", "email": "a@example.org"])
      for number in 0..<3 {
        _ = try await server.lead(["title": .string("\(number)"), "contactId": .string(contact.id)])
      }
      let usual = [
        "", "status=new", "ownerId=ada", "createdAt[gte]=-30d", "sort=createdAt",
        "status=new&ownerId=ada",
      ]
      let others = [
        "q=1", "sort=title", "sort=-updatedAt", "sort=value,-title", "title[startsWith]=a",
        "tags=vip", "tags[all]=a,b", "customFields.a=1", "customFields.a[gt]=1",
        "contactId=\(contact.id)", "externalId=a:1", "value[gt]=5", "email=a@example.org",
        "title[contains]=x", "status[in]=new,contacted", "id=\(contact.id)",
      ]
      for query in usual + others {
        for user in ["ada", "mara", "sam"] {
          let answer = try await server.send(
            "GET", "/api/leads?count=true&limit=1&\(query)", as: user)
          #expect(answer.status == 200, "\(query)")
          if let cursor = answer.json["nextCursor"]?.string {
            _ = try await server.send(
              "GET", "/api/leads?limit=1&\(query)&cursor=\(cursor)", as: user)
          }
        }
      }
      for query in ["", "email=a@example.org", "lifecycle=lead", "sort=lastName", "q=ann"] {
        _ = try await server.send("GET", "/api/contacts?count=true&\(query)")
      }
      let statements = PreparedStatements.all.filter { sql in
        // A condition that is never true is seen before the first row.
        sql.hasPrefix("SELECT ") && !sql.contains(" AND 0")
          && (sql.contains("FROM leads AS t") || sql.contains("FROM contacts AS t"))
      }
      #expect(statements.count > 40)
      for sql in statements {
        let plan = try plan(of: sql, server)
        #expect(!plan.contains { $0.hasPrefix("SCAN t") }, "\(sql)\n\(plan)")
        #expect(
          plan.contains { $0.hasPrefix("SEARCH t USING") && $0.contains("(tenant_id=?") },
          "\(sql)\n\(plan)")
      }
      // Newest first, plain and by status or owner: the index gives the order as well.
      let sorted = statements.filter { sql in
        guard sql.hasSuffix("ORDER BY t.created_at DESC, t.id DESC LIMIT ?"),
          sql.contains("FROM leads AS t")
        else { return false }
        let condition = sql.split(separator: "WHERE", maxSplits: 1).last ?? ""
        return !condition.contains("MATCH") && !condition.contains("json")
          && !condition.contains(" OR ") && !condition.contains("external_id")
          && !condition.contains("contact_id") && !condition.contains("t.id =")
          && !condition.contains("IN (") && !condition.contains(") >= ?")
      }
      #expect(sorted.count >= 4)
      for sql in sorted {
        let plan = try plan(of: sql, server)
        #expect(!plan.contains { $0.hasPrefix("USE TEMP B-TREE") }, "\(sql)\n\(plan)")
      }
    }
  }

  private func plan(of sql: String, _ server: TestServer) throws -> [String] {
    let values = sql.filter { $0 == "?" }.map { _ in SQLiteValue.null }
    return try server.database.read { connection in
      try connection.all("EXPLAIN QUERY PLAN \(PreparedStatements.testMark)\(sql)", values) { row in
        row.text(3) ?? ""
      }
    }
  }
}
