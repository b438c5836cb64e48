public import Values

/// Where the database is and how much it may take.
public struct DatabaseConfiguration: Sendable {
  /// The path of the database file.
  public var path: String
  /// How many readers may work at a time; each is opened when it is first needed.
  public var readerCount = 8
  /// How many mutations may wait for the writer.
  public var queueDepthMax = 4096
  /// How many mutations go into one transaction at most.
  public var batchMax = 256
  /// Pages in the write-ahead log from which on it is moved into the file after a batch.
  ///
  /// More makes checkpoints rarer and longer; 4000 pages are 16 MB.
  public var checkpointPages = 4000
  /// How long a read may take, and how long it waits for a reader, in seconds.
  public var readDeadlineSeconds = 5.0
  /// How long one mutation may run, in seconds.
  ///
  /// Everybody else's writes wait for it.
  public var writeDeadlineSeconds = 60.0
  /// For how long nothing is written, in seconds, before the log is emptied.
  public var idleSeconds = 2.0
  /// False leaves the write-ahead log to another program, such as Litestream.
  public var checkpointing = true
  /// Where the time of a migration comes from.
  public var time: TimeSource
  /// The schema's migrations in order.
  public var migrations: [Migration]

  /// A configuration with the usual bounds.
  public init(
    path: String, time: TimeSource = .system, migrations: [Migration] = Migration.embedded
  ) {
    self.path = path
    self.time = time
    self.migrations = migrations
  }
}
