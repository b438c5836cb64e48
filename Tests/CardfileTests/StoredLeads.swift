internal import Cryptography
internal import SQLite
internal import Testing

/// What the file says of leads and of the log, read in one snapshot beside the server.
struct StoredLeads {
  /// The titles of all leads.
  let titles: Set<String>
  /// How many leads there are.
  let leadCount: Int64
  private let leadsWithoutEntry: Int64
  private let entriesWithoutLead: Int64
  private let chains: [String: [Link]]
  private let heads: [String: [UInt8]]
  private let entriesInRollups: Int64
  private let integrity: [String]
  private let foreignKeyFaults: Int64

  private struct Link {
    let seq: Int64
    let core: [UInt8]
    let personal: [UInt8]
    let hash: [UInt8]
  }

  init(path: String) throws {
    let connection = try Connection(path: path, mode: .readOnly)
    try connection.execute("BEGIN")
    func count(_ sql: String) throws -> Int64 {
      try connection.first(sql) { $0.integer(0) ?? -1 } ?? -1
    }
    titles = Set(try connection.all("SELECT title FROM leads") { $0.text(0) ?? "" })
    leadCount = try count("SELECT count(*) FROM leads")
    leadsWithoutEntry = try count(
      """
      SELECT count(*) FROM leads AS lead WHERE 1 <> (
        SELECT count(*) FROM crm_activities AS entry
        WHERE entry.tenant_id = lead.tenant_id AND entry.entity_type = 'lead'
          AND entry.entity_id = lead.id AND entry.operation = 'crm.leads.create')
      """)
    entriesWithoutLead = try count(
      """
      SELECT count(*) FROM crm_activities AS entry
      WHERE entry.operation = 'crm.leads.create' AND NOT EXISTS (
        SELECT 1 FROM leads AS lead
        WHERE lead.tenant_id = entry.tenant_id AND lead.id = entry.entity_id)
      """)
    var chains: [String: [Link]] = [:]
    try connection.forEachRow(
      """
      SELECT tenant_id, seq, core_hash, personal_hash, hash FROM crm_activities
      ORDER BY tenant_id, seq
      """
    ) { row in
      chains[row.text(0) ?? "", default: []].append(
        Link(
          seq: row.integer(1) ?? 0, core: row.blob(2) ?? [], personal: row.blob(3) ?? [],
          hash: row.blob(4) ?? []))
    }
    self.chains = chains
    let heads = try connection.all("SELECT tenant_id, head FROM activity_chains") {
      ($0.text(0) ?? "", $0.blob(1) ?? [])
    }
    self.heads = Dictionary(uniqueKeysWithValues: heads)
    entriesInRollups = try count("SELECT coalesce(sum(entries), 0) FROM activity_rollups")
    integrity = try connection.all("PRAGMA integrity_check") { $0.text(0) ?? "" }
    foreignKeyFaults = try count("SELECT count(*) FROM pragma_foreign_key_check")
  }

  /// Expects each lead to have its one entry, each entry its lead, every chain to be whole, the
  /// sums to agree with the log, and the file to be sound.
  func expectWhole() {
    #expect(leadsWithoutEntry == 0)
    #expect(entriesWithoutLead == 0)
    #expect(integrity == ["ok"])
    #expect(foreignKeyFaults == 0)
    #expect(entriesInRollups == Int64(chains.values.reduce(0) { $0 + $1.count }))
    #expect(Set(chains.keys) == Set(heads.keys))
    for (tenant, links) in chains {
      #expect(links.map(\.seq) == Array(1...Int64(links.count)), "a gap in \(tenant)")
      var previous: [UInt8] = []
      var isLinked = true
      for link in links {
        let expected = SHA256.hash(previous + link.core + link.personal)
        isLinked = isLinked && link.hash == expected
        previous = link.hash
      }
      #expect(isLinked, "the chain of \(tenant) is broken")
      #expect(heads[tenant] == previous)
    }
  }
}
