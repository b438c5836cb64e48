internal import SQLite

/// A stage of one of the tenant's pipelines.
struct PipelineStage {
  /// Stages of two pipelines may bear the same name.
  struct ID: Hashable {
    let pipelineID: String
    let stage: String

    /// The stage by which a sum is grouped.
    init(_ key: CounterReader.SumKey) {
      self.init(pipelineID: key.groups[0], stage: key.groups[1])
    }

    init(pipelineID: String, stage: String) {
      self.pipelineID = pipelineID
      self.stage = stage
    }
  }

  let id: ID
  let name: String
  /// In percent.
  let probability: Int64

  /// The stages of every pipeline, the oldest pipeline first; also of those in the trash, which
  /// deals may have gone through.
  static func all(tenantID: String, in connection: borrowing Connection)
    throws(SQLiteError) -> [PipelineStage]
  {
    try connection.all(
      """
      SELECT t.id, t.stages FROM pipelines AS t
      WHERE t.tenant_id = ? ORDER BY t.created_at, t.id
      """, [.text(tenantID)]
    ) { row in
      Pipeline.stages(row.text(1)).map { stage in
        PipelineStage(
          id: ID(pipelineID: row.text(0) ?? "", stage: stage.id), name: stage.name,
          probability: stage.probability)
      }
    }.flatMap { $0 }
  }

  /// What there is of each stage, in the order of `stages`; then of stages that are no more, which
  /// have only their ids.
  static func ordered<Value>(_ values: [ID: Value], by stages: [PipelineStage])
    -> [(stage: PipelineStage, value: Value)]
  {
    let known = stages.compactMap { stage in values[stage.id].map { (stage, $0) } }
    let ids = Set(stages.map(\.id))
    let gone = values.filter { !ids.contains($0.key) }
      .map { (PipelineStage(id: $0.key, name: $0.key.stage, probability: 0), $0.value) }
      .sorted { ($0.0.id.pipelineID, $0.0.id.stage) < ($1.0.id.pipelineID, $1.0.id.stage) }
    return known + gone
  }
}
