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
          // A range of something else may be the shorter way, which then needs sorting.
          && !condition.contains(/t\.(email_folded|updated_at|converted_at) [<>]/)
      }
      #expect(sorted.count >= 4)
      for sql in sorted {
        let plan = try plan(of: sql, server)
        #expect(!plan.contains { $0.hasPrefix("USE TEMP B-TREE") }, "\(sql)\n\(plan)")
      }
    }
  }

  @Test("the trash and a purge find what hangs from a record, and what names it, by indexes")
  func cascades() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await server.contact(["firstName": "Ann"])
      let path = "/api/contacts/\(contact.id)"
      _ = try await server.send("POST", "\(path)/notes", ["body": "n"])
      _ = try await server.send("DELETE", path)
      _ = try await server.send("POST", "\(path)/restore")
      #expect(try await server.send("DELETE", "\(path)?purge=true").status == 200)
      let tables = ["notes", "interactions", "files", "tasks", "deals", "leads"]
      let statements = PreparedStatements.prepared(server.path).filter { sql in
        ["SELECT", "UPDATE", "DELETE"].contains { sql.hasPrefix($0) }
          && tables.contains { sql.contains("FROM \($0) ") || sql.contains("UPDATE \($0)\n") }
      }
      for table in tables {
        #expect(statements.contains { $0.contains(" \(table)") }, "\(table)")
      }
      for sql in statements {
        let plan = try plan(of: sql, server)
        // By the tenant alone would be a walk through all that it has.
        #expect(!plan.contains { $0.hasSuffix("(tenant_id=?)") }, "\(sql)\n\(plan)")
        #expect(!plan.contains { $0.hasPrefix("SCAN") }, "\(sql)\n\(plan)")
      }
    }
  }

  /// The usual lists: the path, what is asked, and the index that gives rows and order.
  private static let usual: [(path: String, query: String, index: String)] = [
    ("contacts", "", "contacts_created"), ("contacts", "ownerId=ada", "contacts_owner"),
    ("contacts", "createdBy=ada", "contacts_creator"),
    ("contacts", "lifecycle=lead", "contacts_lifecycle"),
    ("contacts", "companyId=x", "contacts_company"),
    ("contacts", "sort=-updatedAt", "contacts_updated"),
    ("contacts", "sort=lastName", "contacts_name"), ("contacts", "sort=-lastName", "contacts_name"),
    ("contacts", "createdAt[gte]=-30d", "contacts_created"),
    ("contacts", "sort=updatedAt&updatedAt[gt]=-30d", "contacts_updated"),
    ("companies", "", "companies_created"), ("companies", "ownerId=ada", "companies_owner"),
    ("companies", "createdBy=ada", "companies_creator"),
    ("companies", "sort=name", "companies_name"),
    ("companies", "sort=-updatedAt", "companies_updated"),
    ("leads", "", "leads_created"), ("leads", "ownerId=ada", "leads_owner"),
    ("leads", "createdBy=ada", "leads_creator"), ("leads", "status=new", "leads_status"),
    ("leads", "contactId=x", "leads_contact"), ("leads", "email=a@b.org", "leads_email"),
    ("leads", "sort=-updatedAt", "leads_updated"),
    ("deals", "", "deals_created"), ("deals", "ownerId=ada", "deals_owner"),
    ("deals", "createdBy=ada", "deals_creator"), ("deals", "assignedTo=ada", "deals_assigned"),
    ("deals", "status=open", "deals_status"), ("deals", "stage=won", "deals_stage_alone"),
    ("deals", "pipelineId=x&stage=won", "deals_stage"),
    ("deals", "contactId=x", "deals_contact"), ("deals", "companyId=x", "deals_company"),
    ("deals", "sort=expectedCloseOn", "deals_closing"),
    ("deals", "sort=-updatedAt", "deals_updated"),
    ("tasks", "", "tasks_created"), ("tasks", "ownerId=ada", "tasks_owner"),
    ("tasks", "createdBy=ada", "tasks_creator"), ("tasks", "assignedTo=ada", "tasks_assigned"),
    ("tasks", "status=open", "tasks_status"), ("tasks", "sort=dueAt", "tasks_due"),
    ("tasks", "sort=-dueAt&dueAt[lt]=-1d", "tasks_due"), ("tasks", "entityId=x", "tasks_entity"),
    ("tasks", "entityType=deal&entityId=x", "tasks_entity"),
    ("tasks", "sort=-updatedAt", "tasks_updated"),
    ("tasks", "overdue=true&sort=dueAt", "tasks_overdue"),
    ("notes", "", "notes_created"), ("notes", "ownerId=ada", "notes_owner"),
    ("notes", "createdBy=ada", "notes_creator"), ("notes", "entityId=x", "notes_entity"),
    ("contacts/{id}/notes", "", "notes_entity"),
    ("interactions", "", "interactions_created"),
    ("interactions", "ownerId=ada", "interactions_owner"),
    ("interactions", "createdBy=ada", "interactions_creator"),
    ("interactions", "type=call", "interactions_type"),
    ("interactions", "status=planned", "interactions_status"),
    ("interactions", "dealId=x", "interactions_about_deal"),
    ("interactions", "entityType=deal&entityId=x", "interactions_entity"),
    ("interactions", "sort=-occurredAt", "interactions_occurred"),
    ("contacts/{id}/interactions", "", "interactions_entity"),
    ("files", "", "files_created"), ("files", "ownerId=ada", "files_owner"),
    ("files", "createdBy=ada", "files_creator"), ("files", "entityId=x", "files_entity"),
    ("contacts/{id}/files", "", "files_entity"),
  ]

  @Test("the usual lists of every resource have one index that gives their rows and their order")
  func usualLists() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await server.contact(["firstName": "Ann"])
      for (path, query, index) in Self.usual {
        let path = "/api/\(path.replacing("{id}", with: contact.id))"
        let statement = try await statement(of: "\(path)?\(query)", as: "ada", server)
        let plan = try plan(of: statement, server)
        #expect(plan.count == 1, "\(path)?\(query)\n\(plan)")
        #expect(
          plan.first?.hasPrefix("SEARCH t USING INDEX \(index) (tenant_id=?") == true,
          "\(path)?\(query)\n\(plan)")
      }
      // By tag, the index of tags gives the rows.
      let tagged = try await statement(of: "/api/contacts?tags=vip", as: "ada", server)
      #expect(
        try plan(of: tagged, server).contains { $0.contains("SEARCH g USING PRIMARY KEY") })
    }
  }

  @Test("a scope that reaches some records merges one index for each way to reach them")
  func scopes() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for (path, user, indexes) in [
        ("leads", "sam", ["leads_owner", "leads_creator"]),
        ("contacts", "mara", ["contacts_owner", "contacts_creator"]),
        ("companies", "mara", ["companies_owner", "companies_creator"]),
        ("deals", "mara", ["deals_owner", "deals_creator", "deals_assigned"]),
        ("tasks", "mara", ["tasks_owner", "tasks_creator", "tasks_assigned"]),
        ("notes", "mara", ["notes_owner", "notes_creator"]),
        ("interactions", "mara", ["interactions_owner", "interactions_creator"]),
        ("files", "mara", ["files_owner", "files_creator"]),
      ] {
        for query in [
          "", "createdAt[gte]=-1d&externalId[contains]=x", "sort=createdAt", "sort=-version",
        ] {
          for count in ["false", "true"] {
            let statement = try await statement(
              of: "/api/\(path)?\(query)&count=\(count)", as: user, server,
              prefix: count == "true" ? "SELECT count(*)" : "SELECT t.")
            let plan = try plan(of: statement, server)
            let used = plan.filter { $0.hasPrefix("SEARCH t USING") }
            for index in indexes {
              #expect(used.contains { $0.contains("\(index) (tenant_id=? AND ") }, "\(plan)")
            }
            #expect(!used.contains { $0.contains("_created (") }, "\(path)?\(query)\n\(plan)")
            #expect(!plan.contains { $0.hasPrefix("SCAN t") })
          }
        }
      }
    }
  }

  @Test("a filter that many rows meet does not lead away from the few that a scope reaches")
  func scopesBesideFilters() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for (path, query, user) in [
        ("contacts", "lifecycle=customer", "mara"), ("deals", "status=open", "mara"),
        ("tasks", "status=open", "mara"), ("leads", "status=new", "sam"),
      ] {
        let statement = try await statement(of: "/api/\(path)?\(query)", as: user, server)
        let used = try plan(of: statement, server).filter { $0.hasPrefix("SEARCH t USING") }
        for index in ["owner", "creator"] {
          #expect(used.contains { $0.contains("\(path)_\(index) (tenant_id=? AND ") }, "\(used)")
        }
        #expect(
          !used.contains { $0.contains("_lifecycle (") || $0.contains("_status (") }, "\(used)")
      }
    }
  }

  @Test("one's own tasks come from the indexes of whom they are assigned to and who owns them")
  func mine() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for query in ["mine=true", "mine=true&sort=dueAt"] {
        let statement = try await statement(of: "/api/tasks?\(query)", as: "ada", server)
        let used = try plan(of: statement, server).filter { $0.hasPrefix("SEARCH t USING") }
        #expect(!used.contains { $0.contains("tasks_created (") }, "\(query) \(used)")
        #expect(used.contains { $0.contains("tasks_assigned (tenant_id=? AND ") }, "\(query)")
      }
    }
  }

  /// Lists of the activity log: what is asked, who asks, and the index that gives rows and order.
  private static let activityLists: [(query: String, user: String, index: String)] = [
    ("", "ada", "time"), ("since=7d&until=1d", "ada", "time"), ("userId=sam", "ada", "user"),
    ("userId=sam&since=7d", "ada", "user"), ("", "sam", "user"),
    ("operation=crm.leads.create", "ada", "operation"),
    ("operation=crm.*.create", "ada", "operation"), ("entityId=x", "ada", "entity"),
    ("entityType=lead&entityId=x", "ada", "entity"), ("entityType=lead", "ada", "type"),
    ("sessionId=x", "ada", "session"), ("departmentId=north", "ada", "unit"),
    ("departmentId=org", "ada", "unit"), ("", "mara", "user"),
    ("departmentId=sales&operation=crm.leads.create", "ada", "operation"),
    ("userId=sam&operation=crm.leads.*&departmentId=org&entityType=lead", "ada", "user"),
  ]

  @Test("each list of the activity log has an index that gives its rows and their order")
  func activities() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for user in ["ada", "mara", "sam"] { _ = try await server.lead(["title": "x"], as: user) }
      _ = try await server.contact(["lastName": "x"])
      for (query, user, index) in Self.activityLists {
        for order in ["", "&sort=timestamp"] {
          let before = PreparedStatements.prepared(server.path).count
          let page = try await server.send(
            "GET", "/api/activities?limit=1&count=true&\(query)\(order)", as: user)
          try #require(page.status == 200, "\(query): \(page.text)")
          if let cursor = page.json["nextCursor"]?.string {
            _ = try await server.send(
              "GET", "/api/activities?limit=1&\(query)\(order)&cursor=\(cursor)", as: user)
          }
          let statements = PreparedStatements.prepared(server.path).dropFirst(before)
          for sql in statements
          where sql.hasPrefix("SELECT") && sql.contains("FROM crm_activities AS a") {
            let steps = try plan(of: sql, server).filter {
              $0.contains(" a ") || $0.contains("ORDER BY")
            }
            #expect(!steps.contains { $0.hasPrefix("SCAN a") }, "\(query)\n\(sql)\n\(steps)")
            guard sql.contains("LIMIT ? OFFSET ?") else { continue }
            #expect(
              steps.contains { $0.contains("INDEX crm_activities_\(index) (tenant_id=?") },
              "\(query)\n\(steps)")
            // Only the few rows of a page are ever sorted.
            let sorts = steps.count { $0.hasPrefix("USE TEMP B-TREE") }
            #expect(sorts <= (sql.contains(") AS k CROSS JOIN") ? 1 : 0), "\(sql)\n\(steps)")
          }
        }
      }
      let history = PreparedStatements.prepared(server.path).count
      let lead = try await server.lead(["title": "y"])
      _ = try await server.send("GET", "/api/history/lead/\(lead.id)")
      let statements = PreparedStatements.prepared(server.path).dropFirst(history)
        .filter { $0.contains("a.entity_id = ?") }
      #expect(!statements.isEmpty)
      for sql in statements {
        #expect(
          try plan(of: sql, server).contains { $0.contains("INDEX crm_activities_entity (") })
      }
    }
  }

  /// The statement that the latest of a list's requests had prepared.
  private func statement(
    of path: String, as user: String, _ server: TestServer, prefix: String = "SELECT t."
  ) async throws -> String {
    let before = PreparedStatements.prepared(server.path).count
    let answer = try await server.send("GET", path, as: user)
    try #require(answer.status == 200, "\(path): \(answer.text)")
    let name = path.split(separator: "?")[0].split(separator: "/").last ?? ""
    let statements = PreparedStatements.prepared(server.path)
    let new = statements.dropFirst(before).last {
      $0.hasPrefix(prefix) && $0.contains("FROM \(name) AS t")
    }
    // Statements stay prepared: one that differs in values alone was there before.
    return try #require(
      new ?? statements.last { $0.hasPrefix(prefix) && $0.contains("FROM \(name) AS t") },
      "\(path)")
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
