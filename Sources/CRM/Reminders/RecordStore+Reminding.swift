internal import Database
internal import SQLite
public import Values

extension RecordStore {
  /// Fires the reminders of tasks as they come due, until the calling task is cancelled.
  ///
  /// What came due while nobody did so is fired at once.
  ///
  /// - Parameter failed: Told of every attempt that failed; another one follows.
  public func remind(failed: @Sendable (any Error) -> Void) async {
    while !Task.isCancelled {
      reminderAlarm.beginLook()
      var next: Timestamp?
      do {
        next = try await fireReminders()
      } catch {
        guard !Task.isCancelled else { return }
        failed(error)
      }
      await reminderAlarm.sleep(until: next, from: time.now())
    }
  }

  /// Fires reminders that are due, at most ``Limits/remindersPerStepMax`` at once: each is an entry
  /// in the list of whoever is to be reminded, and an event for them in the change log.
  ///
  /// - Returns: When the next one is due; nil when none is set.
  /// - Throws: what the database throws; nothing was fired then.
  public func fireReminders() async throws -> Timestamp? {
    guard let tasks = catalog.resource(entityType: "task") else { return nil }
    return try await database.write { [self] connection in
      let now = time.now()
      let due = try connection.all(
        """
        SELECT \(tasks.columns) FROM tasks AS t WHERE t.remind_at <= ? AND \(Self.isToCome)
        ORDER BY t.remind_at LIMIT ?
        """, [.text(now.rfc3339), .integer(Int64(Limits.remindersPerStepMax))]
      ) { Record(tasks, row: $0) }
      for task in due { try fire(task, at: now, in: connection) }
      let next = try connection.first(
        """
        SELECT t.remind_at, t.tenant_id FROM tasks AS t WHERE \(Self.isToCome)
        ORDER BY t.remind_at LIMIT 1
        """
      ) { $0.text(0) }
      return next.flatMap(\.self).flatMap(Timestamp.init(rfc3339:))
    }
  }

  /// The condition of the index of reminders, word for word, so that SQLite sees that it may be
  /// used.
  private static let isToCome = """
    t.remind_at IS NOT NULL AND t.remind_at IS NOT t.reminded_at AND t.deleted_at IS NULL
      AND t.status IN ('open', 'in_progress')
    """

  /// Reminds the one who shall do the task, else its owner.
  private func fire(_ task: Record, at now: Timestamp, in connection: borrowing Connection) throws {
    let userID = task["assignedTo"].text ?? task.ownerID ?? task.createdBy
    try connection.run(
      "UPDATE tasks SET reminded_at = remind_at WHERE tenant_id = ? AND id = ?",
      [task["tenantId"], task["id"]])
    try connection.run(
      """
      INSERT OR REPLACE INTO reminders (tenant_id, id, task_id, user_id, remind_at, fired_at)
      VALUES (?, ?, ?, ?, ?, ?)
      """,
      [
        task["tenantId"], .text(UUIDv7.make(at: now, random: random)), task["id"], .text(userID),
        task["remindAt"], .text(now.rfc3339),
      ])
    try ChangeLog.append(
      "reminder", task, before: nil, privateTo: userID, by: Caller.systemUserID, at: now,
      in: connection)
  }
}
