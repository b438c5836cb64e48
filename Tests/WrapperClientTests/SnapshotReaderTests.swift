import JSON
import Testing
import Values

@testable import WrapperClient

@Suite struct SnapshotReaderTests {
  @Test(
    "one wrong member refuses the whole answer",
    arguments: [
      (WrapperCollection.permissions, "nonsense"), (.permissions, "[]"), (.permissions, "{}"),
      (.permissions, #"{"users":{},"roles":[]}"#),
      (.permissions, #"{"users":[{"userId":7}],"roles":[]}"#),
      (.permissions, #"{"users":[{"userId":""}],"roles":[]}"#),
      (.permissions, #"{"users":[{"userId":"u","permissions":"*"}],"roles":[]}"#),
      (.permissions, #"{"users":[{"userId":"u","isActive":"no"}],"roles":[]}"#),
      (.permissions, #"{"users":[{"userId":"u","tenantId":"t2"}],"roles":[]}"#),
      (.permissions, #"{"tenantId":"t2","users":[],"roles":[]}"#),
      (.permissions, #"{"users":[{"userId":"u","roleIds":[1]}],"roles":[]}"#),
      (.employees, #"{"employees":{}}"#), (.employees, #"[1]"#),
      (.employees, #"[{"userId":"u","name":1}]"#),
      (.employees, #"[{"userId":"u","tenantId":"t2"}]"#),
      (.employees, #"[{"userId":"u","tenantId":5}]"#),
      (.organization, #"{"entityId":"a","children":[{"entityId":"a"}]}"#),
      (.organization, #"{"entityId":"a/b"}"#), (.organization, #"{"entityId":"a","children":1}"#),
      (.creditConfiguration, #"{"operations":[{"operationCode":"crm.a.b"}]}"#),
      (.creditConfiguration, #"{"operations":[{"operationCode":"crm.a.b","creditCost":-1}]}"#),
      (.creditConfiguration, #"{"operations":[{"operationCode":"crm.a.b","creditCost":1e300}]}"#),
      (.creditConfiguration, #"{"monthlyLimit":"many"}"#),
      (.creditConfiguration, #"{"featureLimits":{"storage":"lots"}}"#),
      (.tenant, "[]"), (.tenant, #"{"tenantId":"t2"}"#),
    ])
  func refused(collection: WrapperCollection, text: String) {
    #expect(throws: AnswerRejection.self) {
      var reader = SnapshotReader(tenantID: "t1")
      _ = try reader.read(collection, Array(text.utf8))
    }
  }

  @Test(
    "employees come in three shapes",
    arguments: [
      #"[{"userId":"u"}]"#, #"{"employees":[{"userId":"u"}]}"#, #"{"data":[{"userId":"u"}]}"#,
    ])
  func shapes(text: String) throws {
    let truth = try Fixture.truth([.employees: text])
    #expect(Array(truth.profiles.keys) == ["u"])
  }

  @Test("a snapshot that says the same makes no events, and another one only for what differs")
  func events() throws {
    let truth = try Fixture.truth([
      .permissions: """
      {"users":[{"userId":"a"},{"userId":"b"}],"roles":[{"roleId":"r","name":"R"}]}
      """,
      .creditConfiguration: #"{"operations":[{"operationCode":"crm.a.b","creditCost":1}]}"#,
    ])
    func events(_ collection: WrapperCollection, _ text: String) throws -> [WrapperEvent] {
      var reader = SnapshotReader(tenantID: "t1")
      return truth.events(for: try reader.read(collection, Array(text.utf8)))
    }
    #expect(
      try events(
        .permissions,
        #"{"users":[{"userId":"b"},{"userId":"a"}],"roles":[{"roleId":"r","name":"R"}]}"#
      ).isEmpty)
    let changed = try events(
      .permissions, #"{"users":[{"userId":"a","permissions":["*"]}],"roles":[]}"#)
    #expect(
      Set(changed) == [
        .roleChanged(id: "r", role: nil), .userGrantsChanged(id: "b", grants: nil),
        .userGrantsChanged(
          id: "a", grants: UserGrants(permissions: ["*"], roleIDs: [], isActive: true)),
      ])
    #expect(
      try events(
        .creditConfiguration,
        #"{"operations":[{"operationCode":"crm.a.b","creditCost":2}]}"#)
        == [.operationCostChanged(operation: "crm.a.b", units: 20_000)])
  }

  @Test(
    "sizes are read as plans write them",
    arguments: [
      ("5GB", Int64(5_000_000_000)), ("5GiB", 5 << 30), ("1.5 KB", 1_500), ("10B", 10),
      ("-1GB", nil), ("GB", nil), ("5 parsecs", nil), ("99999999999999999TB", nil),
    ])
  func sizes(text: String, bytes: Int64?) {
    #expect(StorageSize.bytes(text) == bytes)
  }
}
