internal import CSQLite

extension Connection {
  /// How a checkpoint behaves towards readers (sqlite.org/c3ref/wal_checkpoint_v2.html).
  public enum CheckpointMode: Sendable {
    /// Moves what no reader needs any more, and waits for nobody.
    case passive
    /// Waits for readers up to the busy timeout, moves everything, and empties the log's file.
    case truncate
  }

  /// What a checkpoint found and did.
  public struct CheckpointResult: Sendable, Equatable {
    /// Frames in the write-ahead log.
    public let frames: Int
    /// Those of them that are in the database file now.
    public let moved: Int

    /// Whether the whole log is in the database file.
    public var isComplete: Bool { frames == moved }
  }

  /// Moves the write-ahead log into the database file.
  ///
  /// Only the one writing connection may do so.
  ///
  /// - Throws: ``SQLiteError``, which is busy when a reader was in the way of `truncate`.
  @discardableResult
  public func checkpoint(_ mode: CheckpointMode) throws(SQLiteError) -> CheckpointResult {
    var frames: Int32 = 0
    var moved: Int32 = 0
    let code = mode == .passive ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_TRUNCATE
    let result = sqlite3_wal_checkpoint_v2(handle.database, nil, code, &frames, &moved)
    guard result == SQLITE_OK else { throw handle.error(sql: nil) }
    return CheckpointResult(frames: Int(frames), moved: Int(moved))
  }

  /// Frames (pages) in the write-ahead log after this connection's latest commit.
  public var walFrameCount: Int { handle.walFrameCount }

  /// Leaves the write-ahead log as it is when this connection closes: another program, such as
  /// Litestream, moves it.
  public func keepWALOnClose() throws(SQLiteError) {
    let result = cardfile_sqlite3_db_config(handle.database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    guard result == SQLITE_OK else { throw handle.error(sql: nil) }
  }
}
