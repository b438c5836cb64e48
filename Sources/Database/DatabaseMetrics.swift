/// What the database is doing, at one moment.
public struct DatabaseMetrics: Sendable, Equatable {
  /// Mutations that wait for the writer.
  public var queueDepth = 0
  /// Transactions that were committed.
  public var batches = 0
  /// Mutations that were committed.
  public var mutations = 0
  /// Mutations that failed.
  public var failedMutations = 0
  /// Mutations in the latest transaction.
  public var lastBatchSize = 0
  /// Mutations in the largest transaction.
  public var maximumBatchSize = 0
  /// How long all commits took together, in nanoseconds.
  public var commitNanosecondsTotal: UInt64 = 0
  /// How long the longest commit took, in nanoseconds.
  public var commitNanosecondsMaximum: UInt64 = 0
  /// Times that the write-ahead log was moved into the file.
  public var checkpoints = 0
  /// Readers at work.
  public var readersInUse = 0
  /// Bytes of the write-ahead log's file.
  public var walBytes: Int64 = 0
  /// Bytes of the database file.
  public var databaseBytes: Int64 = 0
}
