internal import SQLite
internal import Values

/// Takes batches of mutations to the disk.
///
/// A batch is one transaction, and nobody is told anything before its COMMIT. A mutation that fails
/// takes back its own changes alone. Most that fail (a version that does not match, a duplicate)
/// fail while they look and have changed nothing, so at first the mutations run without savepoints:
/// one would make full text write out its pending words at each mutation, a fifth of all work. When
/// one fails after it changed something, the transaction is rolled back and the others run once
/// more, now each in a savepoint of its own. The same happens when an error (a full disk, an
/// interrupt) makes SQLite roll back by itself.
struct BatchRun {
  let deadlineSeconds: Double
  let metrics: WriterMetrics

  private enum Outcome {
    /// The transaction is on disk, and the callers may be told.
    case committed(successes: [@Sendable () -> Void], failures: [(QueuedMutation, any Error)])
    /// Nothing of the transaction is left, by the fault of the mutation at `culprit`, if of any.
    case lost(any Error, culprit: Int?)
  }

  /// How much a try guards against mutations that fail.
  private enum Care {
    /// Not at all: a failure that changed something costs the whole transaction.
    case none
    /// A savepoint for each mutation.
    case savepoints
    /// The same, and nothing is tried again after it.
    case last
  }

  /// Runs the mutations and tells every caller how its own ended.
  func run(_ batch: [QueuedMutation], on connection: borrowing Connection) {
    run(batch, on: connection, .none)
  }

  private func run(
    _ batch: [QueuedMutation], on connection: borrowing Connection, _ care: Care
  ) {
    switch attempt(batch, on: connection, care) {
    case .committed(let successes, let failures):
      for (mutation, error) in failures { fail([mutation], error) }
      for tellSuccess in successes { tellSuccess() }
    case .lost(let error, let culprit):
      // If the rollback fails too, BEGIN says so to the next batch.
      if connection.isInTransaction { _ = try? connection.run("ROLLBACK") }
      connection.forgetDeferredRows()
      if let culprit, care != .last {
        var others = batch
        fail([others.remove(at: culprit)], error)
        let next: Care = care == .none ? .savepoints : .last
        if !others.isEmpty { run(others, on: connection, next) }
      } else if culprit == nil, batch.count > 1, (error as? SQLiteError)?.isConstraint == true {
        // A deferred constraint does not say whose it is, so each mutation is tried alone.
        for mutation in batch { run([mutation], on: connection, .last) }
      } else {
        fail(batch, error)
      }
    }
  }

  private func fail(_ mutations: [QueuedMutation], _ error: any Error) {
    metrics.didFail(mutations.count)
    for mutation in mutations { mutation.fail(DatabaseError.mapping(error) ?? error) }
  }

  private func attempt(
    _ batch: [QueuedMutation], on connection: borrowing Connection, _ care: Care
  ) -> Outcome {
    var successes: [@Sendable () -> Void] = []
    var failures: [(QueuedMutation, any Error)] = []
    do {
      try connection.run("BEGIN IMMEDIATE")
    } catch {
      return .lost(DatabaseError.wrapping(error), culprit: nil)
    }
    // A mutation that is alone takes back the transaction instead of a savepoint.
    let hasSavepoints = care != .none && batch.count > 1
    for (index, mutation) in batch.enumerated() {
      var effects = connection.effectCount
      do {
        if mutation.seesDeferredRows { try connection.writeDeferredRows() }
        effects = connection.effectCount
        if hasSavepoints { try connection.run("SAVEPOINT mutation") }
        let tellSuccess = try runBody(of: mutation, on: connection)
        if hasSavepoints {
          try connection.writeDeferredRows()
          try connection.run("RELEASE mutation")
        }
        successes.append(tellSuccess)
      } catch {
        let isHarmless = !hasSavepoints && connection.effectCount == effects
        guard connection.isInTransaction,
          isHarmless || (hasSavepoints && takeBackSavepoint(connection))
        else { return .lost(error, culprit: index) }
        failures.append((mutation, error))
      }
    }
    return commit(connection, successes, failures)
  }

  private func runBody(
    of mutation: QueuedMutation, on connection: borrowing Connection
  ) throws -> @Sendable () -> Void {
    connection.setDeadline(monotonicNanoseconds: deadlineAfter(seconds: deadlineSeconds))
    defer { connection.setDeadline(monotonicNanoseconds: nil) }
    let tellSuccess = try mutation.run(connection)
    // A body that kept an error of SQLite to itself may have lost everybody's transaction.
    guard connection.isInTransaction else { throw DatabaseError.transactionEnded }
    return tellSuccess
  }

  private func takeBackSavepoint(_ connection: borrowing Connection) -> Bool {
    connection.forgetDeferredRows()
    do throws(SQLiteError) {
      try connection.run("ROLLBACK TO mutation")
      try connection.run("RELEASE mutation")
      return true
    } catch {
      // What the savepoint held cannot be taken out of the transaction, so the transaction goes.
      return false
    }
  }

  private func commit(
    _ connection: borrowing Connection, _ successes: [@Sendable () -> Void],
    _ failures: [(QueuedMutation, any Error)]
  ) -> Outcome {
    let start = TimeSource.system.monotonicNanoseconds()
    do throws(SQLiteError) {
      try connection.writeDeferredRows()
      try connection.run("COMMIT")
    } catch {
      let isConstraint = error.isConstraint
      return .lost(isConstraint ? error : DatabaseError.wrapping(error), culprit: nil)
    }
    metrics.didCommit(
      successes.count, nanoseconds: TimeSource.system.monotonicNanoseconds() - start)
    return .committed(successes: successes, failures: failures)
  }
}
