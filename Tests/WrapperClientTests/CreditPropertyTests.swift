import HTTP
import JSON
import Synchronization
import Testing
import Values

@testable import WrapperClient

/// No credit is spent twice and none is lost, whatever happens in whatever order.
@Suite struct CreditPropertyTests {
  private static let seedsPerCase: UInt64 = 60
  private static let steps = 400

  /// - Returns: the first seed that broke the rule, and how.
  private static func fault(
    seeds: Range<UInt64>, daily: Int64? = nil, monthly: Int64? = nil
  ) -> String? {
    for seed in seeds {
      var model = CreditModel(seed: seed, daily: daily, monthly: monthly)
      for step in 0..<steps {
        model.step()
        guard model.committed <= model.bound, model.available >= 0 else {
          return "seed \(seed), step \(step): \(model.committed) of \(model.bound) are spent"
        }
      }
      model.settle()
      // What was not spent can still be spent, to the last unit.
      let left = CreditModel.balance - model.spent
      guard model.available == left, model.ledger.available == left, model.ledger.reserved == 0
      else {
        return "seed \(seed): \(left) are left, the Wrapper says \(model.available), "
          + "the ledger \(model.ledger.available ?? -1)"
      }
    }
    return nil
  }

  @Test(
    "2,400 interleavings of reads, charges, refusals, lost answers and crashes never overspend",
    arguments: UInt64(0)..<40)
  func balance(part: UInt64) {
    let seeds = part * Self.seedsPerCase..<(part + 1) * Self.seedsPerCase
    #expect(Self.fault(seeds: seeds) == nil)
  }

  @Test("nor do they pass a daily or a monthly limit", arguments: UInt64(0)..<10)
  func limits(part: UInt64) {
    let seeds = 1_000_000 + part * Self.seedsPerCase..<1_000_000 + (part + 1) * Self.seedsPerCase
    #expect(Self.fault(seeds: seeds, daily: 700) == nil)
    #expect(Self.fault(seeds: seeds, daily: 900, monthly: 800) == nil)
  }

  @Test("fifty spenders at a slow Wrapper that loses answers spend all that there is, once")
  func sockets() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let bank = Bank(credits: 100)
      script.play { await bank.answer($0) }
      let client = world.client(port: port) {
        $0.activityBufferSize = 7
        $0.requestSeconds = 20
      }
      await client.start()
      _ = try await client.tenant("t1")
      let ids = Counter()
      let begun = ContinuousClock.now
      try await withThrowingTaskGroup { group in
        for spender in 0..<50 {
          group.addTask {
            let random = SeededRandom(UInt64(spender))
            for _ in 0..<4 { try await Self.spend(client, world, ids, random) }
          }
        }
        try await group.waitForAll()
      }
      // What was refused while charges were under way can be spent once they are heard of.
      let random = SeededRandom(1_000)
      #expect(
        await eventuallyTrue {
          // An operation that could not be queued is one that is tried again.
          _ = try? await Self.spend(client, world, ids, random)
          return bank.account.available == 0
        })
      #expect(await eventuallyTrue { world.outboxDepth() == 0 })
      let seconds = (ContinuousClock.now - begun) / .seconds(1)
      #expect(bank.account.available == 0)
      #expect(bank.account.lowest == 0)
      #expect(bank.account.readsAtOnceMax == 1)
      #expect(Double(bank.account.reads) <= seconds * 20 + 2)
      await client.stop()
    }
  }

  /// One operation of one credit, which fails now and then after it was allowed.
  private static func spend(
    _ client: Wrapper, _ world: ClientWorld, _ ids: Counter, _ random: SeededRandom
  ) async throws {
    let reservation: CreditReservation
    do throws(CreditRefusal) {
      reservation = try await client.reserve(
        tenantID: "t1", operation: "crm.leads.create", units: 10_000)
    } catch {
      // Nothing is left at the moment.
      return
    }
    switch random.below(5) {
    case 0:
      reservation.release()
    case 1:
      // Forgotten, as by an operation that was cut off.
      break
    default:
      let number = ids.increment()
      try await world.queue("a\(number)", units: 10_000, seq: Int64(number))
      reservation.commit()
      client.activityQueued(tenantID: "t1")
    }
  }
}

/// The Wrapper's side of the credits: slow, and now and then its answer to a charge is lost.
private final class Bank: Sendable {
  struct Account {
    var available: Int
    var lowest: Int
    var reads = 0
    var readsNow = 0
    var readsAtOnceMax = 0
    var counted: Set<String> = []
    var batches = 0
  }

  private let state: Mutex<Account>

  init(credits: Int) {
    state = Mutex(Account(available: credits, lowest: credits))
  }

  var account: Account { state.withLock { $0 } }

  func answer(_ call: ScriptedWrapper.Seen) async -> HTTPResponse? {
    if call.path.hasPrefix("/api/billing/credits/") { return await read() }
    guard call.path == "/api/activities/batch" else { return nil }
    let batches = state.withLock { account in
      for id in call.activityIDs where account.counted.insert(id).inserted {
        account.available -= 1
      }
      account.lowest = min(account.lowest, account.available)
      account.batches += 1
      return account.batches
    }
    await pause()
    return batches % 3 == 0
      ? HTTPResponse(status: 200, body: .stream(BrokenBody())) : .json(Array("{}".utf8))
  }

  private func read() async -> HTTPResponse {
    state.withLock { account in
      account.reads += 1
      account.readsNow += 1
      account.readsAtOnceMax = max(account.readsAtOnceMax, account.readsNow)
    }
    await pause()
    let available = state.withLock { $0.available }
    await pause()
    state.withLock { $0.readsNow -= 1 }
    let answer: JSONValue = [
      "available": .integer(available), "dailyUsage": 0, "monthlyUsage": 0,
    ]
    return .json(answer.bytes)
  }

  private func pause() async {
    // A test that is cancelled only loses its slowness.
    try? await Task.sleep(for: .milliseconds(15))
  }
}
