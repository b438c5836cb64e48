import HTTP
import JSON
import Testing

@testable import WrapperClient

@Suite struct FeedFilterTests {
  private static func rejection(_ event: JSONValue) -> RejectionReason? {
    do throws(EventRejection) {
      _ = try FeedEvent(event) { $0 != "t9" }
      return nil
    } catch {
      return error.reason
    }
  }

  private static func event(
    _ channel: JSONValue, _ type: JSONValue, _ data: JSONValue = nil, id: JSONValue = "1"
  ) -> JSONValue {
    ["id": id, "channel": channel, "eventType": type, "data": data]
  }

  @Test("messages of other applications are rejected")
  func otherApplications() {
    for channel in [
      "hrms:tenant-123:credit-configs", "crmx:t1:roles", "crm:roles", "crm::roles", "", "crm",
    ] {
      let event = Self.event(
        .string(channel), "credit-config-changed",
        ["operationCode": "hrms.employee.onboard", "creditCost": 1])
      #expect(Self.rejection(event) == .channel, "\(channel)")
    }
  }

  @Test("messages of the CRM are processed")
  func ownApplication() throws {
    let event = try FeedEvent(
      Self.event(
        "crm:tenant-123:credit-configs", "credit-config-changed",
        ["operationCode": "crm.leads.create", "creditCost": 5.0])
    ) { _ in true }
    guard case .cost(operation: "crm.leads.create", units: 50_000) = event.change else {
      Issue.record("it says something else")
      return
    }
    #expect(event.channel == (try FeedChannel("crm:tenant-123:credit-configs")))
  }

  @Test("an event passes only when channel, tenant, type and data belong together")
  func filter() {
    let cases: [(JSONValue, RejectionReason?)] = [
      (Self.event("crm:t1:roles", "role-changed"), nil),
      (Self.event("crm:t1:roles", "role-changed", [:], id: 7), nil),
      (Self.event("crm:a:b:roles", "role-changed"), nil),
      (Self.event("crm:t9:roles", "role-changed"), .tenant),
      (Self.event("crm:t1:billing", "role-changed"), .dataType),
      (Self.event("crm:t1:", "role-changed"), .dataType),
      (Self.event("crm:t1:roles", "user-changed"), .eventType),
      (Self.event("crm:t1:roles", "tenant-deleted"), .eventType),
      (Self.event("crm:t1:roles", "role-changed", ["tenantId": "t2"]), .dataTenant),
      (Self.event("crm:t1:roles", "role-changed", ["tenantId": 5]), .dataTenant),
      (
        Self.event("crm:t1:users", "user-changed", ["profile": ["tenantId": "t2"]]), .dataTenant
      ),
      (
        Self.event(
          "crm:t1:activities", "activity-logged", ["activity": ["id": "a", "tenantId": "t2"]]),
        .dataTenant
      ),
      (
        Self.event(
          "crm:t1:credit-configs", "credit-config-changed",
          ["operationCode": "hr.hire", "creditCost": 1]), .operation
      ),
      (
        Self.event(
          "crm:t1:credit-configs", "credit-config-changed", ["operationCode": "hr.hire"]),
        .operation
      ),
      (Self.event("crm:t1:roles", 5), .malformed), (Self.event(nil, "role-changed"), .malformed),
      (Self.event("crm:t1:roles", "role-changed", id: nil), .malformed),
      (Self.event("crm:t1:roles", "role-changed", id: ""), .malformed),
      ("text", .malformed), (nil, .malformed), ([], .malformed),
    ]
    for (event, reason) in cases { #expect(Self.rejection(event) == reason, "\(event.text)") }
  }

  @Test("data of the wrong type is a poison event, which passes the filter and says nothing")
  func poison() throws {
    let cases: [(String, String, JSONValue)] = [
      ("roles", "role-changed", "text"), ("roles", "role-changed", ["roleId": 5]),
      ("roles", "role-changed", ["roleId": "r", "permissions": "all"]),
      ("roles", "role-changed", ["roleId": "r", "deleted": "yes"]),
      ("users", "user-changed", ["userId": "u", "isActive": 1]),
      ("users", "user-changed", ["userId": "u", "roleIds": [1]]),
      ("users", "user-changed", ["userId": "u", "profile": ["name": 5]]),
      ("users", "user-changed", ["userId": "u", "profile": []]),
      (
        "credit-configs", "credit-config-changed",
        ["operationCode": "crm.a.b", "creditCost": -1]
      ),
      (
        "credit-configs", "credit-config-changed",
        ["operationCode": "crm.a.b", "creditCost": "1"]
      ), ("activities", "activity-logged", [:]),
      ("activities", "activity-logged", ["activity": ["name": "without id"]]),
      ("users", "user-changed", ["userId": .string(String(repeating: "u", count: 2_000))]),
    ]
    for (topic, type, data) in cases {
      let value = Self.event(.string("crm:t1:\(topic)"), .string(type), data)
      let event = try FeedEvent(value) { _ in true }
      #expect(event.problem != nil, "\(data.text)")
      #expect(event.change == nil)
    }
  }

  @Test("what is dropped is counted by reason, reaches nothing, and the cursor moves on")
  func counted() async throws {
    try await withFeed({ $0.servedTenants = ["t1"] }) { fed in
      let directory = try #require(fed.client.loadedTenant("t1"))
      let revoke = userChange(permissions: [])
      fed.feed.publish(all: [
        Self.event("hrms:t1:users", "user-changed", revoke, id: 1),
        Self.event("crm:t2:users", "user-changed", revoke, id: 2),
        Self.event("crm:t1:secrets", "user-changed", revoke, id: 3),
        Self.event("crm:t1:roles", "user-changed", revoke, id: 4),
        Self.event("crm:t1:users", "user-changed", ["userId": "u1", "tenantId": "t2"], id: 5),
        Self.event(
          "crm:t1:credit-configs", "credit-config-changed",
          ["operationCode": "hr.hire", "creditCost": 1], id: 6),
        "nonsense", Self.event("crm:t1:users", "user-changed", ["userId": 5], id: 7),
        Self.event("crm:t1:activities", "activity-logged", ["activity": ["id": "x"]], id: 8),
      ])
      #expect(await eventuallyTrue { fed.client.appliedEvents == 1 })
      let reasons: [RejectionReason] = [
        .channel, .tenant, .dataType, .eventType, .dataTenant, .operation, .malformed, .data,
      ]
      #expect(
        fed.client.rejectedEvents == Dictionary(uniqueKeysWithValues: reasons.map { ($0, 1) }))
      await fed.pollTwice()
      #expect(fed.client.status.map(\.cursor) == ["9"])
      #expect(fed.client.loadedTenant("t1") === directory)
      #expect(fed.client.status.map(\.mode) == [.online])
      // All of them are one line of the log a minute.
      #expect(fed.world.log.count { $0.contains("change feed: event") } == 1)
    }
  }

  @Test("cursor and reset are read strictly, events one by one")
  func answers() throws {
    for text in [
      "", "[]", "{}", #"{"events":[]}"#, #"{"events":{},"cursor":"1"}"#,
      #"{"events":[],"cursor":null}"#, #"{"events":[],"cursor":""}"#,
      #"{"events":[],"cursor":[1]}"#, #"{"events":[],"cursor":"1","reset":"yes"}"#,
    ] {
      #expect(throws: AnswerRejection.self, "\(text)") { try FeedAnswer(Array(text.utf8)) }
    }
    let answer = try FeedAnswer(
      Array(#"{"events":[1,{}],"cursor":12345678901234567890,"more":1}"#.utf8))
    #expect(answer.cursor == "12345678901234567890")
    #expect(answer.events.count == 2)
    #expect(!answer.isReset)
  }
}
